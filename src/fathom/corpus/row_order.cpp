#include "fathom/corpus/row_order.h"

#include <algorithm>
#include <utility>

#include "fathom/base/error.h"

namespace fathom {

RowOrder::RowOrder(std::vector<OrderPart> parts, std::int64_t length, std::uint64_t seed)
    : parts_(std::move(parts)), length_(length), seed_(seed) {
  check(!parts_.empty() && length > 0, "rows have parts and a length");
  place_.parts.resize(parts_.size());
  for (std::size_t part = 0; part < parts_.size(); ++part)
    permutations_.push_back(permutation(static_cast<std::int64_t>(part), 0));
}

Permutation RowOrder::permutation(std::int64_t part, std::int64_t epoch) const {
  const std::uint64_t of_part = mixed(seed_, static_cast<std::uint64_t>(part));
  return {parts_[static_cast<std::size_t>(part)].shard->documents(), mixed(of_part, static_cast<std::uint64_t>(epoch))};
}

// Of equals, the first.
std::int64_t RowOrder::furthest_behind() const {
  std::size_t best = 0;
  double least = 0.0;
  for (std::size_t part = 0; part < parts_.size(); ++part) {
    const double turns = static_cast<double>(place_.parts[part].drawn) / parts_[part].weight;
    if (part > 0 && turns >= least) continue;
    best = part;
    least = turns;
  }
  return static_cast<std::int64_t>(best);
}

RowPiece RowOrder::draw() {
  const std::int64_t part = furthest_behind();
  const auto index = static_cast<std::size_t>(part);
  PartPlace& place = place_.parts[index];
  const std::int64_t document = permutations_[index].at(place.next);
  const std::int64_t left = parts_[index].shard->document_tokens(document) - place.first;
  const RowPiece piece{.part = part, .document = document, .first = place.first, .count = std::min(left, length_)};
  place.drawn += piece.count;
  place.first += piece.count;
  if (piece.count < left) return piece;
  place.first = 0;
  if (++place.next < permutations_[index].size()) return piece;
  place.next = 0;
  ++place.epoch;
  permutations_[index] = permutation(part, place.epoch);
  return piece;
}

void RowOrder::refill() {
  while (place_.waiting.size() < kWaiting) place_.waiting.push_back(draw());
}

std::vector<RowPiece> RowOrder::next() {
  std::vector<RowPiece> row;
  std::int64_t room = length_;
  std::vector<RowPiece>& waiting = place_.waiting;
  refill();
  for (auto chosen = waiting.begin(); chosen != waiting.end();) {
    row.push_back(*chosen);
    room -= chosen->count;
    waiting.erase(chosen);
    refill();
    chosen = waiting.end();
    for (auto piece = waiting.begin(); piece != waiting.end(); ++piece)
      if (piece->count <= room && (chosen == waiting.end() || piece->count > chosen->count)) chosen = piece;
  }
  ++place_.row;
  return row;
}

void RowOrder::require_inside(const OrderPlace& place) const {
  const auto require = [](bool inside, const char* what) {
    if (!inside) throw InputError("[rows] the place to go on from is damaged: {} outside the shards", what);
  };
  require(place.parts.size() == parts_.size() && place.row >= 0 && place.waiting.size() <= kWaiting, "it lies");
  for (std::size_t part = 0; part < parts_.size(); ++part) {
    const PartPlace& at = place.parts[part];
    const TokenShard& shard = *parts_[part].shard;
    require(at.epoch >= 0 && at.drawn >= 0 && at.next >= 0 && at.next < shard.documents(), "a part lies");
    const std::int64_t document = permutation(static_cast<std::int64_t>(part), at.epoch).at(at.next);
    require(at.first >= 0 && at.first < shard.document_tokens(document), "a token lies");
  }
  for (const RowPiece& piece : place.waiting) {
    require(piece.part >= 0 && piece.part < static_cast<std::int64_t>(parts_.size()), "a waiting piece's part lies");
    const TokenShard& shard = *parts_[static_cast<std::size_t>(piece.part)].shard;
    require(piece.document >= 0 && piece.document < shard.documents(), "a waiting document lies");
    require(piece.count > 0 && piece.count <= length_ && piece.first >= 0 &&
                piece.first <= shard.document_tokens(piece.document) - piece.count,
            "a waiting piece lies");
  }
}

void RowOrder::seek(OrderPlace place) {
  require_inside(place);
  place_ = std::move(place);
  for (std::size_t part = 0; part < parts_.size(); ++part)
    permutations_[part] = permutation(static_cast<std::int64_t>(part), place_.parts[part].epoch);
}

}  // namespace fathom
