#include "fathom/engine/departures.h"

#include <gtest/gtest.h>

namespace fathom {
namespace {

using namespace std::chrono_literals;

TEST(Departures, UntilOneEndedItTakesAsLongAsItHasTaken) {
  Departures departures;
  const Departures::Clock::time_point start{1000s};
  EXPECT_EQ(departures.seconds_to_next(start), 1.0);
  departures.busy_from(start);
  EXPECT_EQ(departures.seconds_to_next(start + 100ms), 1.0) << "a client may not ask more often";
  EXPECT_EQ(departures.seconds_to_next(start + 17s), 17.0);
  EXPECT_EQ(departures.seconds_to_next(start + 1h), 120.0);
}

TEST(Departures, ThenItIsTheTimeBetweenTwo) {
  Departures departures;
  Departures::Clock::time_point now{1000s};
  departures.busy_from(now);
  for (int index = 0; index < 30; ++index) departures.departed(now += 4s);
  EXPECT_NEAR(departures.seconds_to_next(now), 4.0, 1e-9);
  EXPECT_NEAR(departures.seconds_to_next(now + 9s), 9.0, 1e-9) << "late already";
  for (int index = 0; index < 30; ++index) departures.departed(now += 8s);
  EXPECT_NEAR(departures.seconds_to_next(now), 8.0, 0.01);
}

TEST(Departures, IdleTimeIsNoInterval) {
  Departures departures;
  Departures::Clock::time_point now{1000s};
  departures.busy_from(now);
  departures.departed(now += 2s);
  departures.busy_from(now += 1h);
  departures.departed(now += 2s);
  EXPECT_NEAR(departures.seconds_to_next(now), 2.0, 1e-9);
}

}  // namespace
}  // namespace fathom
