#include "fathom/server/cors.h"

#include <gtest/gtest.h>

namespace fathom::server {
namespace {

std::string value_of(const std::vector<HttpHeader>& headers, std::string_view name) {
  for (const HttpHeader& header : headers)
    if (header.name == name) return header.value;
  return {};
}

std::vector<HttpHeader> headers_for(const std::string& method, const std::string& origin,
                                    const std::vector<std::string>& origins) {
  HttpRequest request;
  request.method = method;
  if (!origin.empty()) request.headers = {{"Origin", origin}, {"access-control-request-headers", "x-a, x-b"}};
  return cors_headers(request, origins);
}

TEST(Cors, AnOriginIsNamedBackIfItMayAsk) {
  const std::string page = "https://page";
  EXPECT_EQ(value_of(headers_for("POST", page, {"*"}), "access-control-allow-origin"), page);
  EXPECT_EQ(value_of(headers_for("POST", page, {"https://other", page}), "access-control-allow-origin"), page);
  EXPECT_EQ(value_of(headers_for("POST", page, {"https://other"}), "access-control-allow-origin"), "");
  EXPECT_EQ(value_of(headers_for("POST", page, {}), "access-control-allow-origin"), "");
  EXPECT_EQ(value_of(headers_for("POST", "", {"*"}), "access-control-allow-origin"), "");
}

TEST(Cors, CachesAreToldInAnyCase) {
  for (const std::string origin : {"", "https://page"})
    EXPECT_EQ(value_of(headers_for("GET", origin, {}), "vary"),
              "origin, access-control-request-method, access-control-request-headers");
}

TEST(Cors, OnlyAPreflightHearsOfMethodsAndHeaders) {
  EXPECT_EQ(value_of(headers_for("OPTIONS", "https://page", {"*"}), "access-control-allow-headers"), "x-a, x-b");
  EXPECT_NE(value_of(headers_for("OPTIONS", "https://page", {"*"}), "access-control-allow-methods"), "");
  EXPECT_EQ(value_of(headers_for("POST", "https://page", {"*"}), "access-control-allow-headers"), "");
  EXPECT_EQ(value_of(headers_for("OPTIONS", "https://page", {}), "access-control-allow-methods"), "");
}

}  // namespace
}  // namespace fathom::server
