#include "fathom/accounts/calendar.h"

#include <charconv>
#include <chrono>

#include "fathom/base/error.h"

namespace fathom::accounts {
namespace {

template <typename Number>
bool read_digits(std::string_view text, Number& value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size();
}

}  // namespace

std::int64_t day_of(std::int64_t seconds) {
  return seconds >= 0 ? seconds / kDaySeconds : -((-seconds + kDaySeconds - 1) / kDaySeconds);
}

std::int64_t day_start(int year, unsigned month, unsigned day) {
  const std::chrono::year_month_day date{std::chrono::year(year), std::chrono::month(month), std::chrono::day(day)};
  return std::int64_t{std::chrono::sys_days(date).time_since_epoch().count()} * kDaySeconds;
}

std::int64_t month_of(std::int64_t day) {
  const std::chrono::year_month_day date{std::chrono::sys_days(std::chrono::days(day))};
  return day - static_cast<unsigned>(date.day()) + 1;
}

std::int64_t next_month(std::int64_t day) {
  constexpr std::int64_t kLongest = 31;
  return month_of(month_of(day) + kLongest);
}

std::int64_t parse_day(std::string_view text, std::string_view place) {
  int year = 0;
  unsigned month = 0;
  unsigned day = 0;
  const bool shaped = text.size() == 10 && text[4] == '-' && text[7] == '-' && read_digits(text.substr(0, 4), year) &&
                      read_digits(text.substr(5, 2), month) && read_digits(text.substr(8), day);
  const std::chrono::year_month_day date{std::chrono::year(year), std::chrono::month(month), std::chrono::day(day)};
  if (!shaped || !date.ok()) throw InputError("[{}] found the day \"{}\", expected such as 2026-04-24", place, text);
  return day_start(year, month, day);
}

std::string write_day(std::int64_t day) {
  const std::chrono::year_month_day date{std::chrono::sys_days(std::chrono::days(day))};
  return fmt::format("{:04}-{:02}-{:02}", static_cast<int>(date.year()), static_cast<unsigned>(date.month()),
                     static_cast<unsigned>(date.day()));
}

std::string write_moment(std::int64_t seconds) {
  const std::int64_t day = day_of(seconds);
  const std::int64_t second = seconds - day * kDaySeconds;
  return fmt::format("{}T{:02}:{:02}:{:02}Z", write_day(day), second / 3600, second / 60 % 60, second % 60);
}

}  // namespace fathom::accounts
