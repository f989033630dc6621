// Where a device's time goes: the kernels that ran, by name.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace fathom::train {

struct KernelTime {
  std::string name;
  std::int64_t calls = 0;
  double seconds = 0.0;
};

// Runs `work`, which ends with the device idle, under LibTorch's profiler. Longest first.
// InputError when this LibTorch has no profiler of devices (before 2.4).
std::vector<KernelTime> kernel_times(const std::function<void()>& work);

}  // namespace fathom::train
