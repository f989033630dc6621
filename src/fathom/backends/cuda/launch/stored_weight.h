// A weight in the device's memory as the checkpoint stores it: its codes, then its scales.
#pragma once

#include <cstdint>

#include "fathom/backends/cuda/device/device.h"
#include "fathom/tensor/weight.h"

namespace fathom::cuda {

std::int64_t stored_bytes(const WeightView& view);
// The view of what is copied to `to`, of stored_bytes(); the source is free after device.synchronize().
WeightView store_weight(const WeightView& view, const Device& device, std::byte* to);

}  // namespace fathom::cuda
