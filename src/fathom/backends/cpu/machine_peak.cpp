#include "fathom/backends/cpu/machine_peak.h"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <vector>

#include "fathom/backends/cpu/kernels/targets.h"
#include "fathom/base/thread_pool.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "fathom/backends/cpu/machine_peak.cpp"
#include <hwy/foreach_target.h>
// After foreach_target:
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace fathom::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;
using Floats = hn::ScalableTag<float>;

// Ten accumulators: latency times the two units, and a few to spare for a fused product and sum; twelve for the two
// apart, which take six cycles. Returns the flops.
template <bool kFused>
HWY_INLINE double turn(std::int64_t rounds, float* sink) {
  const Floats floats;
  constexpr int kSums = kFused ? 10 : 12;
  hn::Vec<Floats> sums[kSums];
  for (auto& sum : sums) sum = hn::Zero(floats);
  const auto factor = hn::Set(floats, sink[0]);
  const auto value = hn::Set(floats, sink[1]);
  for (std::int64_t round = 0; round < rounds; ++round) {
    HWY_UNROLL(12)
    for (auto& sum : sums) sum = kFused ? hn::MulAdd(sum, factor, value) : hn::Add(hn::Mul(sum, factor), value);
  }
  for (const auto& sum : sums) sink[2] += hn::GetLane(sum);
  return 2.0 * kSums * static_cast<double>(rounds) * static_cast<double>(hn::Lanes(floats));
}

double TurnFused(std::int64_t rounds, float* sink) { return turn<true>(rounds, sink); }
double TurnSeparate(std::int64_t rounds, float* sink) { return turn<false>(rounds, sink); }

void ReadAll(const float* data, std::int64_t count, float* sink) {
  const Floats floats;
  const auto step = static_cast<std::int64_t>(hn::Lanes(floats));
  auto first = hn::Zero(floats);
  auto second = hn::Zero(floats);
  for (std::int64_t index = 0; index + 2 * step <= count; index += 2 * step) {
    first = hn::Or(first, hn::LoadU(floats, data + index));
    second = hn::Or(second, hn::LoadU(floats, data + index + step));
  }
  sink[0] += hn::GetLane(hn::Or(first, second));
}

}  // namespace fathom::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace fathom {
namespace {

HWY_EXPORT(TurnFused);
HWY_EXPORT(TurnSeparate);
HWY_EXPORT(ReadAll);

// Units of work per second, 10^9 of them.
template <typename Work>
MachineRate rate(int threads, const Work& work) {
  ThreadPool pool(threads);
  std::vector<double> rates(15);
  for (double& one : rates) {
    std::vector<double> done(static_cast<std::size_t>(threads));
    const auto start = std::chrono::steady_clock::now();
    pool.parallel_for(threads, 1, [&](std::int64_t first, std::int64_t, std::int64_t) { done[first] = work(first); });
    const std::chrono::duration<double> time = std::chrono::steady_clock::now() - start;
    double sum = 0.0;
    for (const double part : done) sum += part;
    one = sum / time.count() / 1e9;
  }
  std::sort(rates.begin(), rates.end());
  return {.median = rates[rates.size() / 2], .best = rates.back()};
}

}  // namespace

MachineRate read_gigabytes_per_second(int threads) {
  constexpr std::int64_t kFloats = std::int64_t{1} << 26;  // 256 MiB for each thread
  std::vector<std::vector<float>> memory(static_cast<std::size_t>(threads), std::vector<float>(kFloats, 1.0F));
  return rate(threads, [&](std::int64_t thread) {
    float sink[16] = {};
    HWY_DYNAMIC_DISPATCH(ReadAll)(memory[thread].data(), kFloats, sink);
    volatile float kept = sink[0];
    (void)kept;
    return static_cast<double>(kFloats) * 4.0;
  });
}

MachineRate fused_gigaflops(int threads) {
  return rate(threads, [](std::int64_t) {
    float sink[16] = {0.5F, 1.0F};
    return HWY_DYNAMIC_DISPATCH(TurnFused)(5'000'000, sink);
  });
}

MachineRate separate_gigaflops(int threads) {
  return rate(threads, [](std::int64_t) {
    float sink[16] = {0.5F, 1.0F};
    return HWY_DYNAMIC_DISPATCH(TurnSeparate)(5'000'000, sink);
  });
}

}  // namespace fathom
#endif
