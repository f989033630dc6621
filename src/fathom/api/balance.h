// GET /user/balance (api.md 2). Without accounts everybody has the same figure, and none of it is ever spent.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace fathom::api {

struct Balance {
  std::string_view currency = "USD";  // or CNY
  std::int64_t granted_cents = 0;
  std::int64_t topped_up_cents = 10'000;
  std::optional<bool> available = std::nullopt;  // none: while there is a cent left
};

// Amounts are strings with two decimals.
std::string balance_body(const Balance& balance = {});

}  // namespace fathom::api
