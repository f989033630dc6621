#include "fathom/api/balance.h"

#include <gtest/gtest.h>

namespace fathom::api {
namespace {

TEST(Balance, AmountsAreTextsWithTwoDecimals) {
  EXPECT_EQ(balance_body({.currency = "CNY", .granted_cents = 1000, .topped_up_cents = 10000}),
            R"({"is_available":true,"balance_infos":[{"currency":"CNY","total_balance":"110.00",)"
            R"("granted_balance":"10.00","topped_up_balance":"100.00"}]})");
  EXPECT_EQ(balance_body({.currency = "USD", .granted_cents = 5, .topped_up_cents = -110}),
            R"({"is_available":false,"balance_infos":[{"currency":"USD","total_balance":"-1.05",)"
            R"("granted_balance":"0.05","topped_up_balance":"-1.10"}]})");
}

TEST(Balance, EverybodyHasSome) { EXPECT_TRUE(balance_body().starts_with(R"({"is_available":true)")); }

}  // namespace
}  // namespace fathom::api
