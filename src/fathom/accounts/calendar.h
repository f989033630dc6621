// Days in UTC, as bills and limits count them: a number since 1970-01-01, written 2026-04-24.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace fathom::accounts {

inline constexpr std::int64_t kDaySeconds = 86'400;

// Of a moment, in seconds since 1970.
std::int64_t day_of(std::int64_t seconds);
// The first second of a day.
std::int64_t day_start(int year, unsigned month, unsigned day);
// The first day of the day's month; the first behind it.
std::int64_t month_of(std::int64_t day);
std::int64_t next_month(std::int64_t day);
// The first second of "2026-04-24"; InputError opens with [place].
std::int64_t parse_day(std::string_view text, std::string_view place);
std::string write_day(std::int64_t day);
std::string write_moment(std::int64_t seconds);  // 2026-04-24T12:15:00Z

}  // namespace fathom::accounts
