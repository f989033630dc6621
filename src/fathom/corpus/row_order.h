// Which pieces of which documents make up each row, before any token is read: the one order that all ranks share.
//
//   mixture   the next piece comes from the part that is furthest behind its share of the tokens drawn so far
//   document  within an epoch of a part, each once, in a seeded permutation; what is longer than a row is cut
//   row       the piece that waited longest opens it; then, again and again, the longest waiting piece that still fits
#pragma once

#include <cstdint>
#include <vector>

#include "fathom/corpus/permutation.h"
#include "fathom/corpus/token_shard.h"

namespace fathom {

// Tokens [first, first + count) of a document.
struct RowPiece {
  std::int64_t part = 0;
  std::int64_t document = 0;
  std::int64_t first = 0;
  std::int64_t count = 0;
  bool operator==(const RowPiece&) const = default;
};

// How far a part has been drawn.
struct PartPlace {
  std::int64_t epoch = 0;
  std::int64_t next = 0;   // place in the epoch's permutation
  std::int64_t first = 0;  // token of that document
  std::int64_t drawn = 0;  // tokens since the beginning
  bool operator==(const PartPlace&) const = default;
};

// All that the order knows of its past.
struct OrderPlace {
  std::int64_t row = 0;
  std::vector<PartPlace> parts;
  std::vector<RowPiece> waiting;  // the oldest first
  bool operator==(const OrderPlace&) const = default;
};

struct OrderPart {
  const TokenShard* shard = nullptr;  // of at least one document; outlives the order
  double weight = 1.0;
};

class RowOrder {
 public:
  // More pieces to choose from mean less padding, and a document moves further from where it was drawn.
  static constexpr std::size_t kWaiting = 128;

  RowOrder(std::vector<OrderPart> parts, std::int64_t length, std::uint64_t seed);

  std::vector<RowPiece> next();
  const OrderPlace& place() const { return place_; }
  // InputError when the place lies outside the shards; the order is where it was then.
  void seek(OrderPlace place);

 private:
  std::int64_t furthest_behind() const;
  Permutation permutation(std::int64_t part, std::int64_t epoch) const;
  void require_inside(const OrderPlace& place) const;
  RowPiece draw();
  void refill();

  std::vector<OrderPart> parts_;
  std::int64_t length_ = 0;
  std::uint64_t seed_ = 0;
  std::vector<Permutation> permutations_;  // of each part's present epoch
  OrderPlace place_;
};

}  // namespace fathom
