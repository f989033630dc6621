#include "fathom/trainer/kernel_times.h"

#include <torch/version.h>

#include <algorithm>
#include <map>

#include "fathom/base/error.h"

#define FATHOM_DEVICE_PROFILER (TORCH_VERSION_MAJOR > 2 || (TORCH_VERSION_MAJOR == 2 && TORCH_VERSION_MINOR >= 4))

#if FATHOM_DEVICE_PROFILER
#include <torch/csrc/autograd/profiler_kineto.h>
#endif

namespace fathom::train {

#if FATHOM_DEVICE_PROFILER
std::vector<KernelTime> kernel_times(const std::function<void()>& work) {
  namespace profiler = torch::autograd::profiler;
  const profiler::ProfilerConfig config(profiler::ProfilerState::KINETO);
  const std::set<profiler::ActivityType> activities{profiler::ActivityType::CUDA};
  profiler::prepareProfiler(config, activities);
  profiler::enableProfiler(config, activities);
  work();
  const auto result = profiler::disableProfiler();
  std::map<std::string, KernelTime> by_name;
  for (const auto& event : result->events()) {
    if (event.deviceType() == c10::DeviceType::CPU) continue;
    KernelTime& time = by_name[event.name()];
    time.name = event.name();
    ++time.calls;
    time.seconds += static_cast<double>(event.durationNs()) * 1e-9;
  }
  std::vector<KernelTime> times;
  for (auto& [name, time] : by_name) times.push_back(std::move(time));
  std::stable_sort(times.begin(), times.end(), [](const auto& a, const auto& b) { return a.seconds > b.seconds; });
  return times;
}
#else
std::vector<KernelTime> kernel_times(const std::function<void()>& /*work*/) {
  throw InputError("[bench] LibTorch {} cannot list a device's kernels, 2.4 and later can", TORCH_VERSION);
}
#endif

}  // namespace fathom::train
