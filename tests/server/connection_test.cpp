// What one connection does, seen from its client.
#include "fathom/server/connection.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

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

TEST(Connection, PipelinedRequestsAreAnsweredInOrder) {
  HttpFixture fixture;
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
TEST(Connection, PipelinedBytesBeyondTheReadAheadWaitAndAreNotLost) {
  HttpFixture fixture;
  HttpClient client(fixture.port());
  const std::string large(300 << 10, 'b');
  client.send(request_text("POST", "/stream?2000"));
  std::thread sender([&] { client.send(request_text("POST", "/echo", large)); });
  EXPECT_TRUE(client.read_answer().whole);
  sender.join();
  EXPECT_EQ(client.read_answer().body, large);
}

TEST(Connection, AStreamComesInChunksAndWhole) {
  HttpFixture fixture;
  const ReceivedAnswer answer = ask(fixture.port(), "GET", "/stream?3000");
  EXPECT_TRUE(answer.whole);
  EXPECT_EQ(answer.header("transfer-encoding"), "chunked");
  EXPECT_TRUE(answer.body.ends_with("data: 2998\n\ndata: 2999\n\n"));
  EXPECT_TRUE(fixture.wait_for([&] { return fixture.written() > 0; }));
}

TEST(Connection, AnHttp10ClientGetsAStreamThatEndsWithTheConnection) {
  HttpFixture fixture;
  HttpClient client(fixture.port());
  client.send("GET /stream?3 HTTP/1.0\r\nconnection: keep-alive\r\n\r\n");
  const ReceivedAnswer answer = client.read_answer();
  EXPECT_EQ(answer.header("transfer-encoding"), "");
  EXPECT_EQ(answer.header("connection"), "close");
  EXPECT_EQ(answer.body, "data: 0\n\ndata: 1\n\ndata: 2\n\n");
}

TEST(Connection, HeadHasTheLengthAndNoBody) {
  HttpFixture fixture;
  HttpClient client(fixture.port());
  client.send(request_text("HEAD", "/nothing") + request_text("GET", "/nothing"));
  const ReceivedAnswer head = client.read_answer(true);
  EXPECT_EQ(head.header("content-length"), "13");
  EXPECT_EQ(client.read_answer().body, "GET /nothing");
}

TEST(Connection, ConnectionCloseIsObeyed) {
  HttpFixture fixture;
  HttpClient client(fixture.port());
  client.send(request_text("GET", "/nothing", "", {{"connection", "close"}}));
  EXPECT_EQ(client.read_answer().header("connection"), "close");
  EXPECT_TRUE(client.closed_by_server());
}

TEST(Connection, AnAlarmRingsOnceAndWhatComesAfterTheEndIsNothing) {
  HttpFixture fixture;
  HttpClient client(fixture.port());
  client.send(request_text("GET", "/alarm") + request_text("GET", "/nothing"));
  EXPECT_EQ(client.read_answer().body, "first second");
  EXPECT_EQ(client.read_answer().status, 404);
}

TEST(Connection, AHandlersFaultIsA500AndTheServerLives) {
  HttpFixture fixture;
  const ReceivedAnswer answer = ask(fixture.port(), "GET", "/throw");
  EXPECT_EQ(answer.status, 500);
  EXPECT_EQ(answer.body.find("a promise was broken"), std::string::npos) << "that is for the log";
  EXPECT_EQ(fixture.internal_error(), "a promise was broken");
  EXPECT_EQ(ask(fixture.port(), "POST", "/echo", "x").body, "x");
}

TEST(Connection, AFaultIsAnsweredBeforeTheConnectionEndsAlsoToOneWhoStillSends) {
  HttpFixture fixture;
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

TEST(Connection, AClientIsToldToContinueOrWhyNot) {
  HttpFixture fixture;
  HttpClient client(fixture.port());
  client.send("POST /echo HTTP/1.1\r\nexpect: 100-continue\r\ncontent-length: 3\r\n\r\n");
  EXPECT_EQ(client.read_answer().status, 100);
  client.send("abc");
  EXPECT_EQ(client.read_answer().body, "abc");
  client.send("POST /echo HTTP/1.1\r\nexpect: 100-continue\r\ncontent-length: 3000000\r\n\r\n");
  EXPECT_EQ(client.read_answer().status, 413);
}

TEST(Connection, AClientThatGoesEndsItsAnswer) {
  HttpFixture fixture;
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

TEST(Connection, AClientThatDoesNotReadIsCutOff) {
  HttpConfig config = config_for_tests();
  config.outbox_bytes = 2 << 20;
  HttpFixture fixture(config);
  HttpClient client(fixture.port(), 4096);
  client.send(request_text("GET", "/flood"));
  EXPECT_TRUE(fixture.wait_for_gone(1)) << "beyond its outbox";
  EXPECT_EQ(fixture.server().figures().cut_off, 1);
}

TEST(Connection, AClientThatStopsReadingIsCutOffAfterAWhile) {
  HttpConfig config = config_for_tests();
  config.stall_timeout = 50ms;
  HttpFixture fixture(config);
  HttpClient client(fixture.port(), 4096);
  client.send(request_text("GET", "/large"));
  EXPECT_TRUE(fixture.wait_for([&] { return fixture.server().figures().cut_off == 1; }));
  EXPECT_FALSE(client.read_answer().whole);
}

TEST(Connection, AWholeAnswerMayBeLargerThanTheOutbox) {
  HttpFixture fixture;
  EXPECT_EQ(ask(fixture.port(), "GET", "/large").body.size(), std::size_t{32} << 20);
}

TEST(Connection, SlowHeadersAndBodiesHaveTheirTime) {
  HttpConfig config = config_for_tests();
  config.header_timeout = 50ms;
  config.stall_timeout = 50ms;
  HttpFixture fixture(config);
  HttpClient slow_head(fixture.port());
  slow_head.send("GET / HT");
  EXPECT_EQ(slow_head.read_answer().status, 408);
  HttpClient slow_body(fixture.port());
  slow_body.send("POST /echo HTTP/1.1\r\ncontent-length: 10\r\n\r\nhalf");
  EXPECT_EQ(slow_body.read_answer().status, 408);
}

// Each byte comes in time, the whole does not.
TEST(Connection, DripsDoNotExtendTheTime) {
  HttpConfig config = config_for_tests();
  config.header_timeout = 100ms;
  config.body_timeout = 100ms;
  HttpFixture fixture(config);
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

TEST(Connection, AnIdleConnectionEndsWithoutAWord) {
  HttpConfig config = config_for_tests();
  config.idle_timeout = 20ms;
  HttpFixture fixture(config);
  HttpClient never(fixture.port());
  EXPECT_TRUE(never.closed_by_server());
  HttpClient once(fixture.port());
  once.send(request_text("POST", "/echo", "x"));
  EXPECT_EQ(once.read_answer().body, "x");
  EXPECT_TRUE(once.closed_by_server());
}

}  // namespace
}  // namespace fathom::server
