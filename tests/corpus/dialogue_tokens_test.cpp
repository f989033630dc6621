#include "fathom/corpus/dialogue_tokens.h"

#include <gtest/gtest.h>

#include <fstream>

#include "fathom/chat/message_json.h"
#include "fathom/chat/prompt.h"
#include "tests/base/file_support.h"

namespace fathom {
namespace {

// The text with what is to be learned between ⟦ and ⟧.
std::string marked(std::string_view json) {
  static const Tokenizer tokenizer = Tokenizer::load(FATHOM_SOURCE "/models/sprat/tokenizer.json");
  const ChatRequest request = read_chat_request(json, "test");
  const DialogueTokens tokens = dialogue_tokens(request, tokenizer, "here");
  EXPECT_EQ(tokens.ids, tokenizer.encode(render_prompt(request.messages, request.options)));
  std::string text;
  bool inside = false;
  for (std::size_t token = 0; token < tokens.ids.size(); ++token) {
    if ((tokens.loss[token] != 0) != inside) text += inside ? "⟧" : "⟦";
    inside = tokens.loss[token] != 0;
    text += tokenizer.piece(tokens.ids[token]);
  }
  return text + (inside ? "⟧" : "");
}

TEST(DialogueTokens, LearnsTheAnswer) {
  EXPECT_EQ(marked(R"({"messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hi"},
                      {"role": "assistant", "content": "Hello!"}], "thinking_mode": "chat"})"),
            "<｜begin▁of▁sentence｜>Be brief.<｜User｜>Hi<｜Assistant｜></think>⟦Hello!<｜end▁of▁sentence｜>⟧");
}

TEST(DialogueTokens, LearnsTheReasoningAndItsEnd) {
  EXPECT_EQ(marked(R"({"messages": [{"role": "user", "content": "1+1?"},
                      {"role": "assistant", "reasoning_content": "Easy.", "content": "2"}]})"),
            "<｜begin▁of▁sentence｜><｜User｜>1+1?<｜Assistant｜><think>⟦Easy.</think>2<｜end▁of▁sentence｜>⟧");
}

TEST(DialogueTokens, LearnsCallsAndNoResults) {
  EXPECT_EQ(marked(R"({"messages": [{"role": "user", "content": "Look"},
                      {"role": "assistant", "content": "", "tool_calls": [{"type": "function", "id": "1",
                       "function": {"name": "look", "arguments": "{\"far\": true}"}}]},
                      {"role": "tool", "tool_call_id": "1", "content": "Sea"},
                      {"role": "assistant", "content": "The sea."}], "thinking_mode": "chat"})"),
            "<｜begin▁of▁sentence｜><｜User｜>Look<｜Assistant｜></think>⟦\n\n<｜DSML｜tool_calls>\n<｜DSML｜invoke "
            "name=\"look\">\n"
            "<｜DSML｜parameter name=\"far\" string=\"false\">true</｜DSML｜parameter>\n</｜DSML｜invoke>\n"
            "</｜DSML｜tool_calls><｜end▁of▁sentence｜>⟧<｜User｜><tool_result>Sea</tool_result><｜Assistant｜></think>"
            "⟦The sea.<｜end▁of▁sentence｜>⟧");
}

TEST(DialogueTokens, LearnsEveryTurnAsThePromptHasIt) {
  // The first answer's reasoning has left the prompt.
  EXPECT_EQ(marked(R"([{"role": "user", "content": "a"},
                       {"role": "assistant", "reasoning_content": "r", "content": "b"},
                       {"role": "user", "content": "c"},
                       {"role": "assistant", "reasoning_content": "s", "content": "d"}])"),
            "<｜begin▁of▁sentence｜><｜User｜>a<｜Assistant｜></"
            "think>⟦b<｜end▁of▁sentence｜>⟧<｜User｜>c<｜Assistant｜><think>"
            "⟦s</think>d<｜end▁of▁sentence｜>⟧");
}

TEST(DialogueTokens, LearnsTheAnswerToATask) {
  EXPECT_EQ(marked(R"({"messages": [{"role": "user", "content": "long", "task": "title"},
                      {"role": "assistant", "content": "Short"}], "thinking_mode": "chat"})"),
            "<｜begin▁of▁sentence｜><｜User｜>long<｜title｜>⟦Short<｜end▁of▁sentence｜>⟧");
}

TEST(DialogueTokens, RefusesWhatCannotBeLearned) {
  EXPECT_EQ(testing::error_of([] { marked(R"([{"role": "user", "content": "a"}])"); }),
            "[dialogues] here: 0 assistant messages, expected at least 1");
  const std::string error = testing::error_of([] {
    marked(R"({"messages": [{"role": "system", "content": "h"}, {"role": "assistant", "content": "e"}],
               "thinking_mode": "chat"})");
  });
  EXPECT_NE(error.find("lies half in what the assistant wrote"), std::string::npos) << error;
}

// Every assistant message is what its prefix of the dialogue adds to the one before, on the released encoder's cases.
TEST(DialogueTokens, EqualsWhatEachMessageAdds) {
  std::ifstream cases(FATHOM_TEST_DATA "/encoding/cases.jsonl");
  int answers = 0;
  for (std::string line; std::getline(cases, line);) {
    if (!line.starts_with("{\"messages\"")) continue;  // completions to parse
    ChatRequest request = read_chat_request(line, "case");
    request.options.drop_thinking = false;  // else the past changes with what follows
    const MarkedPrompt prompt = render_marked_prompt(request.messages, request.options);
    auto answer = prompt.answers.begin();
    for (std::size_t message = 0; message < request.messages.size(); ++message) {
      if (request.messages[message].role != Role::assistant) continue;
      const std::span<const ChatMessage> all(request.messages);
      const std::string before = render_prompt(all.first(message), request.options);
      const std::string after = render_prompt(all.first(message + 1), request.options);
      ASSERT_NE(answer, prompt.answers.end());
      const std::string found = prompt.text.substr(answer->begin, answer->end - answer->begin);
      ASSERT_EQ(after.substr(0, before.size()), before);
      ASSERT_EQ(found, after.substr(before.size()));
      ASSERT_EQ(prompt.text.substr(0, answer->begin), before);
      ++answer;
      ++answers;
    }
    ASSERT_EQ(answer, prompt.answers.end());
  }
  EXPECT_GT(answers, 100);
}

}  // namespace
}  // namespace fathom
