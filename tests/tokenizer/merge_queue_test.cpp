#include "fathom/tokenizer/merge_queue.h"

#include <gtest/gtest.h>

#include <queue>
#include <random>

namespace fathom {
namespace {

using Least = std::priority_queue<std::uint64_t, std::vector<std::uint64_t>, std::greater<>>;

// Pushes and pops in random turns; `above` makes every key pushed lie above the one popped last.
void compare(std::uint32_t seed, std::uint64_t spread, bool above) {
  std::mt19937_64 generator(seed);
  MergeQueue queue;
  Least expected;
  std::uint64_t last = 0;
  for (int round = 0; round < 20000; ++round) {
    if (generator() % 5 < 3 || expected.empty()) {
      const std::uint64_t key = (above ? last : 0) + generator() % spread;
      queue.push(key);
      expected.push(key);
    } else {
      last = queue.pop();
      ASSERT_EQ(last, expected.top());
      expected.pop();
    }
    ASSERT_EQ(queue.empty(), expected.empty());
  }
  for (; !expected.empty(); expected.pop()) ASSERT_EQ(queue.pop(), expected.top());
  EXPECT_TRUE(queue.empty());
}

TEST(MergeQueue, AgreesWithABinaryHeap) {
  for (const std::uint64_t spread : {std::uint64_t{1}, std::uint64_t{7}, std::uint64_t{1000}, std::uint64_t{1} << 40}) {
    compare(1, spread, true);
    compare(2, spread, false);
  }
  compare(3, ~std::uint64_t{0}, false);
}

TEST(MergeQueue, ClearedIsEmptyAndNew) {
  MergeQueue queue;
  queue.push(9);
  queue.push(8);
  EXPECT_EQ(queue.pop(), 8U);
  queue.clear();
  EXPECT_TRUE(queue.empty());
  queue.push(3);
  EXPECT_EQ(queue.pop(), 3U);
}

}  // namespace
}  // namespace fathom
