// What a sublayer begins with: the pieces of its deep product, and behind them the mix, the gates, the collapsed
// streams, normed.
#pragma once

#include "fathom/backends/cuda/kernels/awaited_row.h"
#include "fathom/backends/cuda/kernels/deep_product.h"
#include "fathom/backends/cuda/kernels/streams.h"

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
  float* squares;      // [tokens, streams, channels / 512, 32] of launch_hyper_connection_sums, or null
  const float* lanes;  // [32, tokens, (2 + streams) * streams] of mix_and_sum, or null; parts is, then
  std::int64_t tokens;
  std::int64_t streams;
  std::int64_t channels;
  std::int64_t pieces;
  std::int64_t iterations;
  float eps;
  float norm_eps;
  AwaitedRow awaited;  // where `out` goes too, of one token with squares; or nowhere
};
// Whether a block's shared memory has room for a row.
bool hyper_connection_fits(std::int64_t streams, std::int64_t channels);
// Whether it is kernels for many tokens that read the streams, as behind mix_and_sum.
bool hyper_connection_of_many(std::int64_t tokens, std::int64_t streams, std::int64_t channels);
// Floats of scratch for the sums of squares, where one kernel makes them beside the pieces; 0: it does not.
std::int64_t hyper_connection_squares(const DeepProductKernel& product, std::int64_t streams, Stream stream);
// The pieces, and the squares' sums if they are not null.
void launch_hyper_connection_sums(const DeepProductKernel& product, float* squares, Stream stream);
// The same behind the expansion of the sublayer before, whose streams the product reads: few tokens, one launch.
bool hyper_connection_expands(const ExpandKernel& expand, const DeepProductKernel& product, Stream stream);
void launch_expand_and_sums(const ExpandKernel& expand, const DeepProductKernel& product, float* squares,
                            Stream stream);
void launch_hyper_connection(const HyperConnectionKernel& args, Stream stream);

}  // namespace fathom::cuda
