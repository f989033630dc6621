// Documents of a mixture, packed into rows of one length, in an order that the seed alone decides. The place in the
// stream is a few numbers, so that training goes on from where it was, to the token.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

namespace fathom {

// docs/training.md, "Packed rows".
struct PackedRow {
  std::vector<std::int32_t> ids;        // [length]; padding holds 0
  std::vector<std::int32_t> targets;    // [length]; -1: no loss
  std::vector<std::int32_t> documents;  // [length]; -1: padding
  std::vector<std::int32_t> positions;  // [length]
};

struct MixturePart {
  std::filesystem::path shard;
  double weight = 1.0;  // share of the tokens drawn, relative to the other parts; a part starts over when it ends
};

struct RowStreamOptions {
  std::vector<MixturePart> parts;
  std::int64_t length = 0;  // tokens of a row
  std::uint64_t seed = 0;
  std::int64_t rank = 0;  // takes every `ranks`-th row from `rank` on: all ranks together read what one would
  std::int64_t ranks = 1;
};

class RowStream {
 public:
  explicit RowStream(RowStreamOptions options);
  ~RowStream();
  RowStream(RowStream&&) noexcept;

  PackedRow next();
  // The place as text, and back; InputError when it was saved from other shards, weights, length or seed. It is the
  // same for all ranks after as many rows each, and may be gone on from by another number of them.
  std::string place() const;
  void seek(const std::string& place);

 private:
  struct Contents;
  std::unique_ptr<Contents> contents_;
};

}  // namespace fathom
