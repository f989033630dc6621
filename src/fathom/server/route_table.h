// A path and a method to what answers them: every path of the API, with all the prefixes that clients use.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace fathom::server {

enum class Endpoint : std::uint8_t {
  none,
  chat,
  completions,
  messages,
  count_tokens,
  tokenize,
  apply_template,
  responses,
  models,
  model,
  balance,
  usage,
  admin,
  health,
  metrics,
  experts,
  page,
  probe,  // answered at once and with nothing: is a server there?
};
std::string_view endpoint_name(Endpoint endpoint);

struct RouteMatch {
  Endpoint endpoint = Endpoint::none;  // none: no such path, or not with this method
  std::string allow;                   // methods of a path that is known; empty: no such path
  std::string parameter;               // of /models/{id}: the id; of /admin/...: what stands behind
  bool beta = false;                   // under /beta
  bool anthropic = false;              // errors and lists as Anthropic's clients read them
};

// `path` as HttpRequest::path() gives it. HEAD asks as GET does.
RouteMatch find_route(std::string_view method, std::string_view path);

}  // namespace fathom::server
