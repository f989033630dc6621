#include "fathom/evaluation/shared_reading.h"

#include <gtest/gtest.h>

#include "tests/evaluation/evaluation_support.h"

namespace fathom::testing {
namespace {

std::string long_text(std::size_t sentences) {
  std::string text;
  for (std::size_t sentence = 0; sentence < sentences; ++sentence)
    text += "Sentence " + std::to_string(sentence * 37) + " speaks of the sea and of " + std::to_string(sentence) +
            " ships. ";
  return text;
}

std::vector<Question> questions(const AskedModel& asked, const std::vector<std::string>& prompts) {
  std::vector<Question> result;
  std::int64_t max_tokens = 5;
  for (const std::string& prompt : prompts)
    result.push_back({.prompt = asked.model().tokenizer.encode(prompt), .max_tokens = max_tokens++});
  return result;
}

void expect_the_same_as_asked(const AskedModel& asked, const std::vector<std::string>& prompts) {
  const auto shared = ask_on_one_text(asked.model(), questions(asked, prompts), [](std::int64_t) {});
  const auto plain = ask(asked.model(), questions(asked, prompts), [](std::int64_t) {});
  ASSERT_EQ(shared.size(), plain.size());
  for (std::size_t index = 0; index < plain.size(); ++index) {
    EXPECT_EQ(shared[index].text, plain[index].text) << index;
    EXPECT_EQ(shared[index].tokens, plain[index].tokens);
    EXPECT_EQ(shared[index].stopped, plain[index].stopped);
  }
}

// Lengths around the window of 128 tokens, blocks of compression and chunks of reading.
TEST(SharedReading, AnswersAreThoseOfWholePrompts) {
  const AskedModel asked(100);
  for (const std::size_t sentences : {1U, 7U, 40U}) {
    const std::string text = long_text(sentences);
    expect_the_same_as_asked(
        asked, {text + "Which ship?", text + "How many?", text + "Why, and where, and of what sea?", text + "Which?"});
  }
}

TEST(SharedReading, PromptsThatShareLittleOrAll) {
  const AskedModel asked;
  expect_the_same_as_asked(asked, {"one", "two"});
  expect_the_same_as_asked(asked, {"the same", "the same", "the same"});
  expect_the_same_as_asked(asked, {"alone here"});
  expect_the_same_as_asked(asked, {"ab", "ab and more", "ab and more of it"});
  expect_the_same_as_asked(asked, {});
}

TEST(SharedReading, AnswersEndWhereTheyEnd) {
  const AskedModel endless;
  const std::vector<std::string> prompts = {long_text(4) + "Which?", long_text(4) + "How many?"};
  const std::string said = ask(endless.model(), questions(endless, prompts), [](std::int64_t) {}).front().text;
  for (const std::int32_t token : endless.model().tokenizer.encode(said)) {
    const AskedModel asked(512, 64, token);
    expect_the_same_as_asked(asked, prompts);
  }
}

TEST(SharedReading, ProgressHearsOfTheSharedTokens) {
  const AskedModel asked(50);
  const std::string text = long_text(30);
  const auto all = std::ssize(asked.model().tokenizer.encode(text));
  std::int64_t last = 0;
  ask_on_one_text(asked.model(), questions(asked, {text + "a?", text + "b?"}), [&](std::int64_t read) {
    EXPECT_GT(read, last);
    last = read;
  });
  EXPECT_NEAR(static_cast<double>(last), static_cast<double>(all), 3.0);
}

}  // namespace
}  // namespace fathom::testing
