#include "fathom/accounts/price_card.h"

#include <gtest/gtest.h>

#include "fathom/accounts/calendar.h"
#include "fathom/base/error.h"

namespace fathom::accounts {
namespace {

constexpr TokenCounts kMillionEach{.hit = 1'000'000, .miss = 1'000'000, .output = 1'000'000};

std::int64_t moment(std::string_view day, int hour, int minute = 0) {
  return parse_day(day, "test") + hour * 3600 + minute * 60;
}

std::string cost(const PriceCard& card, std::string_view model, std::int64_t when, const TokenCounts& tokens) {
  return card.cost(model, when, tokens).exact();
}

std::string fault(std::string_view toml) {
  try {
    PriceCard::parse(toml, "card.toml");
  } catch (const InputError& error) {
    return error.what();
  }
  return "none";
}

// Sums of the published table, by hand.
TEST(PriceCard, TheHostedCardsByTheirDates) {
  const PriceCard card = PriceCard::load("hosted-usd");
  EXPECT_EQ(card.currency(), "USD");
  EXPECT_EQ(card.price_at("deepseek-v4-flash", moment("2026-04-23", 23, 59)), nullptr);
  EXPECT_EQ(cost(card, "deepseek-v4-flash", moment("2026-04-24", 0), kMillionEach), "0.448");
  EXPECT_EQ(cost(card, "deepseek-v4-pro", moment("2026-04-26", 12, 14), kMillionEach), "5.365");
  EXPECT_EQ(cost(card, "deepseek-v4-pro", moment("2026-04-26", 12, 15), kMillionEach), "1.308625");
  EXPECT_EQ(cost(card, "deepseek-v4-flash", moment("2026-05-01", 0), kMillionEach), "0.4228");
  EXPECT_EQ(cost(card, "deepseek-v4-flash", moment("2026-09-12", 2), kMillionEach), "0.753") << "a Saturday";
  EXPECT_EQ(cost(card, "deepseek-v4-flash", moment("2026-09-14", 2), kMillionEach), "1.506") << "a Monday";
  const PriceCard yuan = PriceCard::load("hosted-cny");
  EXPECT_EQ(yuan.currency(), "CNY");
  EXPECT_EQ(cost(yuan, "deepseek-v4-pro", moment("2026-04-24", 0), kMillionEach), "37.00");
  EXPECT_EQ(cost(yuan, "deepseek-v4-flash", moment("2026-05-01", 0), kMillionEach), "3.02");
}

TEST(PriceCard, ATokenCostsExactlyItsMillionth) {
  const PriceCard card = PriceCard::load("hosted-usd@2026-05-01");
  EXPECT_EQ(cost(card, "deepseek-v4-pro", 0, {.hit = 1}), "0.000000003625");
  EXPECT_EQ(cost(card, "deepseek-v4-pro", 0, {.hit = 3, .miss = 7, .output = 11}), "0.000012625875");
  EXPECT_EQ(cost(card, "another", 0, kMillionEach), "0.00");
  EXPECT_FALSE(card.knows("another"));
}

TEST(PriceCard, ADayPinsItsPrices) {
  const PriceCard launch = PriceCard::load("hosted-usd@2026-04-24");
  EXPECT_EQ(cost(launch, "deepseek-v4-pro", moment("2030-01-01", 2), kMillionEach), "5.365");
  EXPECT_EQ(cost(PriceCard::load("hosted-usd@2026-04-26"), "deepseek-v4-pro", 0, kMillionEach), "1.308625");
  EXPECT_THROW(PriceCard::load("hosted-usd@2026-04-23"), InputError);
  EXPECT_THROW(PriceCard::load("hosted-usd@soon"), InputError);
  EXPECT_THROW(PriceCard::load("nothing"), InputError);
}

TEST(PriceCard, PeakHoursBeginAndEndToTheSecond) {
  const PriceCard card = PriceCard::load("hosted-usd");
  const std::int64_t monday = parse_day("2026-09-14", "test");
  for (const auto& [hour, peak] : std::vector<std::pair<int, bool>>{{1, true}, {4, false}, {6, true}, {10, false}}) {
    EXPECT_EQ(card.is_peak(monday + hour * 3600), peak) << hour;
    EXPECT_EQ(card.is_peak(monday + hour * 3600 - 1), !peak) << hour;
  }
  int days = 0;
  for (int day = 0; day < 7; ++day) days += card.is_peak(monday + day * kDaySeconds + 2 * 3600) ? 1 : 0;
  EXPECT_EQ(days, 5);
}

TEST(PriceCard, WhatIsNoCardIsToldWithItsLine) {
  const std::string row = "[[price]]\nmodel=\"m\"\nfrom=2026-01-01T00:00:00Z\nmiss=\"1\"\noutput=\"1\"\n";
  const std::string card = "currency=\"USD\"\n" + row;
  EXPECT_EQ(fault(card + "hit=\"0.1\""), "none");
  EXPECT_EQ(fault(card), "[card.toml line 2] hit is missing");
  EXPECT_NE(fault(card + "hit=\"0.0000001\"").find("[card.toml line 7] found the amount \"0.0000001\""),
            std::string::npos);
  EXPECT_EQ(fault(card + "hit=0.1"), "[card.toml line 7] hit must be a text in quotes");
  EXPECT_EQ(fault(card + "hit=\"-1\""), "[card.toml line 7] hit is below zero");
  EXPECT_EQ(fault(card + "hit=\"1\"\npaek=2"), "[card.toml line 8] paek is no key here");
  EXPECT_EQ(fault(card + "hit=\"1\"\npeak=0"), "[card.toml line 8] peak must be a number from 1 to 100");
  EXPECT_EQ(fault("currency=\"usd\"\nprice=1"), "[card.toml line 1] currency is usd, expected three capitals");
  EXPECT_NE(fault("currency=").find("[card.toml line 1]"), std::string::npos);
  EXPECT_NE(fault(card + "hit=\"1\"\n[peak]\ndays=[\"mon\"]\nhours=[\"4:00-5:00\"]").find("expected such as"),
            std::string::npos);
}

}  // namespace
}  // namespace fathom::accounts
