#include "fathom/server/route_table.h"

#include <array>

namespace fathom::server {
namespace {

struct Route {
  std::string_view method;
  std::string_view path;  // a last "{}" stands for one segment
  Endpoint endpoint;
};

// The paths themselves; /v1, /beta and /beta/v1 go before those of kPrefixed, /anthropic before those of kAnthropic.
constexpr std::array kPrefixed = {
    Route{"POST", "/chat/completions", Endpoint::chat},
    Route{"POST", "/completions", Endpoint::completions},
    Route{"POST", "/responses", Endpoint::responses},
    Route{"POST", "/tokenize", Endpoint::tokenize},
    Route{"POST", "/apply-template", Endpoint::apply_template},
    Route{"GET", "/models", Endpoint::models},
    Route{"GET", "/models/{}", Endpoint::model},
    Route{"GET", "/user/balance", Endpoint::balance},
    Route{"GET", "/usage", Endpoint::usage},
};
constexpr std::array kAnthropic = {
    Route{"POST", "/v1/messages", Endpoint::messages},
    Route{"POST", "/messages", Endpoint::messages},
    Route{"POST", "/v1/messages/count_tokens", Endpoint::count_tokens},
    Route{"POST", "/messages/count_tokens", Endpoint::count_tokens},
    Route{"GET", "/v1/models", Endpoint::models},
    Route{"GET", "/v1/models/{}", Endpoint::model},
    Route{"GET", "/models", Endpoint::models},
    Route{"GET", "/models/{}", Endpoint::model},
    Route{"GET", "/api/hello", Endpoint::probe},
    Route{"GET", "", Endpoint::probe},
};
constexpr std::array kPlain = {
    // Anthropic's clients with a base URL that ends before /v1.
    Route{"POST", "/v1/messages", Endpoint::messages},
    Route{"POST", "/v1/messages/count_tokens", Endpoint::count_tokens},
    Route{"GET", "/api/hello", Endpoint::probe},
    Route{"GET", "/health", Endpoint::health},
    Route{"GET", "/metrics", Endpoint::metrics},
    Route{"GET", "/experts", Endpoint::experts},
    Route{"GET", "/", Endpoint::page},
    Route{"GET", "/assets/{}", Endpoint::page},
    Route{"GET", "/v1", Endpoint::probe},
    Route{"GET", "/beta", Endpoint::probe},
    Route{"GET", "/beta/v1", Endpoint::probe},
};

bool matches(const Route& route, std::string_view path, std::string& parameter) {
  if (!route.path.ends_with("{}")) return route.path == path;
  const std::string_view stem = route.path.substr(0, route.path.size() - 2);
  if (!path.starts_with(stem) || path.size() == stem.size()) return false;
  const std::string_view rest = path.substr(stem.size());
  if (rest.find('/') != std::string_view::npos) return false;
  parameter = rest;
  return true;
}

template <std::size_t size>
void look(const std::array<Route, size>& routes, std::string_view method, std::string_view path, RouteMatch& match) {
  for (const Route& route : routes) {
    if (match.endpoint != Endpoint::none) return;
    std::string parameter;
    if (!matches(route, path, parameter)) continue;
    if (match.allow.empty()) match.allow = route.method == "GET" ? "GET, HEAD, OPTIONS" : "POST, OPTIONS";
    if (route.method != (method == "HEAD" ? "GET" : method)) continue;
    match.endpoint = route.endpoint;
    match.parameter = std::move(parameter);
  }
}

}  // namespace

std::string_view endpoint_name(Endpoint endpoint) {
  switch (endpoint) {
    case Endpoint::none: return "none";
    case Endpoint::chat: return "chat";
    case Endpoint::completions: return "completions";
    case Endpoint::messages: return "anthropic";
    case Endpoint::count_tokens: return "count_tokens";
    case Endpoint::tokenize: return "tokenize";
    case Endpoint::apply_template: return "apply_template";
    case Endpoint::responses: return "responses";
    case Endpoint::models: return "models";
    case Endpoint::model: return "model";
    case Endpoint::balance: return "balance";
    case Endpoint::usage: return "usage";
    case Endpoint::admin: return "admin";
    case Endpoint::health: return "health";
    case Endpoint::metrics: return "metrics";
    case Endpoint::experts: return "experts";
    case Endpoint::page: return "page";
    case Endpoint::probe: return "probe";
  }
  return "none";
}

RouteMatch find_route(std::string_view method, std::string_view path) {
  constexpr std::string_view kAnthropicPrefix = "/anthropic";
  constexpr std::array<std::string_view, 4> kPrefixes = {"", "/v1", "/beta", "/beta/v1"};
  RouteMatch match;
  match.beta = path == "/beta" || path.starts_with("/beta/");
  match.anthropic = path == kAnthropicPrefix || path.starts_with("/anthropic/") || path.starts_with("/v1/messages");
  constexpr std::string_view kAdmin = "/admin/";
  if (path.starts_with(kAdmin)) {
    match.allow = "GET, HEAD, POST, OPTIONS";
    if (method != "GET" && method != "HEAD" && method != "POST") return match;
    match.endpoint = Endpoint::admin;
    match.parameter = path.substr(kAdmin.size());
    return match;
  }
  look(kPlain, method, path, match);
  for (const std::string_view prefix : kPrefixes)
    if (path.starts_with(prefix)) look(kPrefixed, method, path.substr(prefix.size()), match);
  if (path.starts_with(kAnthropicPrefix)) look(kAnthropic, method, path.substr(kAnthropicPrefix.size()), match);
  return match;
}

}  // namespace fathom::server
