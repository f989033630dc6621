// Memory of the GPU that nobody wants yet, in blocks of places of one size. Each place holds a copy of something that
// lies elsewhere, so that a block can be taken back at any time between two launches. Bookkeeping: who copies, and who
// stops using a copy, is ExpertStore.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "fathom/tensor/memory.h"

namespace fathom::cuda {

struct ExpertTable;

class LentMemory {
 public:
  struct Owner {
    ExpertTable* table = nullptr;
    std::int64_t expert = 0;
    bool operator==(const Owner&) const = default;
  };

  // Blocks come from `memory`, `places_of_block` to each; a place begins at a multiple of 256 bytes.
  LentMemory(Allocator& memory, std::int64_t places_of_block) : memory_(memory), places_of_block_(places_of_block) {}

  std::int64_t bytes() const;   // of all blocks
  std::int64_t places() const;  // of all blocks
  std::int64_t free_places() const { return places() - taken_; }
  std::int64_t taken() const { return taken_; }
  std::int64_t dropped() const { return dropped_; }  // blocks, ever
  // Of a block whose places have so many bytes.
  std::int64_t block_bytes(std::int64_t place_bytes) const { return places_of_block_ * padded(place_bytes); }
  // Whether the places so far, if there are any, are of that size.
  bool fits(std::int64_t bytes) const { return blocks_.empty() || padded(bytes) == place_bytes_; }
  // InternalError where they are not.
  void add_block(std::int64_t place_bytes);
  // A place that held nothing and is the owner's now, who wants so many bytes; null where there is none. InternalError
  // where places are smaller.
  std::byte* take(const Owner& owner, std::int64_t bytes);
  // The place holds nothing any more.
  void give(const std::byte* place);
  // All places of a table's.
  void forget(const ExpertTable* table);
  std::vector<Owner> owners_of_last_block() const;
  // It goes back to its allocator, and its owners' places with it.
  void drop_block();

 private:
  static std::int64_t padded(std::int64_t bytes) { return (bytes + 255) / 256 * 256; }
  struct Block {
    Memory memory;
    std::vector<std::optional<Owner>> places;
  };

  Allocator& memory_;
  std::int64_t places_of_block_;
  std::int64_t place_bytes_ = 0;
  std::int64_t taken_ = 0;
  std::int64_t dropped_ = 0;
  std::vector<Block> blocks_;
};

}  // namespace fathom::cuda
