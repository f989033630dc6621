// Every request's first stop: CORS, the key, the path; then its handler. On the connection's strand.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "fathom/accounts/gate.h"
#include "fathom/server/answering.h"
#include "fathom/server/aside.h"
#include "fathom/server/dialects.h"
#include "fathom/server/keys.h"
#include "fathom/server/route_table.h"

namespace fathom::server {

// What the handlers share; outlives every exchange.
struct RouteServices {
  AnsweringServices answering;
  Dialects dialects;
  Keys keys;
  accounts::Gate& gate;
  Aside& aside;
  std::vector<std::string> cors_origins;  // "*": all; none: no CORS
  std::string version;
  std::function<bool()> draining;
  std::function<const HttpFigures*()> http_figures;
  std::function<std::int64_t()> now;  // seconds since 1970
};

void route(const std::shared_ptr<Exchange>& exchange, const RouteServices& services);

// The answer to a request that is no HTTP or beyond a limit, and its line in the log.
HttpResponse fault_response(const HttpFault& fault, const HttpRequest& request, const RouteServices& services);

}  // namespace fathom::server
