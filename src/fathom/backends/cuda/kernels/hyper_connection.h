// What a sublayer begins with, behind the pieces of its deep product: the mix, the gates, the collapsed streams,
// normed.
#pragma once

#include "fathom/backends/cuda/kernels/launching.h"

namespace fathom::cuda {

struct HyperConnectionKernel {
  const float* x;      // [tokens, streams, channels]
  const float* parts;  // [tokens, (2 + streams) * streams, pieces]: the sums of deep_product.h
  const float* scale;  // [3]
  const float* base;   // [(2 + streams) * streams]
  const float* norm;   // [channels]
  float* pre;          // [tokens, streams]
  float* post;         // [tokens, streams]
  float* comb;         // [tokens, streams, streams]
  float* out;          // [tokens, channels]
  float* inverse_rms;  // [tokens] of scratch
  std::int64_t tokens;
  std::int64_t streams;
  std::int64_t channels;
  std::int64_t pieces;
  std::int64_t iterations;
  float eps;
  float norm_eps;
};
// Whether a block's shared memory has room for a row.
bool hyper_connection_fits(std::int64_t streams, std::int64_t channels);
void launch_hyper_connection(const HyperConnectionKernel& args, Stream stream);

}  // namespace fathom::cuda
