#include "fathom/server/cors.h"

#include <algorithm>

namespace fathom::server {

std::vector<HttpHeader> cors_headers(const HttpRequest& request, std::span<const std::string> origins) {
  std::vector<HttpHeader> headers = {{"vary", "origin, access-control-request-method, access-control-request-headers"}};
  const std::string_view origin = request.header("origin");
  const bool allowed = std::any_of(origins.begin(), origins.end(),
                                   [&](const std::string& known) { return known == "*" || known == origin; });
  if (origin.empty() || !allowed) return headers;
  headers.push_back({"access-control-allow-origin", std::string(origin)});
  headers.push_back({"access-control-allow-credentials", "true"});
  headers.push_back({"access-control-expose-headers", "x-ds-trace-id, x-fathom-effort, retry-after"});
  if (request.method != "OPTIONS") return headers;
  headers.push_back({"access-control-allow-methods", "GET, HEAD, POST, OPTIONS"});
  if (const std::string_view asked = request.header("access-control-request-headers"); !asked.empty())
    headers.push_back({"access-control-allow-headers", std::string(asked)});
  headers.push_back({"access-control-max-age", "86400"});
  return headers;
}

}  // namespace fathom::server
