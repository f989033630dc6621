// Numbers between bounds, as digits. Written without exponent and with at most 18 digits before the point.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "fathom/grammar/automaton.h"

namespace fathom::grammar {

struct Decimal {
  bool negative = false;
  std::string whole;     // without leading zeros
  std::string fraction;  // without trailing zeros

  bool zero() const { return whole.empty() && fraction.empty(); }
};
// A JSON number; nothing for NaN and the like, and for exponents beyond 400.
std::optional<Decimal> read_decimal(std::string_view number);

struct NumberBound {
  Decimal value;
  bool exclusive = false;
};

struct NumberRange {
  bool integer = false;
  std::optional<NumberBound> low;
  std::optional<NumberBound> high;
  std::optional<Decimal> multiple;  // positive
};

// From `from` to `to`. InputError: a multiple that takes more than 10,000 remainders to follow.
void add_number_range(Automaton& automaton, State from, const NumberRange& range, State to, std::string_view place);

}  // namespace fathom::grammar
