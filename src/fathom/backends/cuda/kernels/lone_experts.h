// The routed experts of a lone token in one launch: w1, w3, SwiGLU and w2 of all that it has chosen, a thread block to
// a multiprocessor, weights coming all the while.
#pragma once

#include "fathom/backends/cuda/kernels/product_work.h"
#include "fathom/backends/cuda/kernels/products.h"

namespace fathom::cuda {

inline constexpr std::int32_t kNoExpert = -2;  // behind the last of the chosen

struct LoneExperts {
  const std::uint8_t* const* w1 = nullptr;  // [experts] tiles
  const std::uint8_t* const* w2 = nullptr;
  const std::uint8_t* const* w3 = nullptr;
  const float* x = nullptr;                   // [channels]
  const std::int32_t* chosen = nullptr;       // of the plan (expert_plan.h): an item is its rows' chunk
  const std::int32_t* slot_of_row = nullptr;  // of the plan
  const float* weights = nullptr;             // by slot
  float* gate = nullptr;  // [items, expert_dim]: all is kAwaited (awaited.cuh) when the launch begins
  float* up = nullptr;    // the same
  float* down = nullptr;  // [rows of the plan, channels]
  std::int64_t experts = 0;
  std::int64_t channels = 0;
  std::int64_t expert_dim = 0;
  int most_items = 0;
  float limit = 0.0F;
};

// Items are taken in groups, so many that w1 and w3 of a group have a tile of outputs for each block, and w2 as well.
struct LoneShape {
  int blocks = 0;  // of the launch; none: the device or the experts are not of this kind
  int stages = 0;
  int group_items = 0;
  int shared_bytes = 0;
};
LoneShape lone_shape(const ProductDevice& device, const ExpertTables& experts, Operand operand);

// Every block must find room at once (lone_shape sees to it): they wait for one another.
void launch_lone_experts(const LoneExperts& work, const LoneShape& shape, Stream stream);

}  // namespace fathom::cuda
