#include "fathom/server/workers.h"

#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <memory>

namespace fathom::server {
namespace {

TEST(Workers, RunWhatTheyAreGivenAndEndAfterIt) {
  std::atomic<int> done = 0;
  {
    Workers workers(3);
    for (int i = 0; i < 1000; ++i) workers.run(i % 2 == 0 ? 1 : kLargeJobBytes, [&] { ++done; });
  }
  EXPECT_EQ(done, 1000);
}

TEST(Workers, ThereIsAlwaysOne) {
  std::promise<void> done;
  Workers workers(0);
  workers.run(kLargeJobBytes * 2, [&] { done.set_value(); });
  done.get_future().get();
}

TEST(Workers, JobsStartInOrder) {
  std::vector<int> order;
  {
    Workers workers(1);
    for (int i = 0; i < 50; ++i) workers.run(1, [&order, i] { order.push_back(i); });
  }
  ASSERT_EQ(order.size(), 50U);
  for (int i = 0; i < 50; ++i) EXPECT_EQ(order[static_cast<std::size_t>(i)], i);
}

// Two threads, many large jobs that wait for each other's end: a small one comes through nevertheless.
TEST(Workers, LargeJobsLeaveAThreadForSmallOnes) {
  Workers workers(2);
  std::promise<void> let_go;
  const std::shared_future<void> gate = let_go.get_future().share();
  std::atomic<int> large = 0;
  for (int i = 0; i < 5; ++i)
    workers.run(kLargeJobBytes, [&, gate] {
      ++large;
      gate.wait();
    });
  std::promise<int> seen;
  workers.run(kLargeJobBytes - 1, [&] { seen.set_value(large); });
  EXPECT_LE(seen.get_future().get(), 1);
  let_go.set_value();
  workers.stop();
  EXPECT_EQ(large, 5);
}

TEST(Workers, WhatComesAfterStopIsDropped) {
  Workers workers(1);
  workers.stop();
  bool ran = false;
  auto held = std::make_shared<int>(0);
  const std::weak_ptr<int> watched = held;
  workers.run(1, [&ran, held = std::move(held)] { ran = true; });
  EXPECT_TRUE(watched.expired()) << "a connection would wait for it";
  EXPECT_FALSE(ran);
}

TEST(Workers, StopTwiceIsOnce) {
  Workers workers(2);
  workers.stop();
  workers.stop();
}

}  // namespace
}  // namespace fathom::server
