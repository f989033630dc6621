// A row in shared memory, by a warp: its rotation, and its Hadamard transform.
#pragma once

#include "fathom/backends/cuda/kernels/threads.cuh"

namespace fathom::cuda {

// A row's last columns, in pairs; the warp's lanes see each other's before and after.
struct Angles {
  const float* cosine;  // [pairs]
  const float* sine;    // [pairs]
  std::int64_t pairs;
};
__device__ inline void turn(float* row, std::int64_t dim, const Angles& angles) {
  __syncwarp();
  for (std::int64_t pair = lane_id(); pair < angles.pairs; pair += kWarp) {
    float* even = row + dim - 2 * angles.pairs + 2 * pair;
    const float cosine = angles.cosine[pair];
    const float sine = angles.sine[pair];
    const float real = even[0] * cosine - even[1] * sine;
    const float imaginary = even[0] * sine + even[1] * cosine;
    even[0] = real;
    even[1] = imaginary;
  }
  __syncwarp();
}

// Butterflies of distance 1, 2, 4, ...; dim is a power of two, scale = 1 / sqrt(dim).
__device__ inline void transform_row(float* row, int dim, float scale) {
  for (int half = 1; half < dim; half *= 2) {
    for (int pair = lane_id(); pair < dim / 2; pair += kWarp) {
      const int column = pair / half * 2 * half + pair % half;
      const float low = row[column];
      const float high = row[column + half];
      row[column] = low + high;
      row[column + half] = low - high;
    }
    __syncwarp();
  }
  for (int column = lane_id(); column < dim; column += kWarp) row[column] *= scale;
  __syncwarp();
}

}  // namespace fathom::cuda
