#include "fathom/grammar/number_range.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <tuple>
#include <utility>

#include "fathom/base/error.h"

namespace fathom::grammar {
namespace {

constexpr int kMostWhole = 18;
constexpr int kMostFraction = 15;
constexpr std::int64_t kMostRemainders = 10000;

// Numbers of one sign, digit by digit: whether what was written still equals the beginning of a bound, and the
// remainder so far. `left` > 0: digits to come before the point; 0: at the point; -n: n digits behind it.
class Magnitudes {
 public:
  Magnitudes(Automaton& automaton, State to, int fraction, std::int64_t modulus)
      : automaton_(automaton), to_(to), fraction_(fraction), modulus_(modulus) {}

  std::optional<NumberBound> low;
  std::optional<NumberBound> high;

  void add(State from) {
    for (int length = 1; length <= kMostWhole; ++length) {
      const int low_length = low ? whole_length(low->value) : 0, high_length = high ? whole_length(high->value) : 0;
      if ((low && low_length > length) || (high && high_length < length)) continue;
      const Place place{
          .left = length, .at_low = low && low_length == length, .at_high = high && high_length == length};
      add_digits(from, place, length > 1 ? 1 : 0);
    }
  }

 private:
  struct Place {
    int left = 0;
    bool point = false;  // written, with digits to follow
    bool at_low = false;
    bool at_high = false;
    std::int64_t remainder = 0;

    auto operator<=>(const Place&) const = default;
  };

  static int whole_length(const Decimal& value) { return std::max<int>(1, static_cast<int>(value.whole.size())); }
  // Of the bound, the digit that stands where the next one goes.
  static int digit(const Decimal& value, int left) {
    if (left > 0)
      return value.whole.empty() ? 0 : value.whole[value.whole.size() - static_cast<std::size_t>(left)] - '0';
    const auto at = static_cast<std::size_t>(-left);
    return at < value.fraction.size() ? value.fraction[at] - '0' : 0;
  }
  // Nothing but zeros from there on: fractions end in another digit.
  static bool equal_so_far(const Decimal& value, int left) {
    return static_cast<std::size_t>(-left) >= value.fraction.size();
  }

  bool may_end(const Place& place) const {
    if (place.left > 0) return false;
    if (place.at_low && (!equal_so_far(low->value, place.left) || low->exclusive)) return false;
    if (place.at_high && equal_so_far(high->value, place.left) && high->exclusive) return false;
    std::int64_t remainder = place.remainder;
    for (int digits = -place.left; digits < fraction_; ++digits) remainder = remainder * 10 % modulus_;
    return remainder == 0;
  }

  void add_digits(State from, const Place& place, int first) {
    for (int next = first; next <= 9; ++next) {
      Place then = place;
      if (place.at_low) {
        const int bound = digit(low->value, place.left);
        if (next < bound) continue;
        then.at_low = next == bound;
      }
      if (place.at_high) {
        const int bound = digit(high->value, place.left);
        if (next > bound) continue;
        then.at_high = next == bound;
      }
      then.left = place.left - 1;
      then.point = false;
      then.remainder = (place.remainder * 10 + next) % modulus_;
      automaton_.edge(from, '0' + next, '0' + next, state_at(then));
    }
  }

  State state_at(const Place& place) {
    const auto known = states_.find(place);
    if (known != states_.end()) return known->second;
    const State state = automaton_.add();
    states_[place] = state;
    if (!place.point && may_end(place)) automaton_.jump(state, to_);
    if (place.left == 0 && !place.point) {
      if (fraction_ > 0) {
        Place behind = place;
        behind.point = true;
        automaton_.edge(state, '.', '.', state_at(behind));
      }
    } else if (-place.left < fraction_) {
      add_digits(state, place, 0);
    }
    return state;
  }

  Automaton& automaton_;
  State to_;
  int fraction_;  // most digits behind the point
  std::int64_t modulus_;
  std::map<Place, State> states_;
};

}  // namespace

std::optional<Decimal> read_decimal(std::string_view number) {
  Decimal value;
  if (number.starts_with('-')) {
    value.negative = true;
    number.remove_prefix(1);
  }
  int exponent = 0;
  const std::size_t letter = number.find_first_of("eE");
  if (letter != std::string_view::npos) {
    std::string_view text = number.substr(letter + 1);
    if (text.starts_with('+')) text.remove_prefix(1);
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), exponent);
    if (error != std::errc{} || end != text.data() + text.size() || exponent > 400 || exponent < -400) return {};
    number = number.substr(0, letter);
  }
  const std::size_t point = std::min(number.find('.'), number.size());
  std::string digits(number.substr(0, point));
  std::int64_t before = static_cast<std::int64_t>(point) + exponent;  // digits before the point
  if (point < number.size()) digits += number.substr(point + 1);
  if (digits.empty() || digits.find_first_not_of("0123456789") != std::string::npos) return {};
  if (before < 0) digits.insert(0, static_cast<std::size_t>(-before), '0'), before = 0;
  if (before > std::ssize(digits)) digits.append(static_cast<std::size_t>(before - std::ssize(digits)), '0');
  value.whole = digits.substr(0, static_cast<std::size_t>(before));
  value.fraction = digits.substr(static_cast<std::size_t>(before));
  value.whole.erase(0, std::min(value.whole.find_first_not_of('0'), value.whole.size()));
  value.fraction.erase(value.fraction.find_last_not_of('0') + 1);
  if (value.zero()) value.negative = false;
  return value;
}

void add_number_range(Automaton& automaton, State from, const NumberRange& range, State to, std::string_view place) {
  int fraction = range.integer ? 0 : kMostFraction;
  std::int64_t modulus = 1;
  for (const auto& bound : {range.low, range.high})
    if (bound && !range.integer) fraction = std::max(fraction, static_cast<int>(bound->value.fraction.size()) + 1);
  if (range.multiple) {
    const Decimal& step = *range.multiple;
    // An integer that is a multiple of 2.5 is checked in tenths, of which it has none.
    fraction = static_cast<int>(step.fraction.size());
    const std::string digits = step.whole + step.fraction;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), modulus);
    if (error != std::errc{} || modulus > kMostRemainders || modulus < 1 || (range.integer && fraction > 0))
      throw InputError("[grammar] {}/multipleOf: has {}.{}, expected at most {} steps in one unit of its last digit{}",
                       place, step.whole, step.fraction, kMostRemainders, range.integer ? ", and an integer" : "");
  }
  const auto negated = [](const std::optional<NumberBound>& bound) {
    std::optional<NumberBound> result = bound;
    if (result) result->value.negative = !result->value.negative;
    return result;
  };
  const auto add_side = [&](State start, std::optional<NumberBound> low, std::optional<NumberBound> high, bool zero) {
    if (high && (high->value.negative || (high->value.zero() && (high->exclusive || !zero)))) return;
    if (low && low->value.negative) low.reset();
    if (!zero && (!low || low->value.zero())) low = NumberBound{.value = {}, .exclusive = true};
    Magnitudes magnitudes(automaton, to, fraction, modulus);
    magnitudes.low = std::move(low);
    magnitudes.high = std::move(high);
    magnitudes.add(start);
  };
  add_side(from, range.low, range.high, true);
  const State minus = automaton.add();
  automaton.edge(from, '-', '-', minus);
  add_side(minus, negated(range.high), negated(range.low), false);
}

}  // namespace fathom::grammar
