// An amount of money as a whole number of 10^-12 of its currency's unit: exact, and never a floating-point number.
//
// Nothing is ever rounded: prices are for a million tokens and have at most six decimals, so that one token's is a
// whole number of these parts. Only what is shown with two decimals is cut, downwards: nobody sees a cent that is not
// there.
#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

namespace fathom::accounts {

__extension__ typedef __int128 Int128;

class Money {
 public:
  static constexpr std::int64_t kParts = 1'000'000'000'000;  // of one unit
  static constexpr int kDecimals = 12;

  constexpr Money() = default;
  static constexpr Money of_parts(Int128 parts) {
    Money money;
    money.parts_ = parts;
    return money;
  }
  // "12", "-0.0028", with at most `decimals` decimals and nine digits before them. InputError opens with [place].
  static Money parse(std::string_view text, std::string_view place, int decimals = kDecimals);

  constexpr Int128 parts() const { return parts_; }
  // As a column of the ledger holds it. InternalError beyond 64 bits: more than nine million units.
  std::int64_t column() const;

  std::string exact() const;  // all decimals, at least two: "0.0028", "10.00"
  std::string cents() const;  // two decimals, rounded down

  constexpr Money operator+(Money other) const { return of_parts(parts_ + other.parts_); }
  constexpr Money operator-(Money other) const { return of_parts(parts_ - other.parts_); }
  constexpr Money operator-() const { return of_parts(-parts_); }
  constexpr Money& operator+=(Money other) { return *this = *this + other; }
  constexpr bool operator==(const Money&) const = default;
  constexpr std::strong_ordering operator<=>(const Money& other) const {
    if (parts_ == other.parts_) return std::strong_ordering::equal;
    return parts_ < other.parts_ ? std::strong_ordering::less : std::strong_ordering::greater;
  }

 private:
  Int128 parts_ = 0;
};

}  // namespace fathom::accounts
