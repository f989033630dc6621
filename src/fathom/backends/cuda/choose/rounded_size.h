// Sizes that grow with a sequence, in steps: what is launched stays the same for some hundred tokens, and a recorded
// step with it (device/step_recorder.h). Kernels look at each row's own size, so that no bit depends on it.
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>

namespace fathom::cuda {

// At least `size`, by less than an eighth of it, or than 256.
constexpr std::int64_t rounded_size(std::int64_t size) {
  if (size <= 0) return 0;
  const auto power = static_cast<std::int64_t>(std::bit_floor(static_cast<std::uint64_t>(size)));
  const std::int64_t step = std::max<std::int64_t>(256, power / 8);
  return (size + step - 1) / step * step;
}

}  // namespace fathom::cuda
