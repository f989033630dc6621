// GET /user/balance (api.md 2). There are no accounts: everybody has the same figure, and none of it is ever spent.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace fathom::api {

struct Balance {
  std::string_view currency = "USD";  // or CNY
  std::int64_t granted_cents = 0;
  std::int64_t topped_up_cents = 10'000;
};

// Amounts are strings with two decimals. Available while there is anything left.
std::string balance_body(const Balance& balance = {});

}  // namespace fathom::api
