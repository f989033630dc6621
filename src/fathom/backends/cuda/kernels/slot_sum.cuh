// A token's experts in one sum, in the order of its slots.
#pragma once

#include "fathom/backends/cuda/kernels/expert_plan.h"

namespace fathom::cuda {

__device__ inline float4 added(const float4& a, const float4& b) {
  return {a.x + b.x, a.y + b.y, a.z + b.z, a.w + b.w};
}

// Four channels of a token's experts in order, their rows on their way at once.
__device__ inline float4 sum_of_slots(const ExpertSum& of, std::int64_t token, std::int64_t four) {
  constexpr int kAtOnce = 8;
  const std::int64_t fours = of.channels / 4;
  const auto* rows = reinterpret_cast<const float4*>(of.rows) + four;
  float4 total = {};
  for (std::int64_t first = 0; first < of.slots; first += kAtOnce) {
    int row[kAtOnce];
    float4 values[kAtOnce];
#pragma unroll
    for (int slot = 0; slot < kAtOnce; ++slot)
      row[slot] = first + slot < of.slots ? of.row_of_slot[token * of.slots + first + slot] : -1;
#pragma unroll
    for (int slot = 0; slot < kAtOnce; ++slot)
      if (row[slot] >= 0) values[slot] = rows[row[slot] * fours];
#pragma unroll
    for (int slot = 0; slot < kAtOnce; ++slot)
      if (row[slot] >= 0) total = added(total, values[slot]);
  }
  return total;
}

}  // namespace fathom::cuda
