// Products with few outputs over many inputs (hc_fn: 24 over 16,384), in float32: no output of these could keep a
// multiprocessor busy. Inputs are cut into pieces of 128; a piece's sum is four inputs a lane in order, then lanes in
// pairs; pieces are summed four a lane in order, then lanes in pairs. All of it depends on the inputs' number alone.
#pragma once

#include <cstdint>

#include "fathom/backends/cuda/kernels/launching.h"

namespace fathom::cuda {

inline constexpr std::int64_t kDeepOutputs = 32;  // at most
inline constexpr std::int64_t kDeepPiece = 128;   // inputs
inline constexpr std::int64_t kDeepRows = 8192;   // of one launch
// Many rows leave the pieces' sums joined to so many parts: part p has those lanes whose number is p modulo the parts.
inline constexpr std::int64_t kDeepParts = 8;
inline constexpr std::int64_t kManyDeepRows = 256;

struct DeepProductKernel {
  const float* weight;  // [outputs, in]
  const float* x;       // [rows, in]
  float* out;           // [rows, outputs], or null: the sums are all that is wanted
  float* parts;         // [rows, outputs, sums()] of scratch
  std::int64_t rows;
  std::int64_t outputs;
  std::int64_t in;

  constexpr std::int64_t pieces() const { return (in + kDeepPiece - 1) / kDeepPiece; }
  bool in_parts() const;
  // What a row leaves of an output, to be joined.
  std::int64_t sums() const { return in_parts() ? kDeepParts : pieces(); }
};
// The pieces' sums, then `out` from them.
void launch_deep_product(const DeepProductKernel& args, Stream stream);

}  // namespace fathom::cuda
