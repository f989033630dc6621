// Where one sublayer of many tokens ends and the next begins: streams are mixed in place, and the next one's deep
// product (deep_product.h) is summed over what has just been written, instead of reading it again.
#pragma once

#include "fathom/backends/cuda/kernels/streams.h"

namespace fathom::cuda {

struct MixAndSumKernel {
  ExpandKernel mixed;   // x [tokens, 4, 4096]
  const float* weight;  // [24, 4 * 4096]
  float* lanes;         // [32, tokens, 24]: what each lane of joined_pieces has
  std::int64_t blocks;  // a multiple of 32
};
// Blocks of one launch, one a multiprocessor; 0: the device or the shape has no such kernel.
std::int64_t mix_and_sum_blocks(const ExpandKernel& mixed, const float* weight, std::int64_t outputs,
                                std::int64_t multiprocessors, int capability, std::int64_t shared_bytes);
void launch_mix_and_sum(const MixAndSumKernel& args, Stream stream);

}  // namespace fathom::cuda
