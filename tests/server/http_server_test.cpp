#include "fathom/server/http_server.h"

#include <gtest/gtest.h>

#include <future>
#include <set>

#include "fathom/base/error.h"
#include "tests/server/http_fixture_support.h"

namespace fathom::server {
namespace {

using namespace std::chrono_literals;
using fathom::testing::ask;
using fathom::testing::config_for_tests;
using fathom::testing::HttpClient;
using fathom::testing::HttpFixture;
using fathom::testing::kHttpPatience;
using fathom::testing::ReceivedAnswer;
using fathom::testing::request_text;

TEST(HttpServer, AnswersWithItsHeadersAndATraceId) {
  HttpFixture fixture;
  const ReceivedAnswer answer = ask(fixture.port(), "POST", "/echo", "hello");
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.body, "hello");
  EXPECT_EQ(answer.header("content-type"), "text/plain");
  EXPECT_EQ(answer.header("server"), "fathom");
  EXPECT_EQ(answer.header("connection"), "keep-alive");
  EXPECT_EQ(answer.header("date").size(), 29U) << answer.header("date");
  std::set<std::string> ids;
  for (int i = 0; i < 20; ++i) ids.insert(ask(fixture.port(), "GET", "/nothing").header("x-ds-trace-id"));
  EXPECT_EQ(ids.size(), 20U);
  EXPECT_EQ(ids.begin()->size(), 32U);
}

TEST(HttpServer, AConnectionServesMany) {
  HttpFixture fixture;
  HttpClient client(fixture.port());
  for (int i = 0; i < 50; ++i) {
    client.send(request_text("POST", "/echo", std::string(static_cast<std::size_t>(i * 997), 'a')));
    EXPECT_EQ(client.read_answer().body.size(), static_cast<std::size_t>(i * 997));
  }
  EXPECT_EQ(fixture.server().figures().accepted, 1);
}

TEST(HttpServer, TooManyConnectionsAreToldSo) {
  HttpConfig config = config_for_tests();
  config.connections = 2;
  HttpFixture fixture(config);
  HttpClient first(fixture.port());
  HttpClient second(fixture.port());
  for (HttpClient* client : {&first, &second}) {
    client->send(request_text("POST", "/echo", "x"));
    EXPECT_EQ(client->read_answer().status, 200);
  }
  HttpClient third(fixture.port());
  const ReceivedAnswer answer = third.read_answer();
  EXPECT_EQ(answer.status, 503);
  EXPECT_EQ(answer.header("retry-after"), "1");
  EXPECT_EQ(fixture.server().figures().refused, 1);
}

TEST(HttpServer, BodiesTogetherHaveALimit) {
  HttpConfig config = config_for_tests();
  config.bodies_bytes = 100'000;
  HttpFixture fixture(config);
  const std::string part(60'000, 'x');
  HttpClient first(fixture.port());
  first.send("POST /echo HTTP/1.1\r\ncontent-length: 60001\r\n\r\n" + part);
  EXPECT_TRUE(fixture.wait_for([&] { return fixture.server().figures().bodies_bytes == std::ssize(part); }));
  EXPECT_EQ(ask(fixture.port(), "POST", "/echo", part).status, 503);
  first.send("x");
  EXPECT_EQ(first.read_answer().body.size(), 60'001U);
  EXPECT_EQ(ask(fixture.port(), "POST", "/echo", part).status, 200) << "the room is given back";
}

TEST(HttpServer, DrainLetsRunningAnswersEndAndTakesNobodyNew) {
  HttpFixture fixture;
  HttpClient idle(fixture.port());
  idle.send(request_text("POST", "/echo", "x"));
  EXPECT_EQ(idle.read_answer().status, 200);
  HttpClient busy(fixture.port());
  busy.send(request_text("GET", "/open"));
  busy.read_until("begun");
  fixture.server().drain();
  EXPECT_TRUE(idle.closed_by_server());
  EXPECT_FALSE(fixture.server().wait_until_closed(10ms)) << "one answer still runs";
  EXPECT_THROW(ask(fixture.port(), "POST", "/echo", "x"), std::runtime_error);
  EXPECT_EQ(fixture.gone(), 0);
  fixture.server().close();
  EXPECT_TRUE(fixture.server().wait_until_closed(kHttpPatience));
  EXPECT_EQ(fixture.gone(), 1);
}

TEST(HttpServer, SixtyFourStreamsAtOnce) {
  HttpFixture fixture;
  std::vector<std::future<ReceivedAnswer>> answers;
  for (int i = 0; i < 64; ++i)
    answers.push_back(std::async(std::launch::async, [&] { return ask(fixture.port(), "GET", "/stream?500"); }));
  for (auto& answer : answers) EXPECT_TRUE(answer.get().body.ends_with("data: 499\n\n"));
}

TEST(HttpServer, ClientsThatComeAndGoLeaveNothing) {
  HttpFixture fixture;
  for (int i = 0; i < 300; ++i) {
    HttpClient client(fixture.port());
    switch (i % 6) {
      case 0: client.send("GET /"); break;
      case 1: client.send(request_text("GET", "/stream?50")); break;
      case 2: client.send(std::string("\x00\xFF\x16\x03 garbage\r\n\r\n", 16)); break;
      case 3: client.send(request_text("GET", "/open")); break;
      case 4: client.send("POST /echo HTTP/1.1\r\ncontent-length: 500000\r\n\r\nhalf"); break;
      default: break;
    }
    if (i % 2 == 0) client.vanish();
  }
  EXPECT_TRUE(fixture.wait_for([&] { return fixture.server().figures().accepted == 300; }));
  EXPECT_TRUE(fixture.wait_for([&] { return fixture.server().figures().open == 0; }));
}

TEST(HttpServer, WhatCannotBeListenedToIsAnInputError) {
  HttpFixture fixture;
  HttpConfig taken = config_for_tests();
  taken.port = fixture.port();
  EXPECT_THROW(HttpFixture{taken}, InputError);
  HttpConfig nowhere = config_for_tests();
  nowhere.host = "203.0.113.7";
  EXPECT_THROW(HttpFixture{nowhere}, InputError);
  HttpConfig no_host = config_for_tests();
  no_host.host = "no such host";
  EXPECT_THROW(HttpFixture{no_host}, InputError);
}

TEST(HttpServer, ListensOnIpv6Too) {
  HttpConfig config = config_for_tests();
  config.host = "::1";
  try {
    HttpFixture fixture(config);
    EXPECT_GT(fixture.port(), 0);
  } catch (const InputError&) {
    GTEST_SKIP() << "this machine has no IPv6";
  }
}

}  // namespace
}  // namespace fathom::server
