#include "fathom/backends/cuda/launch/stored_weight.h"

namespace fathom::cuda {
namespace {

constexpr std::int64_t kAlignment = 256;

std::int64_t scale_offset(const WeightView& view) {
  return (std::ssize(view.data) + kAlignment - 1) / kAlignment * kAlignment;
}

}  // namespace

std::int64_t stored_bytes(const WeightView& view) { return scale_offset(view) + std::ssize(view.scale); }

WeightView store_weight(const WeightView& view, const Device& device, std::byte* to) {
  std::byte* scale = to + scale_offset(view);
  device.copy_any(view.data.data(), to, std::ssize(view.data));  // `to` may be pinned
  device.copy_any(view.scale.data(), scale, std::ssize(view.scale));
  WeightView stored = view;
  stored.data = {to, view.data.size()};
  stored.scale = {scale, view.scale.size()};
  return stored;
}

}  // namespace fathom::cuda
