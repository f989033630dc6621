#include "fathom/chat/json_number.h"

#include <array>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <limits>
#include <system_error>

#include "fathom/base/error.h"

namespace fathom {
namespace {

// What std::from_chars leaves open when a literal is out of range: did it overflow or underflow? The power of ten of
// its first nonzero digit answers. Exponents are clamped; a literal that long is out of range either way.
bool overflows(std::string_view literal) {
  constexpr std::int64_t kClamp = 1'000'000'000;
  const std::size_t exponent_mark = literal.find_first_of("eE");
  const std::string_view digits = literal.substr(0, exponent_mark);
  std::int64_t exponent = 0;
  if (exponent_mark != std::string_view::npos) {
    std::string_view written = literal.substr(exponent_mark + 1);
    const bool negative = written.front() == '-';
    if (written.front() == '-' || written.front() == '+') written.remove_prefix(1);
    for (const char digit : written)
      if (exponent < kClamp) exponent = exponent * 10 + (digit - '0');
    if (negative) exponent = -exponent;
  }
  const std::size_t point = digits.find('.');
  const std::size_t first = digits.find_first_of("123456789");
  if (first == std::string_view::npos) return false;
  const auto whole = static_cast<std::int64_t>(point == std::string_view::npos ? digits.size() : point);
  return whole - static_cast<std::int64_t>(first) + exponent > 0;
}

}  // namespace

std::string python_float(double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value < 0 ? "-Infinity" : "Infinity";
  std::array<char, 64> buffer{};
  const auto written =
      std::to_chars(buffer.data(), buffer.data() + buffer.size(), std::abs(value), std::chars_format::scientific);
  check(written.ec == std::errc(), "64 characters hold every double");
  const std::string_view scientific(buffer.data(), static_cast<std::size_t>(written.ptr - buffer.data()));
  const std::size_t mark = scientific.find('e');
  std::string digits(scientific.substr(0, 1));
  if (mark > 2) digits += scientific.substr(2, mark - 2);
  int exponent = 0;
  const std::string_view written_exponent = scientific.substr(mark + (scientific[mark + 1] == '+' ? 2 : 1));
  std::from_chars(written_exponent.data(), written_exponent.data() + written_exponent.size(), exponent);

  // `point` digits stand before the decimal point. Python writes positions -3..16 plainly and the rest with an
  // exponent.
  const int point = exponent + 1;
  const int count = static_cast<int>(digits.size());
  const std::string sign = std::signbit(value) ? "-" : "";
  if (point <= -4 || point > 16) {
    if (count > 1) digits.insert(1, ".");
    return fmt::format("{}{}e{}{:02}", sign, digits, exponent < 0 ? '-' : '+', std::abs(exponent));
  }
  if (point <= 0) return sign + "0." + std::string(static_cast<std::size_t>(-point), '0') + digits;
  if (count <= point) return sign + digits + std::string(static_cast<std::size_t>(point - count), '0') + ".0";
  digits.insert(static_cast<std::size_t>(point), ".");
  return sign + digits;
}

std::string python_number(std::string_view literal) {
  if (literal.find_first_of(".eE") == std::string_view::npos) return std::string(literal == "-0" ? "0" : literal);
  const bool negative = literal.front() == '-';
  double value = 0;
  const auto read = std::from_chars(literal.data(), literal.data() + literal.size(), value);
  if (read.ec == std::errc::result_out_of_range) {
    const double magnitude = overflows(negative ? literal.substr(1) : literal) ? HUGE_VAL : 0.0;
    value = negative ? -magnitude : magnitude;
  }
  return python_float(value);
}

}  // namespace fathom
