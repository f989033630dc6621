// How sparse attention is cut for the device. Numbers decide speed alone: a score, a weight and a value are each one
// chain of one thread, in an order of their own.
#pragma once

#include <cstdint>

namespace fathom::cuda {

struct AttentionSize {
  std::int64_t tokens = 0;
  std::int64_t heads = 0;
  std::int64_t head_dim = 0;
  std::int64_t most_keys = 0;  // of any token
};

struct AttentionShape {
  std::int64_t tokens = 0;   // of one launch, so that scores fit their scratch
  bool large_tiles = false;  // several heads and keys a thread: when there is work for every multiprocessor
};
AttentionShape attention_shape(const AttentionSize& size, std::int64_t multiprocessors);

}  // namespace fathom::cuda
