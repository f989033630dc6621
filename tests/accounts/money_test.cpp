#include "fathom/accounts/money.h"

#include <gtest/gtest.h>

#include "fathom/base/error.h"

namespace fathom::accounts {
namespace {

std::string exact(std::string_view text) { return Money::parse(text, "test").exact(); }
std::string cents(std::string_view text) { return Money::parse(text, "test").cents(); }

TEST(Money, IsWrittenAsItWasRead) {
  for (const char* text : {"0.00", "10.00", "0.0028", "0.003625", "-1.50", "999999999.999999999999", "-0.000000000001"})
    EXPECT_EQ(exact(text), text);
  EXPECT_EQ(exact("12"), "12.00");
  EXPECT_EQ(exact("0012.3400"), "12.34");
}

TEST(Money, TwoDecimalsAreCutDownwards) {
  EXPECT_EQ(cents("110"), "110.00");
  EXPECT_EQ(cents("0.019999999999"), "0.01");
  EXPECT_EQ(cents("0.000000000001"), "0.00");
  EXPECT_EQ(cents("-0.000000000001"), "-0.01");
  EXPECT_EQ(cents("-0.01"), "-0.01");
}

TEST(Money, AddsWithoutLoss) {
  Money sum;
  const Money tenth = Money::parse("0.1", "test");
  for (int i = 0; i < 1'000'000; ++i) sum += tenth;  // 100000.00000133288 as doubles
  EXPECT_EQ(sum.exact(), "100000.00");
  EXPECT_EQ((sum - Money::parse("0.000000000001", "test")).exact(), "99999.999999999999");
  EXPECT_LT(-tenth, Money());
  EXPECT_GT(sum, tenth);
}

TEST(Money, WhatIsNoAmountIsAnInputError) {
  for (const char* text :
       {"", "-", ".5", "5.", "1,5", "1e3", "+1", " 1", "1.2.3", "--1", "1000000000", "0.0000000000001"})
    EXPECT_THROW(Money::parse(text, "test"), InputError) << text;
  EXPECT_THROW(Money::parse("0.1234567", "test", 6), InputError);
  EXPECT_EQ(Money::parse("0.123456", "test", 6).exact(), "0.123456");
}

TEST(Money, AColumnHoldsNineMillionUnits) {
  EXPECT_EQ(Money::parse("9000000", "test").column(), 9'000'000 * Money::kParts);
  EXPECT_EQ(Money::parse("-0.5", "test").column(), -Money::kParts / 2);
  EXPECT_THROW(Money::parse("10000000", "test").column(), InternalError);
}

}  // namespace
}  // namespace fathom::accounts
