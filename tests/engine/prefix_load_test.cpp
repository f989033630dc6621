#include "fathom/engine/prefix_load.h"

#include <gtest/gtest.h>

#include <chrono>
#include <thread>

#include "fathom/backends/cpu/cpu_backend.h"
#include "fathom/engine/prefix_blob.h"
#include "tests/store/store_support.h"

namespace fathom::testing {
namespace {

using namespace std::chrono_literals;

class PrefixLoadTest : public ::testing::Test {
 protected:
  PrefixLoadTest() {
    layout_.page_tokens = 4;
    layout_.page_bytes = 64;
    layout_.state_bytes = 256;
    for (int page = 0; page < kPages; ++page) {
      for (int id = 0; id < 4; ++id) wanted_.ids.push_back(page);
      wanted_.pages.push_back(key_of(static_cast<std::uint64_t>(page)));
      const Memory memory(host_allocator(), 64);
      memory.data()[0] = static_cast<std::byte>(page);
      store_.put(wanted_.pages.back(), prefix_blob::of_page(std::span(wanted_.ids).last(4), memory, backend_));
    }
    wanted_.snapshot = key_of(1000);
    const CacheSnapshot snapshot{
        .tokens = 4 * kPages, .mtp_tokens = 0, .state = Memory(host_allocator(), 256), .partial_page = nullptr};
    store_.put(wanted_.snapshot, prefix_blob::of_snapshot(wanted_.ids, snapshot, layout_, backend_));
    store_.flush();
  }
  PrefixLoadParts parts() { return {store_, layout_, backend_, bell_, heard_.listener()}; }

  static constexpr int kPages = 100;
  const TemporaryDirectory directory_;
  Heard heard_;
  store::BlobStore store_{small_store(directory_ / "store")};
  CpuBackend backend_{{.threads = 1}};
  CacheLayout layout_;
  std::shared_ptr<LoadBell> bell_ = std::make_shared<LoadBell>();
  PrefixLoad::Wanted wanted_;
};

// However it is cut up.
TEST_F(PrefixLoadTest, PagesComeInOrder) {
  for (const std::int64_t bytes : {1, 500, 1 << 20}) {
    PrefixLoad load(parts(), wanted_);
    int takes = 0;
    while (load.advance(bytes) == PrefixLoad::State::reading) {
      bell_->wait(2ms);
      ++takes;
    }
    if (bytes == 1) {
      EXPECT_GE(takes, kPages) << "one at a time";
    }
    ASSERT_EQ(load.pages().size(), static_cast<std::size_t>(kPages));
    for (int page = 0; page < kPages; ++page)
      EXPECT_EQ(*load.pages()[static_cast<std::size_t>(page)]->data(), static_cast<std::byte>(page));
    EXPECT_EQ(load.take_snapshot().tokens, 4 * kPages);
  }
}

TEST_F(PrefixLoadTest, WhatIsMissingEndsIt) {
  store_.erase(wanted_.pages[50]);
  PrefixLoad load(parts(), wanted_);
  PrefixLoad::State state = PrefixLoad::State::reading;
  while ((state = load.advance(1 << 20)) == PrefixLoad::State::reading) bell_->wait(2ms);
  EXPECT_EQ(state, PrefixLoad::State::failed);
  EXPECT_EQ(load.advance(1 << 20), PrefixLoad::State::failed);
}

TEST_F(PrefixLoadTest, MayBeGivenUpAtAnyTime) {
  for (int round = 0; round < 30; ++round) {
    PrefixLoad load(parts(), wanted_);
    for (int step = 0; step < round; ++step) load.advance(1);
  }
  PrefixLoad load(parts(), wanted_);
  while (load.advance(1 << 20) == PrefixLoad::State::reading) bell_->wait(2ms);
  EXPECT_EQ(heard_.all(), "");
}

TEST(LoadBell, WakesWhoWaits) {
  LoadBell bell;
  bell.wait(1ms);
  bell.ring();
  bell.wait(60s);  // at once: it was rung before
  std::thread other([&] { bell.ring(); });
  bell.wait(60s);
  other.join();
}

}  // namespace
}  // namespace fathom::testing
