#include "fathom/trainer/row_chunks.h"

#include <algorithm>

namespace fathom::train {
namespace {

// Scores alive at a time. On a GPU few large kernels, on a CPU what the second-level caches hold.
constexpr std::int64_t kGpuScores = std::int64_t{1} << 28;
constexpr std::int64_t kCpuScores = std::int64_t{1} << 20;

}  // namespace

std::vector<RowChunk> row_chunks(const RowChunkPlan& plan) {
  const std::int64_t limit = plan.device.is_cuda() ? kGpuScores : kCpuScores;
  const std::int64_t tokens = std::max<std::int64_t>(1, limit / std::max<std::int64_t>(1, plan.token_scores));
  std::vector<RowChunk> chunks;
  if (const std::int64_t whole = tokens / plan.length; whole > 0) {
    for (std::int64_t row = 0; row < plan.rows; row += whole)
      chunks.push_back({.row = row, .rows = std::min(whole, plan.rows - row), .token = 0, .tokens = plan.length});
    return chunks;
  }
  const std::int64_t part = std::max(plan.multiple, tokens / plan.multiple * plan.multiple);
  for (std::int64_t row = 0; row < plan.rows; ++row)
    for (std::int64_t token = 0; token < plan.length; token += part)
      chunks.push_back({.row = row, .rows = 1, .token = token, .tokens = std::min(part, plan.length - token)});
  return chunks;
}

}  // namespace fathom::train
