#include "fathom/base/thread_pool.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <limits>
#include <mutex>
#include <numeric>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

#include "fathom/base/processors.h"

namespace fathom {
namespace {

struct Stretch {
  std::int64_t first;
  std::int64_t last;
  std::int64_t worker;
};

std::vector<Stretch> stretches(ThreadPool& pool, std::int64_t count, std::int64_t grain) {
  std::vector<Stretch> result;
  std::mutex mutex;
  pool.parallel_for(count, grain, [&](std::int64_t first, std::int64_t last, std::int64_t worker) {
    const std::lock_guard lock(mutex);
    result.push_back({first, last, worker});
  });
  std::sort(result.begin(), result.end(), [](const Stretch& a, const Stretch& b) { return a.first < b.first; });
  return result;
}

TEST(ThreadPool, HasAsManyThreadsAsTheProcessMayRun) {
  EXPECT_EQ(ThreadPool(0).threads(), usable_processors().threads());
}

TEST(ThreadPool, PinnedWorkersKeepToTheirProcessors) {
  const std::vector<int> places = usable_processors().places(3);
  ThreadPool pool(3, true);
  std::vector<Processors> seen(3);
  pool.parallel_for(3, 1, [&](std::int64_t first, std::int64_t, std::int64_t) { seen[first] = usable_processors(); });
  for (std::size_t worker = 1; worker < 3; ++worker) {
    ASSERT_EQ(seen[worker].allowed.size(), 1U);
    EXPECT_EQ(seen[worker].allowed[0].id, places[worker]);
  }
  EXPECT_EQ(seen[0].allowed.size(), usable_processors().allowed.size()) << "the caller is nobody's to move";
}

TEST(ThreadPool, StretchesCoverTheRangeInOrderOfWorkers) {
  for (const int threads : {1, 2, 3, 8}) {
    ThreadPool pool(threads);
    EXPECT_EQ(pool.threads(), threads);
    for (const std::int64_t count : {1, 2, 3, 7, 8, 9, 1000})
      for (const std::int64_t grain : {-5, 0, 1, 2, 100, 5000}) {
        const std::vector<Stretch> found = stretches(pool, count, grain);
        std::int64_t next = 0;
        for (std::int64_t index = 0; index < std::ssize(found); ++index) {
          EXPECT_EQ(found[index].first, next);
          EXPECT_EQ(found[index].worker, index);
          EXPECT_TRUE(found.size() == 1 || found[index].last - found[index].first >= std::max<std::int64_t>(grain, 1));
          next = found[index].last;
        }
        EXPECT_EQ(next, count);
        EXPECT_LE(std::ssize(found), threads);
      }
  }
}

TEST(ThreadPool, NothingIsNoCall) {
  ThreadPool pool(2);
  EXPECT_TRUE(stretches(pool, 0, 1).empty());
  EXPECT_TRUE(stretches(pool, -3, 1).empty());
}

TEST(ThreadPool, ARangeBeyondAnyMemory) {
  ThreadPool pool(3);
  const std::vector<Stretch> found = stretches(pool, std::numeric_limits<std::int64_t>::max(), 1);
  ASSERT_EQ(found.size(), 3U);
  EXPECT_EQ(found[2].last, std::numeric_limits<std::int64_t>::max());
  EXPECT_EQ(stretches(pool, 1000, std::numeric_limits<std::int64_t>::max()).size(), 1U);
}

TEST(ThreadPool, AllCoresByDefault) {
  ThreadPool pool(0);
  EXPECT_EQ(pool.threads(), std::max(1U, std::thread::hardware_concurrency()));
}

TEST(ThreadPool, SmallWorkStaysWithTheCaller) {
  ThreadPool pool(4);
  std::thread::id where;
  pool.parallel_for(10, 11, [&](std::int64_t, std::int64_t, std::int64_t) { where = std::this_thread::get_id(); });
  EXPECT_EQ(where, std::this_thread::get_id());
}

TEST(ThreadPool, TheCallerTakesPart) {
  ThreadPool pool(2);
  std::vector<std::thread::id> where(2);
  pool.parallel_for(
      2, 1, [&](std::int64_t, std::int64_t, std::int64_t worker) { where[worker] = std::this_thread::get_id(); });
  EXPECT_EQ(where[0], std::this_thread::get_id());
  EXPECT_NE(where[1], std::this_thread::get_id());
}

TEST(ThreadPool, ManyLoopsInARow) {
  ThreadPool pool(3);
  std::vector<std::int64_t> sums(100);
  for (std::int64_t loop = 0; loop < 20000; ++loop)
    pool.parallel_for(100, 1, [&](std::int64_t first, std::int64_t last, std::int64_t) {
      for (std::int64_t index = first; index < last; ++index) sums[index] += loop;
    });
  for (const std::int64_t sum : sums) EXPECT_EQ(sum, 20000LL * 19999 / 2);
}

// The caller sees what the workers wrote, after pauses long enough for them to sleep.
TEST(ThreadPool, WorkersWakeAfterARest) {
  ThreadPool pool(2);
  for (int loop = 0; loop < 20; ++loop) {
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
    int written[2] = {};
    pool.parallel_for(2, 1, [&](std::int64_t first, std::int64_t, std::int64_t) { written[first] = loop + 1; });
    EXPECT_EQ(written[0] + written[1], 2 * (loop + 1));
  }
}

TEST(ThreadPool, AnExceptionReachesTheCallerAndThePoolLivesOn) {
  ThreadPool pool(4);
  for (std::int64_t thrower = 0; thrower < 4; ++thrower) {
    std::atomic<int> calls{0};
    try {
      pool.parallel_for(4, 1, [&](std::int64_t, std::int64_t, std::int64_t worker) {
        ++calls;
        if (worker >= thrower) throw std::runtime_error(std::to_string(worker));
      });
      FAIL() << "no exception";
    } catch (const std::runtime_error& error) {
      EXPECT_EQ(error.what(), std::to_string(thrower)) << "the lowest worker's";
    }
    EXPECT_EQ(calls, 4) << "the others finish";
  }
  EXPECT_EQ(stretches(pool, 8, 1).size(), 4U);
}

TEST(ThreadPool, HelpingThreadsCoverTheRangeOnce) {
  for (const int threads : {1, 2, 3, 8}) {
    ThreadPool pool(threads);
    for (const std::int64_t count : {0, 1, 2, 3, 7, 8, 9, 100, 10007})
      for (const std::int64_t grain : {-5, 0, 1, 2, 100, 5000}) {
        std::vector<std::atomic<int>> times(static_cast<std::size_t>(count));
        std::atomic<bool> known{true};
        pool.parallel_for_helping(count, grain, [&](std::int64_t first, std::int64_t last, std::int64_t worker) {
          if (first >= last || worker < 0 || worker >= threads) known = false;
          for (std::int64_t index = first; index < last; ++index) ++times[static_cast<std::size_t>(index)];
        });
        EXPECT_TRUE(known);
        for (const std::atomic<int>& each : times) ASSERT_EQ(each, 1) << count << " by " << threads;
      }
  }
}

// A thread that is held up in its first chunk leaves the rest of its stretch to the others.
TEST(ThreadPool, WhoIsDoneHelps) {
  ThreadPool pool(2);
  std::atomic<std::int64_t> done{0};
  std::vector<std::int64_t> who(1000);
  pool.parallel_for_helping(1000, 1, [&](std::int64_t first, std::int64_t last, std::int64_t worker) {
    for (std::int64_t index = first; index < last; ++index) who[static_cast<std::size_t>(index)] = worker;
    done += last - first;
    if (first == 0)
      while (done < 1000) std::this_thread::yield();
  });
  EXPECT_EQ(who[0], who[1]);
  EXPECT_NE(who[0], who[499]);
  EXPECT_NE(who[0], who[999]);
}

TEST(ThreadPool, AFaultAmongHelpersReachesTheCaller) {
  ThreadPool pool(3);
  EXPECT_THROW(pool.parallel_for_helping(100, 1,
                                         [](std::int64_t first, std::int64_t, std::int64_t) {
                                           if (first >= 60) throw std::runtime_error("60");
                                         }),
               std::runtime_error);
  std::atomic<std::int64_t> sum{0};
  pool.parallel_for_helping(100, 1, [&](std::int64_t first, std::int64_t last, std::int64_t) { sum += last - first; });
  EXPECT_EQ(sum, 100);
}

TEST(ThreadPool, ALoopWithinALoopRunsInline) {
  ThreadPool pool(3);
  std::atomic<std::int64_t> sum{0};
  pool.parallel_for(3, 1, [&](std::int64_t, std::int64_t, std::int64_t outer) {
    const std::thread::id here = std::this_thread::get_id();
    pool.parallel_for(50, 1, [&](std::int64_t first, std::int64_t last, std::int64_t inner) {
      EXPECT_EQ(std::this_thread::get_id(), here);
      EXPECT_EQ(inner, outer) << "scratch stays the thread's own";
      sum += last - first;
    });
  });
  EXPECT_EQ(sum, 150);
}

TEST(ThreadPool, ALoopOfAnotherPoolWithinALoop) {
  ThreadPool outer(2);
  ThreadPool inner(2);
  std::atomic<std::int64_t> sum{0};
  for (int loop = 0; loop < 200; ++loop)
    outer.parallel_for(2, 1, [&](std::int64_t, std::int64_t, std::int64_t) {
      inner.parallel_for(10, 1, [&](std::int64_t first, std::int64_t last, std::int64_t) { sum += last - first; });
    });
  EXPECT_EQ(sum, 200 * 2 * 10);
}

TEST(ThreadPool, CallersInSeveralThreadsTakeTurns) {
  ThreadPool pool(2);
  std::int64_t guarded = 0;  // written by worker 0 alone, of one caller at a time
  std::vector<std::thread> callers;
  for (int caller = 0; caller < 4; ++caller)
    callers.emplace_back([&] {
      for (int loop = 0; loop < 500; ++loop)
        pool.parallel_for(2, 1, [&](std::int64_t, std::int64_t, std::int64_t worker) {
          if (worker == 0) ++guarded;
        });
    });
  for (std::thread& caller : callers) caller.join();
  EXPECT_EQ(guarded, 2000);
}

TEST(ThreadPool, MorePoolsAndThreadsThanCores) {
  for (int round = 0; round < 20; ++round) {
    ThreadPool pool(9);
    std::vector<int> seen(9);
    pool.parallel_for(9, 1, [&](std::int64_t first, std::int64_t, std::int64_t) { seen[first] = 1; });
    EXPECT_EQ(std::accumulate(seen.begin(), seen.end(), 0), 9);
  }
}

TEST(ThreadPool, IdleThreadsEnd) {
  for (int round = 0; round < 50; ++round) const ThreadPool pool(4);
}

TEST(ThreadPool, ABodyMayBeConstOrTemporary) {
  ThreadPool pool(2);
  std::atomic<int> calls{0};
  const auto body = [&](std::int64_t, std::int64_t, std::int64_t) { ++calls; };
  pool.parallel_for(2, 1, body);
  EXPECT_EQ(calls, 2);
}

}  // namespace
}  // namespace fathom
