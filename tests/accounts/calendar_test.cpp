#include "fathom/accounts/calendar.h"

#include <gtest/gtest.h>

#include <ctime>

#include "fathom/base/error.h"

namespace fathom::accounts {
namespace {

TEST(Calendar, AgreesWithTheSystems) {
  for (std::int64_t seconds = -100 * kDaySeconds; seconds < 40'000 * kDaySeconds; seconds += 7 * kDaySeconds + 12'345) {
    const std::time_t time = seconds;
    std::tm utc{};
    gmtime_r(&time, &utc);
    char text[32] = {};
    std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &utc);
    ASSERT_EQ(write_moment(seconds), text);
    ASSERT_EQ(parse_day(std::string(text, 10), "test"), day_of(seconds) * kDaySeconds);
  }
}

TEST(Calendar, WhatIsNoDayIsAnInputError) {
  for (const char* text :
       {"", "2026-4-24", "2026-02-29", "2026-13-01", "2026-00-10", "26-04-2024", "2026-04-24T", "2026/04/24"})
    EXPECT_THROW(parse_day(text, "test"), InputError) << text;
  EXPECT_EQ(write_day(parse_day("2024-02-29", "test") / kDaySeconds), "2024-02-29");
}

}  // namespace
}  // namespace fathom::accounts
