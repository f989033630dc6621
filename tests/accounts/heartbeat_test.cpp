#include "fathom/accounts/heartbeat.h"

#include <gtest/gtest.h>

#include <future>
#include <stdexcept>

namespace fathom::accounts {
namespace {

constexpr std::chrono::hours kLong{1};

TEST(Heartbeat, OneWritesAndAllHear) {
  Heartbeat heartbeat(kLong);
  int good = 0;
  int bad = 0;
  const JobDone count = [&](const std::exception_ptr& fault) { ++(fault ? bad : good); };
  EXPECT_TRUE(heartbeat.join(count));
  for (int i = 0; i < 9; ++i) EXPECT_FALSE(heartbeat.join(count)) << "one is on its way";
  EXPECT_EQ(good, 0);
  heartbeat.over(nullptr);
  EXPECT_EQ(good, 10);
  EXPECT_TRUE(heartbeat.join(count)) << "the next one";
  heartbeat.over(std::make_exception_ptr(std::runtime_error("full")));
  EXPECT_EQ(good, 10);
  EXPECT_EQ(bad, 1);
}

TEST(Heartbeat, WhoeverHearsMayAskAgain) {
  Heartbeat heartbeat(kLong);
  bool again = false;
  heartbeat.join([&](const std::exception_ptr&) { again = heartbeat.join([](const std::exception_ptr&) {}); });
  heartbeat.over(nullptr);
  EXPECT_TRUE(again);
  heartbeat.over(nullptr);
}

TEST(Heartbeat, PatienceEndsAndTheWriteIsStillOnItsWay) {
  Heartbeat heartbeat(std::chrono::milliseconds(1));
  int calls = 0;
  for (int i = 0; i < 3; ++i) {
    std::promise<bool> heard;
    EXPECT_EQ(heartbeat.join([&](const std::exception_ptr& fault) {
      ++calls;
      heard.set_value(!fault);
    }),
              i == 0);
    EXPECT_FALSE(heard.get_future().get());
    heartbeat.flush();
  }
  heartbeat.over(nullptr);
  EXPECT_EQ(calls, 3) << "nobody hears twice";
}

}  // namespace
}  // namespace fathom::accounts
