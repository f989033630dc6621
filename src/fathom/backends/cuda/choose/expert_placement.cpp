#include "fathom/backends/cuda/choose/expert_placement.h"

#include <algorithm>

#include "fathom/base/error.h"

namespace fathom::cuda {

std::int64_t experts_on_gpu(const ExpertRoom& room) {
  const std::int64_t row_bytes = room.layers * room.expert_bytes;  // one expert of every layer
  if (row_bytes <= 0) return room.experts_of_layer;
  return std::clamp<std::int64_t>((room.bytes - room.other_bytes) / row_bytes, 0, room.experts_of_layer);
}

std::vector<ExpertSwap> choose_swaps(std::span<const float> use, std::span<const std::uint8_t> is_on_gpu,
                                     std::int64_t most) {
  check_equal(is_on_gpu.size(), use.size(), "places of experts, one for each use");
  constexpr float kTimes = 2.0F;
  constexpr float kLeast = 1.0F;
  std::vector<std::int64_t> host;
  std::vector<std::int64_t> gpu;
  for (std::int64_t expert = 0; expert < std::ssize(use); ++expert)
    (is_on_gpu[expert] != 0 ? gpu : host).push_back(expert);
  const auto count = std::min({most, std::ssize(host), std::ssize(gpu)});
  std::partial_sort(host.begin(), host.begin() + count, host.end(), [&](std::int64_t left, std::int64_t right) {
    return use[left] != use[right] ? use[left] > use[right] : left < right;
  });
  std::partial_sort(gpu.begin(), gpu.begin() + count, gpu.end(), [&](std::int64_t left, std::int64_t right) {
    return use[left] != use[right] ? use[left] < use[right] : left < right;
  });
  std::vector<ExpertSwap> swaps;
  for (std::int64_t index = 0; index < count; ++index) {
    if (use[host[index]] < kTimes * use[gpu[index]] + kLeast) break;
    swaps.push_back({.to_gpu = host[index], .to_host = gpu[index]});
  }
  return swaps;
}

}  // namespace fathom::cuda
