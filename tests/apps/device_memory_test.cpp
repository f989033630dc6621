#include "fathom/apps/device_memory.h"

#include <gtest/gtest.h>

#include "fathom/backends/cpu/cpu_backend.h"
#include "fathom/base/error.h"
#include "fathom/checkpoint/checkpoint.h"
#include "fathom/ops/device_caches.h"
#include "tests/apps/program_support.h"
#include "tests/tensor/counting_allocator.h"

namespace fathom::testing {
namespace {

constexpr std::int64_t kGigabyte = std::int64_t{1} << 30;

TEST(DeviceMemory, CachesGetWhatIsLeftOrWhatWasAsked) {
  const std::int64_t left = caches_in(8 * kGigabyte);
  EXPECT_GT(left, 6 * kGigabyte);
  EXPECT_EQ(caches_on_device(8 * kGigabyte, {.usual = kGigabyte}), left);
  EXPECT_EQ(caches_on_device(8 * kGigabyte, {.asked = 2 * kGigabyte, .usual = kGigabyte}), 2 * kGigabyte);
  EXPECT_EQ(caches_on_device(8 * kGigabyte, {.usual = kGigabyte, .others_to_come = true}), kGigabyte);
  EXPECT_EQ(caches_on_device(8 * kGigabyte, {.usual = 9 * kGigabyte, .others_to_come = true}), left);
  EXPECT_THROW((void)caches_on_device(kStepsBehindLongTexts, {}), InputError) << "0 would be no limit";
  EXPECT_THROW((void)caches_on_device(0, {}), InputError);
}

TEST(DeviceMemory, MoreThanThereIsNamesBoth) {
  try {
    (void)caches_on_device(2 * kGigabyte, {.asked = 4 * kGigabyte, .step_tokens = 512});
    FAIL() << "was given";
  } catch (const InputError& error) {
    const std::string text = error.what();
    for (const char* part : {"4096 MB were asked for", "1232 MB left", "512 tokens", "gpu_megabytes"})
      EXPECT_NE(text.find(part), std::string::npos) << text << " has no " << part;
  }
}

TEST(DeviceMemory, WhatHoldsCachesIsWhatTheyNeed) {
  for (const std::int64_t caches : {std::int64_t{0}, std::int64_t{1}, 7 * kGigabyte, 90 * kGigabyte + 5})
    EXPECT_NEAR(static_cast<double>(caches_in(bytes_for_caches(caches))), static_cast<double>(caches), 16.0);
  EXPECT_EQ(caches_in(kStepsBehindLongTexts - 1), 0);
}

class CountingBackend final : public CpuBackend {
 public:
  CountingBackend() : CpuBackend({.threads = 1}) {}
  Allocator& allocator() override { return counting; }
  CountingAllocator counting;
};

TEST(DeviceMemory, AfterAStepOfItsSizeNoneTakesMore) {
  const auto checkpoint = std::make_shared<const Checkpoint>(Checkpoint::open(kSprat));
  CountingBackend backend;
  Transformer transformer(checkpoint, backend, {.storage = CacheStorage::released});
  const std::int64_t before = backend.counting.held;
  take_memory_of_a_step(transformer, 64, 4);
  const std::int64_t taken = backend.counting.held;
  EXPECT_GT(taken, before);
  for (const auto& [tokens, rows] : {std::pair<std::int64_t, std::int64_t>{64, 4}, {63, 1}, {1, 1}, {4, 4}}) {
    take_memory_of_a_step(transformer, tokens, rows);
    EXPECT_EQ(backend.counting.held, taken) << tokens << " tokens, " << rows << " rows of logits";
  }
}

}  // namespace
}  // namespace fathom::testing
