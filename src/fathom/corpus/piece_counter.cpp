#include "fathom/corpus/piece_counter.h"

#include <xxhash.h>

#include <algorithm>

#include "fathom/tokenizer/utf8.h"

namespace fathom {

std::size_t PieceCounter::Hash::operator()(std::string_view text) const {
  return XXH3_64bits(text.data(), text.size());
}

void PieceCounter::count(std::string_view piece, std::uint64_t weight) {
  const auto found = counts_.find(piece);
  if (found != counts_.end()) {
    found->second += weight;
  } else {
    counts_.emplace(piece, weight);
  }
}

void PieceCounter::add_plain(std::string_view text, std::uint64_t weight) {
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = splitter_.piece_end(text, begin);
    const std::string_view piece = text.substr(begin, end - begin);
    begin = end;
    const bool number = splitter_.classes().of(utf8_step(piece, 0).code_point) == CharClass::kNumber;
    if (!number) {
      if (piece.size() > 1 && piece.size() <= kLongest) count(piece, weight);
      continue;
    }
    for (std::size_t at = 0; at < piece.size();) {
      const auto length = static_cast<std::size_t>(utf8_step(piece, at).length);
      if (length > 1) count(piece.substr(at, length), weight);
      at += length;
    }
  }
}

void PieceCounter::add(std::string_view text, std::uint64_t weight) {
  bytes_ += text.size();
  for (std::size_t begin = 0; begin < text.size();) {
    const auto match = added_.next(text, begin, splitter_.classes());
    add_plain(text.substr(begin, (match ? match->begin : text.size()) - begin), weight);
    begin = match ? match->end : text.size();
  }
}

void PieceCounter::merge(PieceCounter&& other) {
  bytes_ += other.bytes_;
  for (const auto& [piece, count] : other.counts_) counts_[piece] += count;
  other.counts_.clear();
}

std::vector<CountedPiece> PieceCounter::counted() const {
  std::vector<CountedPiece> pieces;
  pieces.reserve(counts_.size());
  for (const auto& [piece, count] : counts_) pieces.push_back({.bytes = piece, .count = count});
  std::sort(pieces.begin(), pieces.end(),
            [](const CountedPiece& left, const CountedPiece& right) { return left.bytes < right.bytes; });
  return pieces;
}

}  // namespace fathom
