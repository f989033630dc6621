#include "fathom/evaluation/asking.h"

#include <gtest/gtest.h>

#include "tests/evaluation/evaluation_support.h"

namespace fathom::testing {
namespace {

const std::vector<std::string> kTexts = {"In the beginning", "a", "The sea was calm, and the ship went on.", "1 2 3",
                                         "\n"};

std::vector<Question> questions(const AskedModel& asked, std::int64_t max_tokens) {
  std::vector<Question> result;
  for (const std::string& text : kTexts)
    result.push_back({.prompt = asked.model().tokenizer.encode(text), .max_tokens = max_tokens});
  return result;
}

// One after the other, straight from the engine.
std::vector<std::int32_t> greedy(const AskedModel& asked, const std::string& text, std::int64_t max_tokens) {
  Engine& engine = asked.model().engine;
  GenerationRequest request{.prompt = asked.model().tokenizer.encode(text), .sampling = {}};
  request.sampling.temperature = 0.0;
  request.sampling.max_tokens = max_tokens;
  engine.submit(request);
  std::vector<std::int32_t> tokens;
  while (!engine.idle())
    for (const TokenEvent& event : engine.step()) tokens.push_back(event.token.token);
  return tokens;
}

TEST(Asking, EachIsAnsweredAsIfItWereAlone) {
  const AskedModel asked;
  std::int64_t last = 0;
  const auto replies = ask(asked.model(), questions(asked, 12), [&](std::int64_t complete) {
    EXPECT_GE(complete, last);
    last = complete;
  });
  EXPECT_EQ(last, std::ssize(kTexts));
  ASSERT_EQ(replies.size(), kTexts.size());
  for (std::size_t index = 0; index < kTexts.size(); ++index) {
    StreamDecoder decoder(asked.model().tokenizer);
    std::string text;
    for (const std::int32_t token : greedy(asked, kTexts[index], 12)) text += decoder.push(token);
    text += decoder.finish();
    EXPECT_EQ(replies[index].text, text) << index;
    EXPECT_EQ(replies[index].tokens, 12);
    EXPECT_FALSE(replies[index].stopped);
  }
}

TEST(Asking, NeitherBatchNorCompanyMatters) {
  const AskedModel wide;
  const AskedModel narrow(3, 2);
  const auto one = ask(wide.model(), questions(wide, 9), [](std::int64_t) {});
  const auto other = ask(narrow.model(), questions(narrow, 9), [](std::int64_t) {});
  for (std::size_t index = 0; index < one.size(); ++index) EXPECT_EQ(one[index].text, other[index].text) << index;
}

TEST(Asking, TheEndOfSentenceEndsAnAnswerAndIsNotPartOfIt) {
  const AskedModel endless;
  const std::vector<std::int32_t> free = greedy(endless, kTexts[0], 12);
  const std::int32_t end = free[4];
  const auto length = std::find(free.begin(), free.end(), end) - free.begin();
  const AskedModel asked(512, 64, end);
  const Reply reply = ask(asked.model(), questions(asked, 12), [](std::int64_t) {}).front();
  EXPECT_TRUE(reply.stopped);
  EXPECT_EQ(reply.tokens, length + 1);
  EXPECT_EQ(
      reply.text,
      ask(endless.model(), questions(endless, std::max<std::int64_t>(length, 1)), [](std::int64_t) {}).front().text);
}

TEST(Asking, NoQuestionsNoReplies) {
  const AskedModel asked;
  EXPECT_TRUE(ask(asked.model(), {}, [](std::int64_t) {}).empty());
}

TEST(Asking, AFaultyQuestionLeavesNothingInTheEngine) {
  const AskedModel asked;
  auto faulty = questions(asked, 5);
  faulty.push_back({.prompt = {}, .max_tokens = 5});
  EXPECT_NE(error_of([&] { ask(asked.model(), faulty, [](std::int64_t) {}); }).find("no tokens"), std::string::npos);
  EXPECT_TRUE(asked.model().engine.idle());
}

}  // namespace
}  // namespace fathom::testing
