#include "fathom/server/http_message.h"

#include <gtest/gtest.h>

namespace fathom::server {
namespace {

std::string path_of(std::string target) {
  HttpRequest request;
  request.target = std::move(target);
  return request.path();
}

TEST(HttpMessage, APathHasNoQueryNoSchemeAndNoSlashTooMany) {
  EXPECT_EQ(path_of("/v1/messages?beta=true"), "/v1/messages");
  EXPECT_EQ(path_of("/v1/messages#x?y"), "/v1/messages");
  EXPECT_EQ(path_of("//v1///models//"), "/v1/models");
  EXPECT_EQ(path_of("http://host:1/v1/models?a=http://b/c"), "/v1/models");
  EXPECT_EQ(path_of("http://host"), "/");
  EXPECT_EQ(path_of("/"), "/");
  EXPECT_EQ(path_of("/?q"), "/");
  EXPECT_EQ(path_of("*"), "*");
  EXPECT_EQ(path_of(""), "");
  EXPECT_EQ(path_of("/a?http://b"), "/a");
  EXPECT_EQ(path_of("/a/http://b"), "/a/http:/b");
}

TEST(HttpMessage, EscapesInAPathAreReadAndBrokenOnesStay) {
  EXPECT_EQ(path_of("/models/deepseek%2Dv4%2dflash"), "/models/deepseek-v4-flash");
  EXPECT_EQ(path_of("/a%2Fb"), "/a/b");
  EXPECT_EQ(path_of("/a%"), "/a%");
  EXPECT_EQ(path_of("/a%4"), "/a%4");
  EXPECT_EQ(path_of("/a%zz%41"), "/a%zzA");
  EXPECT_EQ(path_of("/%00"), std::string("/\0", 2));
}

TEST(HttpMessage, HeadersAreFoundWithoutCaseAndTheFirstCounts) {
  HttpRequest request;
  request.headers = {{"X-Api-Key", "one"}, {"x-api-key", "two"}};
  EXPECT_EQ(request.header("x-API-key"), "one");
  EXPECT_EQ(request.header("x-api-ke"), "");
  EXPECT_FALSE(equal_without_case("a", "ab"));
  EXPECT_FALSE(equal_without_case("[", "{")) << "only letters have a case";
}

TEST(HttpMessage, AHeaderCannotSmuggleALine) {
  const std::string head = write_head(200, {{"allow", "GET\r\nset-cookie: a=b\n\r"}}, {.length = 3});
  EXPECT_EQ(head,
            "HTTP/1.1 200 OK\r\nallow: GETset-cookie: a=b\r\ncontent-length: 3\r\nconnection: keep-alive\r\n\r\n");
}

TEST(HttpMessage, FramingSaysHowABodyEnds) {
  using Kind = HttpFraming::Kind;
  EXPECT_EQ(write_head(204, {}, {.kind = Kind::none}), "HTTP/1.1 204 No Content\r\nconnection: keep-alive\r\n\r\n");
  EXPECT_EQ(write_head(200, {}, {.kind = Kind::chunked}),
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\nconnection: keep-alive\r\n\r\n");
  EXPECT_EQ(write_head(200, {}, {.kind = Kind::until_close, .keep_alive = false}),
            "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n");
  EXPECT_NE(reason_phrase(299), "") << "an unknown status has a word too";
}

}  // namespace
}  // namespace fathom::server
