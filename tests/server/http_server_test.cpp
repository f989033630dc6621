#include "fathom/server/http_server.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <future>
#include <mutex>
#include <set>
#include <thread>

#include "fathom/base/error.h"
#include "tests/server/http_client_support.h"

namespace fathom::server {
namespace {

using namespace std::chrono_literals;
using fathom::testing::ask;
using fathom::testing::HttpClient;
using fathom::testing::ReceivedAnswer;
using fathom::testing::request_text;

constexpr auto kPatience = 20s;

HttpConfig config_for_tests() {
  HttpConfig config;
  config.port = 0;
  config.limits = {.header_bytes = 4096, .body_bytes = 1 << 20};
  return config;
}

// /echo gives the body back; /stream?N writes N pieces from another thread; /wait answers when let go.
class Fixture {
 public:
  explicit Fixture(const HttpConfig& config = config_for_tests())
      : server_(config, {.handler = [this](std::shared_ptr<Exchange> exchange) { handle(exchange); },
                         .fault =
                             [](const HttpFault& fault, const HttpRequest& request) {
                               EXPECT_EQ(request.trace_id.size(), 32U);
                               return HttpResponse{.status = fault.status, .headers = {}, .body = fault.message};
                             },
                         .on_token_written = [this](double) { ++written_; },
                         .on_internal_error =
                             [this](std::string_view what) {
                               const std::scoped_lock lock(mutex_);
                               internal_error_ = what;
                             }}) {}
  ~Fixture() {
    server_.close();
    for (std::thread& thread : threads_) thread.join();
  }

  int port() const { return server_.port(); }
  HttpServer& server() { return server_; }
  std::string internal_error() {
    const std::scoped_lock lock(mutex_);
    return internal_error_;
  }
  int gone() const { return gone_; }
  int written() const { return written_; }
  bool wait_for_gone(int count) {
    return wait_for([&] { return gone_ >= count; });
  }
  template <typename Condition>
  bool wait_for(Condition condition) {
    const auto until = Clock::now() + kPatience;
    while (!condition() && Clock::now() < until) std::this_thread::sleep_for(1ms);
    return condition();
  }

 private:
  void handle(const std::shared_ptr<Exchange>& exchange) {
    const std::string path = exchange->request().path();
    exchange->on_gone([this] { ++gone_; });
    if (path == "/echo") {
      const ReceivedBody body = exchange->take_body();
      exchange->respond({.status = 200, .headers = {{"content-type", "text/plain"}}, .body = body.bytes});
    } else if (path == "/stream") {
      const int pieces = std::stoi(exchange->request().target.substr(8));
      exchange->begin(200, {{"content-type", "text/event-stream"}});
      const std::scoped_lock lock(mutex_);
      threads_.emplace_back([exchange, pieces] {
        for (int i = 0; i < pieces; ++i)
          exchange->post([exchange, i] { exchange->write("data: " + std::to_string(i) + "\n\n", Clock::now()); });
        exchange->post([exchange] { exchange->end(); });
      });
    } else if (path == "/flood") {
      exchange->begin(200, {});
      for (int i = 0; i < 64; ++i) exchange->write(std::string(1 << 20, 'x'));
    } else if (path == "/large") {
      exchange->respond({.status = 200, .headers = {}, .body = std::string(32 << 20, 'x')});
    } else if (path == "/alarm") {
      exchange->begin(200, {});
      exchange->alarm(Clock::now() + 1ms, [exchange] {
        exchange->write("first");
        exchange->alarm(Clock::now() + 1ms, [exchange] {
          exchange->write(" second");
          exchange->end();
          exchange->write(" never");
          exchange->end();
          exchange->respond({.status = 500, .headers = {}, .body = ""});
        });
      });
    } else if (path == "/throw") {
      throw InternalError("a promise was broken");
    } else if (path == "/open") {
      exchange->begin(200, {});
      exchange->write("begun");
    } else if (path == "/silent") {
    } else {
      exchange->respond({.status = 404, .headers = {}, .body = exchange->request().method + " " + path});
    }
  }

  std::atomic<int> gone_{0};
  std::atomic<int> written_{0};
  std::mutex mutex_;
  std::string internal_error_;
  std::vector<std::thread> threads_;
  HttpServer server_;
};

TEST(HttpServer, AnswersWithItsHeadersAndATraceId) {
  Fixture fixture;
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
  Fixture fixture;
  HttpClient client(fixture.port());
  for (int i = 0; i < 50; ++i) {
    client.send(request_text("POST", "/echo", std::string(static_cast<std::size_t>(i * 997), 'a')));
    EXPECT_EQ(client.read_answer().body.size(), static_cast<std::size_t>(i * 997));
  }
  EXPECT_EQ(fixture.server().figures().accepted, 1);
}

TEST(HttpServer, PipelinedRequestsAreAnsweredInOrder) {
  Fixture fixture;
  HttpClient client(fixture.port());
  std::string all;
  for (int i = 0; i < 100; ++i) all += request_text("POST", i % 7 == 3 ? "/stream?5" : "/echo", std::to_string(i));
  client.send(all);
  for (int i = 0; i < 100; ++i) {
    const ReceivedAnswer answer = client.read_answer();
    EXPECT_EQ(answer.body, i % 7 == 3 ? "data: 0\n\ndata: 1\n\ndata: 2\n\ndata: 3\n\ndata: 4\n\n" : std::to_string(i));
  }
}

// More than is read ahead while an answer is under way.
TEST(HttpServer, PipelinedBytesBeyondTheReadAheadWaitAndAreNotLost) {
  Fixture fixture;
  HttpClient client(fixture.port());
  const std::string large(300 << 10, 'b');
  client.send(request_text("POST", "/stream?2000"));
  std::thread sender([&] { client.send(request_text("POST", "/echo", large)); });
  EXPECT_TRUE(client.read_answer().whole);
  sender.join();
  EXPECT_EQ(client.read_answer().body, large);
}

TEST(HttpServer, AStreamComesInChunksAndWhole) {
  Fixture fixture;
  const ReceivedAnswer answer = ask(fixture.port(), "GET", "/stream?3000");
  EXPECT_TRUE(answer.whole);
  EXPECT_EQ(answer.header("transfer-encoding"), "chunked");
  EXPECT_TRUE(answer.body.ends_with("data: 2998\n\ndata: 2999\n\n"));
  EXPECT_TRUE(fixture.wait_for([&] { return fixture.written() > 0; }));
}

TEST(HttpServer, AnHttp10ClientGetsAStreamThatEndsWithTheConnection) {
  Fixture fixture;
  HttpClient client(fixture.port());
  client.send("GET /stream?3 HTTP/1.0\r\nconnection: keep-alive\r\n\r\n");
  const ReceivedAnswer answer = client.read_answer();
  EXPECT_EQ(answer.header("transfer-encoding"), "");
  EXPECT_EQ(answer.header("connection"), "close");
  EXPECT_EQ(answer.body, "data: 0\n\ndata: 1\n\ndata: 2\n\n");
}

TEST(HttpServer, HeadHasTheLengthAndNoBody) {
  Fixture fixture;
  HttpClient client(fixture.port());
  client.send(request_text("HEAD", "/nothing") + request_text("GET", "/nothing"));
  const ReceivedAnswer head = client.read_answer(true);
  EXPECT_EQ(head.header("content-length"), "13");
  EXPECT_EQ(client.read_answer().body, "GET /nothing");
}

TEST(HttpServer, ConnectionCloseIsObeyed) {
  Fixture fixture;
  HttpClient client(fixture.port());
  client.send(request_text("GET", "/nothing", "", {{"connection", "close"}}));
  EXPECT_EQ(client.read_answer().header("connection"), "close");
  EXPECT_TRUE(client.closed_by_server());
}

TEST(HttpServer, AnAlarmRingsOnceAndWhatComesAfterTheEndIsNothing) {
  Fixture fixture;
  HttpClient client(fixture.port());
  client.send(request_text("GET", "/alarm") + request_text("GET", "/nothing"));
  EXPECT_EQ(client.read_answer().body, "first second");
  EXPECT_EQ(client.read_answer().status, 404);
}

TEST(HttpServer, AHandlersFaultIsA500AndTheServerLives) {
  Fixture fixture;
  const ReceivedAnswer answer = ask(fixture.port(), "GET", "/throw");
  EXPECT_EQ(answer.status, 500);
  EXPECT_EQ(answer.body.find("a promise was broken"), std::string::npos) << "that is for the log";
  EXPECT_EQ(fixture.internal_error(), "a promise was broken");
  EXPECT_EQ(ask(fixture.port(), "POST", "/echo", "x").body, "x");
}

TEST(HttpServer, AFaultIsAnsweredBeforeTheConnectionEndsAlsoToOneWhoStillSends) {
  Fixture fixture;
  HttpClient client(fixture.port());
  const std::string large(8 << 20, 'x');
  std::thread sender([&] { client.try_send(request_text("POST", "/echo", large)); });
  const ReceivedAnswer answer = client.read_answer();
  EXPECT_EQ(answer.status, 413);
  EXPECT_NE(answer.body.find("8388608"), std::string::npos) << answer.body;
  EXPECT_NE(answer.body.find("1048576"), std::string::npos) << answer.body;
  EXPECT_EQ(answer.header("connection"), "close");
  sender.join();
}

TEST(HttpServer, AClientIsToldToContinueOrWhyNot) {
  Fixture fixture;
  HttpClient client(fixture.port());
  client.send("POST /echo HTTP/1.1\r\nexpect: 100-continue\r\ncontent-length: 3\r\n\r\n");
  EXPECT_EQ(client.read_answer().status, 100);
  client.send("abc");
  EXPECT_EQ(client.read_answer().body, "abc");
  client.send("POST /echo HTTP/1.1\r\nexpect: 100-continue\r\ncontent-length: 3000000\r\n\r\n");
  EXPECT_EQ(client.read_answer().status, 413);
}

TEST(HttpServer, AClientThatGoesEndsItsAnswer) {
  Fixture fixture;
  {
    HttpClient client(fixture.port());
    client.send(request_text("GET", "/open"));
    client.read_until("begun");
  }
  EXPECT_TRUE(fixture.wait_for_gone(1));
  HttpClient client(fixture.port());
  client.send(request_text("GET", "/open"));
  client.read_until("begun");
  client.vanish();
  EXPECT_TRUE(fixture.wait_for_gone(2));
  HttpClient silent(fixture.port());
  silent.send(request_text("GET", "/silent"));
  silent.half_close();
  EXPECT_TRUE(fixture.wait_for_gone(3)) << "who hangs up waits for nothing";
  EXPECT_TRUE(silent.closed_by_server());
}

TEST(HttpServer, AClientThatDoesNotReadIsCutOff) {
  HttpConfig config = config_for_tests();
  config.outbox_bytes = 2 << 20;
  Fixture fixture(config);
  HttpClient client(fixture.port(), 4096);
  client.send(request_text("GET", "/flood"));
  EXPECT_TRUE(fixture.wait_for_gone(1)) << "beyond its outbox";
  EXPECT_EQ(fixture.server().figures().cut_off, 1);
}

TEST(HttpServer, AClientThatStopsReadingIsCutOffAfterAWhile) {
  HttpConfig config = config_for_tests();
  config.stall_timeout = 50ms;
  Fixture fixture(config);
  HttpClient client(fixture.port(), 4096);
  client.send(request_text("GET", "/large"));
  EXPECT_TRUE(fixture.wait_for([&] { return fixture.server().figures().cut_off == 1; }));
  EXPECT_FALSE(client.read_answer().whole);
}

TEST(HttpServer, AWholeAnswerMayBeLargerThanTheOutbox) {
  Fixture fixture;
  EXPECT_EQ(ask(fixture.port(), "GET", "/large").body.size(), std::size_t{32} << 20);
}

TEST(HttpServer, SlowHeadersAndBodiesHaveTheirTime) {
  HttpConfig config = config_for_tests();
  config.header_timeout = 50ms;
  config.stall_timeout = 50ms;
  Fixture fixture(config);
  HttpClient slow_head(fixture.port());
  slow_head.send("GET / HT");
  EXPECT_EQ(slow_head.read_answer().status, 408);
  HttpClient slow_body(fixture.port());
  slow_body.send("POST /echo HTTP/1.1\r\ncontent-length: 10\r\n\r\nhalf");
  EXPECT_EQ(slow_body.read_answer().status, 408);
}

// Each byte comes in time, the whole does not.
TEST(HttpServer, DripsDoNotExtendTheTime) {
  HttpConfig config = config_for_tests();
  config.header_timeout = 100ms;
  config.body_timeout = 100ms;
  Fixture fixture(config);
  for (const std::string begin : {"GET / HTTP/1.1\r\na: ", "POST /echo HTTP/1.1\r\ncontent-length: 100000\r\n\r\n"}) {
    HttpClient client(fixture.port());
    client.send(begin);
    std::atomic<bool> over = false;
    std::thread dripping([&] {
      while (!over && client.try_send("x")) std::this_thread::sleep_for(2ms);
    });
    EXPECT_EQ(client.read_answer().status, 408);
    over = true;
    dripping.join();
  }
}

TEST(HttpServer, AnIdleConnectionEndsWithoutAWord) {
  HttpConfig config = config_for_tests();
  config.idle_timeout = 20ms;
  Fixture fixture(config);
  HttpClient never(fixture.port());
  EXPECT_TRUE(never.closed_by_server());
  HttpClient once(fixture.port());
  once.send(request_text("POST", "/echo", "x"));
  EXPECT_EQ(once.read_answer().body, "x");
  EXPECT_TRUE(once.closed_by_server());
}

TEST(HttpServer, TooManyConnectionsAreToldSo) {
  HttpConfig config = config_for_tests();
  config.connections = 2;
  Fixture fixture(config);
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
  Fixture fixture(config);
  const std::string part(60'000, 'x');
  HttpClient first(fixture.port());
  first.send("POST /echo HTTP/1.1\r\ncontent-length: 60001\r\n\r\n" + part);
  EXPECT_TRUE(fixture.wait_for([&] { return fixture.server().figures().bytes_in > std::ssize(part); }));
  EXPECT_EQ(ask(fixture.port(), "POST", "/echo", part).status, 503);
  first.send("x");
  EXPECT_EQ(first.read_answer().body.size(), 60'001U);
  EXPECT_EQ(ask(fixture.port(), "POST", "/echo", part).status, 200) << "the room is given back";
}

TEST(HttpServer, DrainLetsRunningAnswersEndAndTakesNobodyNew) {
  Fixture fixture;
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
  EXPECT_TRUE(fixture.server().wait_until_closed(kPatience));
  EXPECT_EQ(fixture.gone(), 1);
}

TEST(HttpServer, SixtyFourStreamsAtOnce) {
  Fixture fixture;
  std::vector<std::future<ReceivedAnswer>> answers;
  for (int i = 0; i < 64; ++i)
    answers.push_back(std::async(std::launch::async, [&] { return ask(fixture.port(), "GET", "/stream?500"); }));
  for (auto& answer : answers) EXPECT_TRUE(answer.get().body.ends_with("data: 499\n\n"));
}

TEST(HttpServer, ClientsThatComeAndGoLeaveNothing) {
  Fixture fixture;
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
  Fixture fixture;
  HttpConfig taken = config_for_tests();
  taken.port = fixture.port();
  EXPECT_THROW(Fixture{taken}, InputError);
  HttpConfig nowhere = config_for_tests();
  nowhere.host = "203.0.113.7";
  EXPECT_THROW(Fixture{nowhere}, InputError);
  HttpConfig no_host = config_for_tests();
  no_host.host = "no such host";
  EXPECT_THROW(Fixture{no_host}, InputError);
}

TEST(HttpServer, ListensOnIpv6Too) {
  HttpConfig config = config_for_tests();
  config.host = "::1";
  try {
    Fixture fixture(config);
    EXPECT_GT(fixture.port(), 0);
  } catch (const InputError&) {
    GTEST_SKIP() << "this machine has no IPv6";
  }
}

}  // namespace
}  // namespace fathom::server
