#include "fathom/api/token_logprobs.h"

#include <gtest/gtest.h>

#include <limits>

namespace fathom::api {
namespace {

TEST(TokenLogprobs, WhatJsonCannotSayIsVeryUnlikely) {
  const double infinity = std::numeric_limits<double>::infinity();
  EXPECT_EQ(told_logprob(-1.25), -1.25);
  EXPECT_EQ(told_logprob(0.0), 0.0);
  for (const double value : {-infinity, infinity, -10000.0, std::numeric_limits<double>::quiet_NaN()})
    EXPECT_EQ(told_logprob(value), -9999.0);
}

TEST(TokenLogprobs, TokensWithTheirBytes) {
  EXPECT_EQ(token_json({.bytes = "a\"", .logprob = -0.25, .top = {}}),
            R"({"token":"a\"","logprob":-0.25,"bytes":[97,34],"top_logprobs":[]})");
  EXPECT_EQ(
      token_json({.bytes = "\xe6\xb1", .logprob = 0.0, .top = {{.bytes = "", .logprob = -1e300}}}),
      R"({"token":"�","logprob":0.0,"bytes":[230,177],"top_logprobs":[{"token":"","logprob":-9999.0,"bytes":[]}]})");
}

TEST(TokenLogprobs, OffsetsCountCharacters) {
  CompletionLogprobs logprobs("für ");
  EXPECT_TRUE(logprobs.empty());
  logprobs.add(
      {.bytes = "汉", .logprob = -1.0, .top = {{.bytes = "汉", .logprob = -1.0}, {.bytes = "x", .logprob = -2.0}}});
  logprobs.add({.bytes = "\xf0\x9f", .logprob = -0.5, .top = {{.bytes = "y", .logprob = -0.25}}});
  EXPECT_FALSE(logprobs.empty());
  EXPECT_EQ(logprobs.take(), R"({"text_offset":[4,5],"token_logprobs":[-1.0,-0.5],"tokens":["汉","bytes:\\xf0\\x9f"],)"
                             R"("top_logprobs":[{"汉":-1.0,"x":-2.0},{"y":-0.25,"bytes:\\xf0\\x9f":-0.5}]})");
  EXPECT_TRUE(logprobs.empty());
  logprobs.add({.bytes = "\x99\x82", .logprob = -0.5, .top = {}});
  logprobs.add({.bytes = "!", .logprob = -0.5, .top = {}});
  EXPECT_EQ(logprobs.take(), R"({"text_offset":[5,6],"token_logprobs":[-0.5,-0.5],"tokens":["bytes:\\x99\\x82","!"],)"
                             R"("top_logprobs":[{},{}]})");
  EXPECT_EQ(logprobs.take(), R"({"text_offset":[],"token_logprobs":[],"tokens":[],"top_logprobs":[]})");
}

}  // namespace
}  // namespace fathom::api
