#include "fathom/server/finished_request.h"

#include <gtest/gtest.h>

namespace fathom::server {
namespace {

// A prompt of 100 tokens, 60 of them in the cache, of an answer that had 7 so far.
accounts::TokenCounts tokens_of(std::int64_t read, std::int64_t found, bool answered) {
  const Visitor visitor;
  const RequestRecord record;
  const api::Usage usage{
      .prompt_tokens = 100, .cached_tokens = answered ? 60 : 0, .completion_tokens = answered ? 7 : 0};
  return finished_request({.visitor = visitor,
                           .record = record,
                           .usage = usage,
                           .model = "deepseek-v4-flash",
                           .finish = "gone",
                           .read = read,
                           .found = found,
                           .answered = answered})
      .tokens;
}

TEST(FinishedRequest, AnUnfinishedPromptIsWhatWasReadAndWhatWasFoundOfIt) {
  const accounts::TokenCounts part = tokens_of(80, 60, false);
  EXPECT_EQ(part.hit, 60);
  EXPECT_EQ(part.miss, 20);
  EXPECT_EQ(part.output, 0);
  const accounts::TokenCounts nothing = tokens_of(0, 0, false);
  EXPECT_EQ(nothing.hit + nothing.miss, 0);
  EXPECT_EQ(tokens_of(120, 110, false).hit, 100) << "never more than the prompt";
}

TEST(FinishedRequest, AnAnswerIsWhatItsClientWasTold) {
  const accounts::TokenCounts whole = tokens_of(80, 10, true);
  EXPECT_EQ(whole.hit, 60);
  EXPECT_EQ(whole.miss, 40);
  EXPECT_EQ(whole.output, 7);
}

}  // namespace
}  // namespace fathom::server
