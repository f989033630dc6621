// Which rows of packed activations meet which expert, worked out on the device from the router's choice.
#pragma once

#include <cuda_runtime.h>

#include <cstdint>

#include "fathom/backends/cuda/kernels/launching.h"
#include "fathom/backends/cuda/kernels/product_work.h"
#include "fathom/backends/cuda/kernels/products.h"

namespace fathom::cuda {

inline constexpr int kMostExperts = 1024;

// A slot is one of a token's experts. An expert's slots fill rows of whole chunks, which are handed out in groups; its
// last group may have more.
struct ExpertPlan {
  const std::int32_t* selected = nullptr;        // [slots]
  const std::uint8_t* const* present = nullptr;  // [experts]: null where an expert is not here
  int slots = 0;
  int experts = 0;
  int chunk_rows = 0;
  int group_chunks = 1;
  int last_rows = 0;  // at most, of an expert's last group; at least those of a group
  ExpertItem* items = nullptr;
  std::int32_t* counts = nullptr;       // items, rows
  std::int32_t* slot_of_row = nullptr;  // [rows] -1: padding
  std::int32_t* row_of_slot = nullptr;  // [slots] -1: its expert is not here
  std::uint32_t* use = nullptr;         // [experts] times chosen, added to; or null
  Fault* fault = nullptr;               // or null: for an expert that does not exist
  // A lone token's (lone_experts.h), or null: the items' experts, which are read before this launch has ended, and what
  // becomes kAwaited for the next one.
  std::int32_t* chosen = nullptr;  // [most_items] kNoExpert behind the last
  float* awaited = nullptr;        // [awaited_floats]
  std::int64_t most_items = 0;
  std::int64_t awaited_floats = 0;  // a multiple of four
};
// What a step of experts wants planned, in its workspace (expert_products).
ExpertPlan expert_plan(const ProductDevice& device, const ExpertProducts& args, Operand operand,
                       std::uint8_t* workspace);
// Slots that one warp plans, which alone writes `chosen`.
inline constexpr std::int64_t kMostSlotsOfWarp = 32;

void launch_plan(const ProductDevice& device, const ExpertPlan& plan, Stream stream);

// out[token] = sum over slots, ascending, of rows[row_of_slot], and then what stands beside
struct ExpertSum {
  const float* rows = nullptr;  // [rows, channels]
  const std::int32_t* row_of_slot = nullptr;
  std::int64_t tokens = 0;
  std::int64_t slots = 0;
  std::int64_t channels = 0;
  float* out = nullptr;           // [tokens, channels]
  const float* beside = nullptr;  // [tokens, channels] or null
};
void launch_sum(int capability, const ExpertSum& sum, Stream stream);

}  // namespace fathom::cuda
