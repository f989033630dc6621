#include "fathom/tokenizer/merger.h"

#include <array>
#include <cstring>
#include <limits>

#include "fathom/base/error.h"

namespace fathom {
namespace {

constexpr std::uint32_t kEnd = std::numeric_limits<std::uint32_t>::max();
constexpr std::size_t kKeptBytes = std::size_t{1} << 16;  // longer pieces give their memory back

}  // namespace

void Merger::append(std::string_view piece, std::vector<std::int32_t>& ids) {
  if (piece.size() <= kArrayBytes) {
    append_short(piece, ids);
    return;
  }
  append_long(piece, ids);
}

void Merger::append_short(std::string_view piece, std::vector<std::int32_t>& ids) const {
  // A token and, above it, the rank of its merge with the next one. Equal entries are equal pairs, so a strict search
  // for the least finds the leftmost of the lowest rank.
  std::array<std::uint64_t, kArrayBytes> entries;
  const auto entry = [](std::uint32_t rank, std::int32_t token) {
    return std::uint64_t{rank} << 32 | static_cast<std::uint32_t>(token);
  };
  const auto token_at = [&](std::size_t place) { return static_cast<std::int32_t>(entries[place]); };
  const auto renew_at = [&](std::size_t place, std::int32_t token, std::size_t count) {
    const bool last = place + 1 == count;
    entries[place] = entry(last ? MergeTable::kNone : table_->rank(token, token_at(place + 1)), token);
  };
  std::size_t count = piece.size();
  for (std::size_t place = 0; place < count; ++place) {
    const auto byte = static_cast<unsigned char>(piece[place]);
    const bool last = place + 1 == count;
    entries[place] =
        entry(last ? MergeTable::kNone : table_->rank_of_bytes(byte, static_cast<unsigned char>(piece[place + 1])),
              table_->byte_id(byte));
  }
  while (count > 1) {
    std::size_t best = 0;
    for (std::size_t place = 1; place + 1 < count; ++place)
      if (entries[place] < entries[best]) best = place;
    const auto rank = static_cast<std::uint32_t>(entries[best] >> 32);
    if (rank == MergeTable::kNone) break;
    --count;
    std::memmove(&entries[best + 1], &entries[best + 2], (count - best - 1) * sizeof(entries[0]));
    renew_at(best, table_->product(rank), count);
    if (best > 0) renew_at(best - 1, token_at(best - 1), count);
  }
  for (std::size_t place = 0; place < count; ++place) ids.push_back(token_at(place));
}

void Merger::lay_out(std::string_view piece) {
  const std::size_t count = piece.size();
  ids_.resize(count);
  ranks_.resize(count);
  next_.resize(count);
  previous_.resize(count);
  for (std::size_t place = 0; place < count; ++place) {
    const auto byte = static_cast<unsigned char>(piece[place]);
    const bool last = place + 1 == count;
    ids_[place] = table_->byte_id(byte);
    ranks_[place] =
        last ? MergeTable::kNone : table_->rank_of_bytes(byte, static_cast<unsigned char>(piece[place + 1]));
    next_[place] = last ? kEnd : static_cast<std::uint32_t>(place + 1);
    previous_[place] = place == 0 ? kEnd : static_cast<std::uint32_t>(place - 1);
    if (ranks_[place] != MergeTable::kNone) queue_.push(std::uint64_t{ranks_[place]} << 32 | place);
  }
}

// A new neighbour at `left`: its rank, and a place in the queue. Older entries of that place are stale from now on,
// which run_queue sees by their rank: a pair of equal rank would be the same two tokens, and tokens only grow.
void Merger::renew(std::uint32_t left, std::uint32_t right) {
  ranks_[left] = right == kEnd ? MergeTable::kNone : table_->rank(ids_[left], ids_[right]);
  if (ranks_[left] == MergeTable::kNone) return;
  queue_.push(std::uint64_t{ranks_[left]} << 32 | left);
}

void Merger::run_queue() {
  while (!queue_.empty()) {
    const std::uint64_t entry = queue_.pop();
    const auto left = static_cast<std::uint32_t>(entry);
    const auto rank = static_cast<std::uint32_t>(entry >> 32);
    if (ranks_[left] != rank) continue;
    const std::uint32_t right = next_[left];
    const std::uint32_t after = next_[right];
    ids_[left] = table_->product(rank);
    ranks_[right] = MergeTable::kNone;  // it is no token any more
    next_[left] = after;
    if (after != kEnd) previous_[after] = left;
    renew(left, after);
    if (previous_[left] != kEnd) renew(previous_[left], left);
  }
}

void Merger::append_long(std::string_view piece, std::vector<std::int32_t>& ids) {
  if (piece.size() >= kEnd)
    throw InputError("[tokenizer] a text without a place to split: found {} bytes, expected less than {}", piece.size(),
                     kEnd);
  lay_out(piece);
  run_queue();
  for (std::uint32_t place = 0; place != kEnd; place = next_[place]) ids.push_back(ids_[place]);
  if (piece.size() <= kKeptBytes) return;
  ids_ = {};
  ranks_ = {};
  next_ = {};
  previous_ = {};
  queue_.clear();
}

}  // namespace fathom
