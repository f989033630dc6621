#include "fathom/api/balance.h"

#include <fmt/format.h>

#include <cstdlib>

#include "fathom/api/json_object.h"

namespace fathom::api {
namespace {

std::string amount(std::int64_t cents) {
  return fmt::format("{}{}.{:02}", cents < 0 ? "-" : "", std::abs(cents / 100), std::abs(cents % 100));
}

}  // namespace

std::string balance_body(const Balance& balance) {
  const std::int64_t total = balance.granted_cents + balance.topped_up_cents;
  JsonObject info;
  info.text("currency", balance.currency).text("total_balance", amount(total));
  info.text("granted_balance", amount(balance.granted_cents));
  info.text("topped_up_balance", amount(balance.topped_up_cents));
  return JsonObject()
      .truth("is_available", balance.available.value_or(total > 0))
      .json("balance_infos", JsonArray().add(info.close()).close())
      .close();
}

}  // namespace fathom::api
