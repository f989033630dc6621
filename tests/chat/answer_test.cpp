#include "fathom/chat/answer.h"

#include <gtest/gtest.h>

#include <set>

namespace fathom {
namespace {

TEST(Answer, IsWrittenAsTheReleasedParsersMessage) {
  const Answer answer{
      .content = "c\"\n", .reasoning_content = "é", .calls = {{"f", "{\"a\": \"x\"}"}, {"g", "{}"}}, .faults = {}};
  EXPECT_EQ(write_answer(answer),
            R"({"role": "assistant", "content": "c\"\n", "reasoning_content": "é", "tool_calls": [)"
            R"({"type": "function", "function": {"name": "f", "arguments": "{\"a\": \"x\"}"}}, )"
            R"({"type": "function", "function": {"name": "g", "arguments": "{}"}}]})");
}

TEST(Answer, EveryFaultHasItsOwnWords) {
  std::set<std::string_view> words;
  const int last = static_cast<int>(AnswerFault::text_after_end);
  for (int fault = 0; fault <= last; ++fault) words.insert(describe(static_cast<AnswerFault>(fault)));
  EXPECT_EQ(words.size(), static_cast<std::size_t>(last) + 1);
}

}  // namespace
}  // namespace fathom
