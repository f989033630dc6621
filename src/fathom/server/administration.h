// The ledger over HTTP: /admin for keys with that scope, and an account's own usage and balance.
//
//   GET  /admin/accounts              GET  /admin/keys?account=      GET /admin/audit?count=
//   POST /admin/accounts              POST /admin/keys               GET
//   /admin/usage?from=&to=&by=&account=&key=&model=&format=csv POST /admin/accounts/NAME/credit  POST
//   /admin/keys/ID/revoke     GET /admin/requests?count=&... as usage POST /admin/accounts/NAME/limits  POST
//   /admin/keys/ID/limits POST /admin/accounts/NAME/close
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "fathom/accounts/ledger.h"
#include "fathom/server/http_message.h"

namespace fathom::server {

// `path` behind /admin/. Throws api::ApiError, and InputError for what a body asks that cannot be.
HttpResponse administer(accounts::Ledger& ledger, const HttpRequest& request, std::string_view path,
                        const accounts::Actor& actor);
// GET /v1/usage: as /admin/usage, of that account alone.
HttpResponse own_usage(accounts::Ledger& ledger, const HttpRequest& request, const std::string& account,
                       std::int64_t now);
// GET /user/balance. Whoever is not prepaid has nothing and may ask.
std::string balance_of(const accounts::Account& account);

}  // namespace fathom::server
