#include "fathom/accounts/money.h"

#include <algorithm>
#include <limits>

#include "fathom/base/error.h"

namespace fathom::accounts {
namespace {

constexpr std::size_t kWholeDigits = 9;
constexpr int kCentDecimals = 2;

bool all_digits(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char letter) { return letter >= '0' && letter <= '9'; });
}

// Of a number that is not negative.
std::string digits_of(Int128 number) {
  std::string digits;
  do {
    digits += static_cast<char>('0' + static_cast<int>(number % 10));
    number /= 10;
  } while (number > 0);
  std::reverse(digits.begin(), digits.end());
  return digits;
}

// With a point before the last `decimals` digits.
std::string with_point(std::string digits, std::size_t decimals) {
  if (digits.size() <= decimals) digits.insert(0, decimals + 1 - digits.size(), '0');
  digits.insert(digits.size() - decimals, 1, '.');
  return digits;
}

}  // namespace

Money Money::parse(std::string_view text, std::string_view place, int decimals) {
  const bool negative = text.starts_with('-');
  const std::string_view unsigned_text = text.substr(negative ? 1 : 0);
  const std::size_t point = std::min(unsigned_text.find('.'), unsigned_text.size());
  const std::string_view whole = unsigned_text.substr(0, point);
  const std::string_view fraction = point < unsigned_text.size() ? unsigned_text.substr(point + 1) : std::string_view();
  const bool number = !whole.empty() && whole.size() <= kWholeDigits && all_digits(whole) && all_digits(fraction) &&
                      (point == unsigned_text.size() || !fraction.empty());
  if (!number || fraction.size() > static_cast<std::size_t>(decimals))
    throw InputError("[{}] found the amount \"{}\", expected digits with at most {} before the point and {} behind it",
                     place, text, kWholeDigits, decimals);
  Int128 parts = 0;
  for (const char digit : whole) parts = parts * 10 + (digit - '0');
  for (std::size_t i = 0; i < kDecimals; ++i) parts = parts * 10 + (i < fraction.size() ? fraction[i] - '0' : 0);
  return of_parts(negative ? -parts : parts);
}

std::int64_t Money::column() const {
  constexpr Int128 kMost = std::numeric_limits<std::int64_t>::max();
  if (parts_ > kMost || parts_ < -kMost)
    throw InternalError("[money] found {}, expected an amount that the ledger can hold, up to {}", exact(),
                        of_parts(kMost).exact());
  return static_cast<std::int64_t>(parts_);
}

std::string Money::exact() const {
  std::string text = with_point(digits_of(parts_ < 0 ? -parts_ : parts_), kDecimals);
  const std::size_t shortest = text.find('.') + 1 + kCentDecimals;
  while (text.size() > shortest && text.back() == '0') text.pop_back();
  return (parts_ < 0 ? "-" : "") + text;
}

std::string Money::cents() const {
  constexpr Int128 kCent = kParts / 100;
  const bool negative = parts_ < 0;
  const Int128 size = negative ? (-parts_ + kCent - 1) / kCent : parts_ / kCent;
  return (negative ? "-" : "") + with_point(digits_of(size), kCentDecimals);
}

}  // namespace fathom::accounts
