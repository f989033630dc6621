#include "fathom/server/request_parser.h"

#include <gtest/gtest.h>

#include <random>

namespace fathom::server {
namespace {

constexpr RequestLimits kLimits{.header_bytes = 1024, .body_bytes = 4096};

// Every request in the bytes, cut into pieces of `size`, as a connection would feed them.
std::vector<HttpRequest> parse(std::string_view bytes, std::size_t size = std::string_view::npos,
                               const RequestLimits& limits = kLimits) {
  RequestParser parser(limits);
  std::vector<HttpRequest> requests;
  std::string input;
  while (true) {
    const std::size_t used = parser.feed(input);
    input.erase(0, used);
    if (parser.done()) {
      requests.push_back(parser.take());
    } else if (bytes.empty()) {
      return requests;
    } else {
      const std::size_t more = std::min(size, bytes.size());
      input += bytes.substr(0, more);
      bytes.remove_prefix(more);
    }
  }
}

int status_of(std::string_view bytes, std::string* message = nullptr) {
  try {
    parse(bytes);
  } catch (const HttpFault& fault) {
    if (message != nullptr) *message = fault.message;
    return fault.status;
  }
  return 0;
}

const std::string kTwoAndAHalf =
    "POST /a?b HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nX-Empty:\r\n\r\nhello"
    "POST /c HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n5;ext=1\r\ndefgh\r\n0\r\nTrailer: t\r\n\r\n"
    "\r\n\r\nGET /d HTTP/1.0\r\n\r\n"
    "GET /half HT";

TEST(RequestParser, ReadsRequestsWhereverTheyAreCut) {
  for (std::size_t size = 1; size < 80; ++size) {
    const auto requests = parse(kTwoAndAHalf, size);
    ASSERT_EQ(requests.size(), 3U) << size;
    EXPECT_EQ(requests[0].method, "POST");
    EXPECT_EQ(requests[0].target, "/a?b");
    EXPECT_EQ(requests[0].body, "hello");
    EXPECT_EQ(requests[0].header("host"), "x");
    EXPECT_TRUE(requests[0].keep_alive);
    EXPECT_EQ(requests[1].body, "abcdefgh") << size;
    EXPECT_EQ(requests[2].target, "/d");
    EXPECT_EQ(requests[2].minor, 0);
    EXPECT_FALSE(requests[2].keep_alive) << "HTTP/1.0 ends unless it asks to go on";
  }
}

TEST(RequestParser, KeepAliveIsAsTheClientSays) {
  EXPECT_FALSE(parse("GET / HTTP/1.1\r\nConnection: close\r\n\r\n")[0].keep_alive);
  EXPECT_TRUE(parse("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")[0].keep_alive);
}

TEST(RequestParser, ABodyMayBeAsLongAsTheLimitAndNotLonger) {
  const auto request = [](std::size_t bytes) {
    return "POST / HTTP/1.1\r\nContent-Length: " + std::to_string(bytes) + "\r\n\r\n" + std::string(bytes, 'x');
  };
  EXPECT_EQ(parse(request(4096))[0].body.size(), 4096U);
  std::string message;
  EXPECT_EQ(status_of(request(4097), &message), 413);
  EXPECT_NE(message.find("4097"), std::string::npos) << message;
  EXPECT_NE(message.find("4096"), std::string::npos) << message;
}

TEST(RequestParser, ALengthThatCannotBeIsRefusedBeforeRoomIsMade) {
  EXPECT_EQ(status_of("POST / HTTP/1.1\r\nContent-Length: 999999999999999999\r\n\r\n"), 413);
  EXPECT_EQ(status_of("POST / HTTP/1.1\r\nContent-Length: 99999999999999999999999\r\n\r\n"), 400);
  EXPECT_EQ(status_of("POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n"), 400);
  EXPECT_EQ(status_of("POST / HTTP/1.1\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!"), 400);
}

TEST(RequestParser, ChunksTogetherObeyTheLimit) {
  std::string request = "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n";
  for (int i = 0; i < 5; ++i) request += "400\r\n" + std::string(1024, 'x') + "\r\n";
  std::string message;
  EXPECT_EQ(status_of(request, &message), 413);
  EXPECT_NE(message.find("4096"), std::string::npos) << message;
  EXPECT_EQ(status_of("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n"), 0)
      << "a chunk's size is a promise, not yet bytes";
  EXPECT_EQ(status_of("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n"), 400);
}

TEST(RequestParser, TwoWaysToSayTheLengthAreRefused) {
  EXPECT_EQ(status_of("POST / HTTP/1.1\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"), 400);
  EXPECT_EQ(status_of("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n"), 400);
}

TEST(RequestParser, HeadersObeyTheirLimit) {
  EXPECT_EQ(status_of("GET / HTTP/1.1\r\nA: " + std::string(2000, 'x') + "\r\n\r\n"), 431);
  EXPECT_EQ(status_of("GET /" + std::string(2000, 'x') + " HTTP/1.1\r\n\r\n"), 431);
  EXPECT_EQ(status_of("GET /" + std::string(2000, 'x')), 431) << "before the line has ended";
}

TEST(RequestParser, WhatIsNoHttpIsA400) {
  for (const std::string& bytes :
       {std::string("\x16\x03\x01\x02\x00\x01\x00", 7), std::string("hello\r\n\r\n"), std::string("GET /\r\n\r\n"),
        std::string("GET / HTTP/2.0\r\n\r\n"), std::string("GET / HTTP/1.1\r\nno colon\r\n\r\n"),
        std::string("GET / HTTP/1.1\nHost: x\n\n"), std::string("G\x00T / HTTP/1.1\r\n\r\n", 18),
        std::string("GET / HTTP/1.1\r\nA: b\x01\r\n\r\n")})
    EXPECT_EQ(status_of(bytes), 400) << bytes;
}

TEST(RequestParser, WhatWeCannotReadIsNamed) {
  EXPECT_EQ(status_of("POST / HTTP/1.1\r\nContent-Encoding: gzip\r\nContent-Length: 1\r\n\r\nx"), 415);
  EXPECT_EQ(status_of("POST / HTTP/1.1\r\nContent-Encoding: identity\r\nContent-Length: 1\r\n\r\nx"), 0);
  EXPECT_EQ(status_of("POST / HTTP/1.1\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"), 501);
  EXPECT_EQ(status_of("POST / HTTP/1.1\r\nExpect: a-cake\r\nContent-Length: 1\r\n\r\nx"), 417);
}

TEST(RequestParser, AClientThatWaitsToBeToldToContinueIsToldOnce) {
  RequestParser parser(kLimits);
  const std::string head = "POST / HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n";
  EXPECT_EQ(parser.feed(head), head.size());
  EXPECT_TRUE(parser.head_done());
  EXPECT_FALSE(parser.done());
  EXPECT_TRUE(parser.take_continue());
  EXPECT_FALSE(parser.take_continue());
  EXPECT_EQ(parser.feed("abc"), 3U);
  EXPECT_TRUE(parser.done());
  EXPECT_EQ(parser.take().body, "abc");
  EXPECT_FALSE(parser.begun());

  parser.feed(head + "abc");
  EXPECT_TRUE(parser.done()) << "who sends at once waits for nothing";
}

// Whatever comes: requests or a fault, and never more bytes used than there were.
TEST(RequestParser, GarbageEndsInAFaultOrInRequests) {
  std::mt19937 random(7);
  for (int round = 0; round < 3000; ++round) {
    std::string bytes = kTwoAndAHalf;
    for (int change = 0; change < 1 + round % 4; ++change) {
      const std::size_t place = random() % bytes.size();
      switch (random() % 3) {
        case 0: bytes[place] = static_cast<char>(random()); break;
        case 1: bytes.erase(place, random() % 20); break;
        default: bytes.insert(place, std::string(random() % 9, static_cast<char>(random())));
      }
    }
    try {
      EXPECT_LE(parse(bytes, 1 + random() % 50).size(), 12U);
    } catch (const HttpFault& fault) {
      EXPECT_GE(fault.status, 400);
      EXPECT_FALSE(fault.message.empty());
    }
  }
}

}  // namespace
}  // namespace fathom::server
