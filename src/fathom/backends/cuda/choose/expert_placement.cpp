#include "fathom/backends/cuda/choose/expert_placement.h"

#include <algorithm>

#include "fathom/base/error.h"
#include "fathom/ops/device_caches.h"

namespace fathom::cuda {
namespace {

constexpr std::int64_t kUncounted = std::int64_t{1} << 30;  // code, staging, what tiles are padded by, blocks' ends
constexpr std::int64_t kLeastStream = std::int64_t{64} << 20;
constexpr std::int64_t kMostShare = 8;  // of the GPU, for what nobody asked for

}  // namespace

std::int64_t room_for_weights(std::int64_t free, const ExpectedMemory& expected) {
  const std::int64_t most = free / kMostShare;
  const std::int64_t caches = expected.caches > 0 ? expected.caches : std::min(expected.usual_caches, most);
  return free - expected.step - std::min(kUncounted, most) - bytes_for_caches(caches);
}

std::int64_t experts_on_gpu(const ExpertRoom& room) {
  const std::int64_t row_bytes = room.layers * room.expert_bytes;  // one expert of every layer
  if (row_bytes <= 0) return room.experts_of_layer;
  std::int64_t count = room.experts_of_layer;
  while (count > 0 &&
         room.other_bytes + count * row_bytes + 2 * streamed_places(room, count) * room.expert_bytes > room.bytes)
    --count;
  return count;
}

std::int64_t streamed_places(const ExpertRoom& room, std::int64_t on_gpu) {
  const std::int64_t elsewhere = room.experts_of_layer - on_gpu;
  if (!room.streams || elsewhere <= 0 || room.expert_bytes <= 0) return 0;
  const std::int64_t most = std::max(room.bytes / 16, kLeastStream) / (2 * room.expert_bytes);
  return std::min({elsewhere + elsewhere / 4 + 1, room.experts_of_layer, most});
}

std::vector<std::int64_t> choose_copies(std::span<const float> use, std::span<const std::uint8_t> is_on_gpu,
                                        std::int64_t most) {
  check_equal(is_on_gpu.size(), use.size(), "places of experts, one for each use");
  std::vector<std::int64_t> host;
  for (std::int64_t expert = 0; expert < std::ssize(use); ++expert)
    if (is_on_gpu[expert] == 0) host.push_back(expert);
  const auto count = std::clamp<std::int64_t>(most, 0, std::ssize(host));
  std::partial_sort(host.begin(), host.begin() + count, host.end(), [&](std::int64_t left, std::int64_t right) {
    return use[left] != use[right] ? use[left] > use[right] : left < right;
  });
  host.resize(static_cast<std::size_t>(count));
  return host;
}

std::vector<ExpertSwap> choose_swaps(std::span<const float> use, std::span<const std::uint8_t> is_on_gpu,
                                     std::int64_t most) {
  check_equal(is_on_gpu.size(), use.size(), "places of experts, one for each use");
  constexpr float kTimes = 2.0F;
  constexpr float kLeast = 1.0F;
  std::vector<std::int64_t> gpu;
  for (std::int64_t expert = 0; expert < std::ssize(use); ++expert)
    if (is_on_gpu[expert] != 0) gpu.push_back(expert);
  const std::vector<std::int64_t> host = choose_copies(use, is_on_gpu, std::min(most, std::ssize(gpu)));
  const auto count = std::ssize(host);
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
