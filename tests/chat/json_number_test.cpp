#include "fathom/chat/json_number.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <random>

namespace fathom {
namespace {

TEST(JsonNumber, IntegersStayExactAtAnySize) {
  for (const std::string digits : {"0", "7", "-7", "9223372036854775808", "-123456789012345678901234567890123456789"})
    EXPECT_EQ(python_number(digits), digits);
  const std::string huge(10000, '9');
  EXPECT_EQ(python_number(huge), huge);
  EXPECT_EQ(python_number("-0"), "0");
}

TEST(JsonNumber, FloatsArePythonsRepr) {
  // Each pair was printed by json.dumps(json.loads(literal)) of Python 3.11.
  for (const auto& [literal, repr] : {std::pair<std::string, std::string>("1.0", "1.0"),
                                      {"-1.25e-07", "-1.25e-07"},
                                      {"1e+21", "1e+21"},
                                      {"1E5", "100000.0"},
                                      {"1e15", "1000000000000000.0"},
                                      {"1e16", "1e+16"},
                                      {"9999999999999998.0", "9999999999999998.0"},
                                      {"123456789012345680.0", "1.2345678901234568e+17"},
                                      {"0.0001", "0.0001"},
                                      {"0.00001", "1e-05"},
                                      {"0.1", "0.1"},
                                      {"0.10", "0.1"},
                                      {"3.14159265358979323846", "3.141592653589793"},
                                      {"-0.0", "-0.0"},
                                      {"0e9999", "0.0"},
                                      {"5e-324", "5e-324"},
                                      {"2e-324", "0.0"},
                                      {"1.7976931348623157e308", "1.7976931348623157e+308"},
                                      {"1e999", "Infinity"},
                                      {"-1e999", "-Infinity"},
                                      {"1e-999", "0.0"},
                                      {"-1e-999", "-0.0"},
                                      {"100.0", "100.0"},
                                      {"123.456", "123.456"}})
    EXPECT_EQ(python_number(literal), repr) << literal;
}

TEST(JsonNumber, LiteralsOutOfRangeByTheirDigitsAlone) {
  EXPECT_EQ(python_number(std::string(400, '1') + ".0"), "Infinity");
  EXPECT_EQ(python_number("0." + std::string(400, '0') + "1"), "0.0");
  EXPECT_EQ(python_number("0." + std::string(400, '0') + "1e401"), "1.0");
  EXPECT_EQ(python_number("1e99999999999999999999"), "Infinity");
  EXPECT_EQ(python_number("-1e-99999999999999999999"), "-0.0");
}

TEST(JsonNumber, ReprReadsBackAsTheSameDouble) {
  std::mt19937_64 random(3);
  for (int round = 0; round < 100000; ++round) {
    const std::uint64_t bits = random();
    double value = 0;
    static_assert(sizeof(bits) == sizeof(value));
    std::memcpy(&value, &bits, sizeof(value));
    if (!std::isfinite(value)) continue;
    const std::string repr = python_float(value);
    ASSERT_EQ(std::strtod(repr.c_str(), nullptr), value) << repr;
    ASSERT_EQ(python_number(repr), repr);
  }
  EXPECT_EQ(python_float(std::numeric_limits<double>::quiet_NaN()), "NaN");
}

}  // namespace
}  // namespace fathom
