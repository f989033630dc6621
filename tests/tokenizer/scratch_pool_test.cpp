#include "fathom/tokenizer/scratch_pool.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

namespace fathom {
namespace {

struct Counted {
  explicit Counted(std::atomic<int>& live_objects) : live(&live_objects) { ++*live; }
  ~Counted() { --*live; }
  Counted(const Counted&) = delete;
  Counted& operator=(const Counted&) = delete;
  std::atomic<int>* live;
  bool busy = false;
};

TEST(ScratchPool, LendsTheSameAgain) {
  std::atomic<int> live = 0;
  {
    ScratchPool<Counted> pool;
    for (int round = 0; round < 10; ++round) {
      const auto loan = pool.borrow(live);
      EXPECT_EQ(live, 1);
    }
    {
      const auto first = pool.borrow(live);
      const auto second = pool.borrow(live);
      EXPECT_NE(&*first, &*second);
      EXPECT_EQ(live, 2);
    }
    EXPECT_EQ(live, 2);
  }
  EXPECT_EQ(live, 0);
}

TEST(ScratchPool, KeepsNoMoreThanItMay) {
  std::atomic<int> live = 0;
  ScratchPool<Counted> pool;
  {
    std::vector<std::unique_ptr<ScratchPool<Counted>::Loan>> loans;
    for (std::size_t taken = 0; taken < 40; ++taken)
      loans.emplace_back(new ScratchPool<Counted>::Loan(pool.borrow(live)));
    EXPECT_EQ(live, 40);
  }
  EXPECT_EQ(live, static_cast<int>(ScratchPool<Counted>::kKept));
}

TEST(ScratchPool, NoTwoThreadsHoldOne) {
  std::atomic<int> live = 0;
  ScratchPool<Counted> pool;
  std::vector<std::thread> threads;
  for (int thread = 0; thread < 4; ++thread)
    threads.emplace_back([&] {
      for (int round = 0; round < 2000; ++round) {
        const auto loan = pool.borrow(live);
        EXPECT_FALSE(std::exchange((*loan).busy, true));
        (*loan).busy = false;
      }
    });
  for (std::thread& thread : threads) thread.join();
  EXPECT_LE(live, 4);
}

}  // namespace
}  // namespace fathom
