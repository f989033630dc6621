// Who asks, as far as a key says it.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "fathom/accounts/gate.h"
#include "fathom/server/route_table.h"

namespace fathom::server {

struct Visitor {
  std::string account = {};                              // whose caches, conversations and usage; empty: nobody's
  std::string key = {};                                  // its id in the ledger; empty: none of the ledger's
  std::string currency = "USD";                          // what it is charged in
  bool may_know = true;                                  // how busy the server is
  bool admin = false;                                    // may administer, which nobody may without a key
  accounts::Access access = {};                          // what the ledger knows
  std::shared_ptr<accounts::Gate::Pass> pass = nullptr;  // while it asks a model

  bool opens_model(std::string_view model) const { return !access.key || access.key->opens_model(model); }
};

// Throws api::ApiError 401 where keys are needed and this is none.
Visitor visitor_of(const accounts::Access& access, std::string_view presented);
// Before it asks a model by that surface: 403 for a scope, 402 for an empty balance, 429 for a limit.
void admit(Visitor& visitor, accounts::Gate& gate, Endpoint surface, std::int64_t now);
// Its prompt, before it is read.
void admit_prompt(const Visitor& visitor, std::string_view model, std::int64_t tokens, std::int64_t now);

}  // namespace fathom::server
