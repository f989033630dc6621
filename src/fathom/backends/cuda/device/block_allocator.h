// Many small pieces of a GPU's memory out of few large blocks: the driver gives no piece smaller than two mebibytes,
// and a model has tens of thousands of weights. A block goes back when nothing of it is left.
#pragma once

#include <cstdint>
#include <map>

#include "fathom/tensor/memory.h"

namespace fathom::cuda {

class BlockAllocator final : public Allocator {
 public:
  BlockAllocator(Allocator& memory, std::int64_t block_bytes) : memory_(memory), block_bytes_(block_bytes) {}

  std::byte* allocate(std::int64_t bytes) override;
  void release(std::byte* data, std::int64_t bytes) noexcept override;

  std::int64_t blocks() const { return std::ssize(blocks_); }

 private:
  struct Block {
    Memory memory;
    std::int64_t used = 0;
    std::int64_t pieces = 0;  // that are not released
  };

  Allocator& memory_;
  std::int64_t block_bytes_;
  std::map<std::byte*, Block> blocks_;  // by their start
  std::byte* open_ = nullptr;           // the block that pieces come from
};

}  // namespace fathom::cuda
