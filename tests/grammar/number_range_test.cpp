#include "fathom/grammar/number_range.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "fathom/base/error.h"
#include "tests/grammar/automaton_support.h"

namespace fathom::grammar {
namespace {

class Range {
 public:
  explicit Range(const NumberRange& range) {
    start_ = automaton_.add();
    add_number_range(automaton_, start_, range, automaton_.add_final(), "test");
    automaton_.finish(start_, "test");
  }
  bool takes(std::string_view text) const { return automaton_takes(automaton_, start_, text); }

 private:
  Automaton automaton_;
  State start_ = 0;
};

NumberBound bound(std::string_view number, bool exclusive = false) { return {*read_decimal(number), exclusive}; }

TEST(NumberRange, IntegersBetweenBounds) {
  for (const auto& [low, high] :
       {std::pair{-120, 1005}, {0, 0}, {7, 7}, {-9, -9}, {-1000, -99}, {10, 99}, {-1, 1}, {98, 1234}}) {
    for (const int step : {1, 3, 10}) {
      for (const bool exclusive : {false, true}) {
        const auto fits = [&](int value) {
          const bool inside = exclusive ? value > low && value < high : value >= low && value <= high;
          return inside && value % step == 0;
        };
        int count = 0;
        for (int value = low; value <= high; ++value) count += fits(value);
        if (count == 0) continue;
        const Range range({.integer = true,
                           .low = bound(std::to_string(low), exclusive),
                           .high = bound(std::to_string(high), exclusive),
                           .multiple = read_decimal(std::to_string(step))});
        for (int value = -1500; value <= 1500; ++value)
          ASSERT_EQ(range.takes(std::to_string(value)), fits(value))
              << low << " " << high << " " << step << " " << value;
        for (const std::string_view text : {"", "-", "-0", "00", "007", "1.0", "+1"})
          EXPECT_FALSE(range.takes(text)) << text;
      }
    }
  }
}

TEST(NumberRange, DecimalsBetweenBounds) {
  for (const auto& [low, high] : {std::pair{-1.25, 2.5}, {0.05, 0.3}, {-0.5, -0.25}, {9.75, 10.25}}) {
    const Range range({.integer = false,
                       .low = bound(fmt::format("{}", low)),
                       .high = bound(fmt::format("{}", high), true),
                       .multiple = {}});
    for (int thousandths = -12000; thousandths <= 12000; thousandths += 5) {
      const double value = thousandths / 1000.0;
      const std::string text = fmt::format("{:.3f}", value);
      if (text == "-0.000") continue;
      ASSERT_EQ(range.takes(text), value >= low && value < high) << text << " in " << low << ".." << high;
    }
    EXPECT_FALSE(range.takes("1."));
    EXPECT_FALSE(range.takes(".5"));
  }
}

TEST(NumberRange, OneSidedAndLarge) {
  const Range above({.integer = true, .low = bound("1e3"), .high = {}, .multiple = {}});
  EXPECT_TRUE(above.takes("1000"));
  EXPECT_TRUE(above.takes("999999999999999999"));
  EXPECT_FALSE(above.takes("999"));
  EXPECT_FALSE(above.takes("-1000"));
  const Range below({.integer = true, .low = {}, .high = bound("-5"), .multiple = {}});
  EXPECT_TRUE(below.takes("-5"));
  EXPECT_TRUE(below.takes("-123456"));
  EXPECT_FALSE(below.takes("-4"));
  EXPECT_FALSE(below.takes("5"));
  EXPECT_THROW(Range({.integer = true, .low = bound("5"), .high = bound("4"), .multiple = {}}), InputError);
  EXPECT_THROW(Range({.integer = true, .low = {}, .high = {}, .multiple = read_decimal("2.5")}), InputError);
}

TEST(NumberRange, ReadsDecimals) {
  const auto decimal = [](std::string_view text) {
    const auto value = read_decimal(text);
    return value ? fmt::format("{}{}.{}", value->negative ? "-" : "", value->whole, value->fraction) : "none";
  };
  EXPECT_EQ(decimal("-12.50"), "-12.5");
  EXPECT_EQ(decimal("1.5e-07"), ".00000015");
  EXPECT_EQ(decimal("1e+21"), "1000000000000000000000.");
  EXPECT_EQ(decimal("-0.0"), ".");
  EXPECT_EQ(decimal("12.5e1"), "125.");
  for (const std::string_view text : {"NaN", "Infinity", "1e999999", "", "-", "1e"})
    EXPECT_EQ(decimal(text), "none") << text;
}

}  // namespace
}  // namespace fathom::grammar
