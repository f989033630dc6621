#include "fathom/server/route_table.h"

#include <gtest/gtest.h>

#include <map>
#include <vector>

namespace fathom::server {
namespace {

TEST(RouteTable, HasEveryPathOfTheApi) {
  const std::map<Endpoint, std::vector<std::string>> posts = {
      {Endpoint::chat,
       {"/chat/completions", "/v1/chat/completions", "/beta/chat/completions", "/beta/v1/chat/completions"}},
      {Endpoint::completions, {"/completions", "/v1/completions", "/beta/completions", "/beta/v1/completions"}},
      {Endpoint::responses, {"/responses", "/v1/responses"}},
      {Endpoint::tokenize, {"/tokenize", "/v1/tokenize", "/beta/tokenize"}},
      {Endpoint::apply_template, {"/apply-template", "/v1/apply-template", "/beta/apply-template"}},
      {Endpoint::messages, {"/anthropic/v1/messages", "/anthropic/messages", "/v1/messages"}},
      {Endpoint::count_tokens, {"/anthropic/v1/messages/count_tokens", "/v1/messages/count_tokens"}}};
  const std::map<Endpoint, std::vector<std::string>> gets = {
      {Endpoint::models, {"/models", "/v1/models", "/beta/models", "/anthropic/v1/models"}},
      {Endpoint::model, {"/models/deepseek-v4-pro", "/v1/models/deepseek-v4-pro"}},
      {Endpoint::balance, {"/user/balance", "/v1/user/balance"}},
      {Endpoint::usage, {"/usage", "/v1/usage"}},
      {Endpoint::admin, {"/admin/keys", "/admin/accounts/ada/credit"}},
      {Endpoint::health, {"/health"}},
      {Endpoint::metrics, {"/metrics"}},
      {Endpoint::experts, {"/experts"}},
      {Endpoint::page, {"/"}},
      {Endpoint::probe, {"/anthropic", "/anthropic/api/hello"}}};
  for (const auto& [method, table] : {std::pair("POST", posts), std::pair("GET", gets), std::pair("HEAD", gets)})
    for (const auto& [endpoint, paths] : table)
      for (const std::string& path : paths) {
        const RouteMatch match = find_route(method, path);
        EXPECT_EQ(match.endpoint, endpoint) << method << " " << path;
        EXPECT_EQ(match.beta, path.starts_with("/beta")) << path;
        EXPECT_EQ(match.anthropic, path.starts_with("/anthropic") || path.starts_with("/v1/messages")) << path;
        EXPECT_NE(endpoint_name(match.endpoint), "none");
      }
}

TEST(RouteTable, AModelsIdIsOneSegment) {
  EXPECT_EQ(find_route("GET", "/v1/models/a b").parameter, "a b");
  EXPECT_EQ(find_route("GET", "/models/").endpoint, Endpoint::none);
  EXPECT_EQ(find_route("GET", "/models/a/b").endpoint, Endpoint::none);
}

TEST(RouteTable, AKnownPathSaysItsMethods) {
  EXPECT_EQ(find_route("GET", "/chat/completions").allow, "POST, OPTIONS");
  EXPECT_EQ(find_route("GET", "/chat/completions").endpoint, Endpoint::none);
  EXPECT_EQ(find_route("PUT", "/models").allow, "GET, HEAD, OPTIONS");
  EXPECT_EQ(find_route("HEAD", "/v1/messages").endpoint, Endpoint::none);
}

TEST(RouteTable, WhatIsNearAPathIsNoPath) {
  for (const char* path :
       {"", "*", "/v1x/models", "/betamodels", "/v2/models", "/v1/v1/models", "/anthropicx",
        "/anthropic/chat/completions", "/Models", "/models2", "/v1/beta/models", "chat/completions"}) {
    EXPECT_EQ(find_route("GET", path).allow, "") << path;
    EXPECT_EQ(find_route("POST", path).endpoint, Endpoint::none) << path;
  }
}

}  // namespace
}  // namespace fathom::server
