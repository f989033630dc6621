// Kernels on one row at a time. Pointers are to the device's memory, shapes in brackets.
#pragma once

#include "fathom/backends/cuda/kernels/launching.h"

namespace fathom::cuda {

struct RmsNormKernel {
  const float* x;       // [rows, dim]
  const float* weight;  // [dim], or null
  float* out;           // [rows, dim]
  std::int64_t rows;
  std::int64_t dim;
  float eps;
};
void launch_rms_norm(const RmsNormKernel& args, Stream stream);

struct RotaryTableKernel {
  const std::int64_t* positions;  // [rows]
  const float* frequencies;       // [pairs]
  float* cosine;                  // [rows, pairs]
  float* sine;                    // [rows, pairs]
  std::int64_t rows;
  std::int64_t pairs;
};
void launch_rotary_table(const RotaryTableKernel& args, Stream stream);

struct RotateKernel {
  float* x;             // [rows, heads, head_dim]
  const float* cosine;  // [rows, pairs]
  const float* sine;    // [rows, pairs]
  std::int64_t rows;
  std::int64_t heads;
  std::int64_t head_dim;
  std::int64_t pairs;
  bool inverse;
};
void launch_rotate(const RotateKernel& args, Stream stream);

struct HadamardKernel {
  float* x;  // [rows, dim]
  std::int64_t rows;
  std::int64_t dim;
  float scale;  // 1 / sqrt(dim)
};
void launch_hadamard(const HadamardKernel& args, Stream stream);

struct SwigluKernel {
  const float* gate;    // [rows, dim]
  const float* up;      // [rows, dim]
  const float* weight;  // [rows], or null
  float* out;           // [rows, dim]
  std::int64_t rows;
  std::int64_t dim;
  float limit;  // 0: none
};
void launch_swiglu(const SwigluKernel& args, Stream stream);

struct AddKernel {
  const float* x;  // [count]
  float* out;      // [count]
  std::int64_t count;
};
void launch_add(const AddKernel& args, Stream stream);

}  // namespace fathom::cuda
