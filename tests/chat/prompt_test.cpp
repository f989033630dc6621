#include "fathom/chat/prompt.h"

#include <gtest/gtest.h>

#include "fathom/chat/message_json.h"
#include "tests/chat/chat_support.h"

namespace fathom {
namespace {

std::string prompt_of(std::string_view json) {
  const ChatRequest request = read_chat_request(json, "test");
  return render_prompt(request.messages, request.options);
}

const std::string kBos = "<｜begin▁of▁sentence｜>";
const std::string kEos = "<｜end▁of▁sentence｜>";

TEST(Prompt, EveryOracleCaseIsByteExact) {
  ASSERT_EQ(test::prompt_cases().size(), 160U);
  for (const test::PromptCase& each : test::prompt_cases()) ASSERT_EQ(prompt_of(each.request), each.prompt);
}

TEST(Prompt, PublishedCasesAreByteExact) {
  for (const auto& [number, mode] : {std::pair(1, "thinking"), {2, "thinking"}, {3, "thinking"}, {4, "chat"}}) {
    const std::string name = "encoding/test_input_" + std::to_string(number) + ".json";
    ChatRequest request = read_chat_request(test::read_test_file(name), name);
    request.options.thinking_mode = std::string(mode) == "chat" ? ThinkingMode::chat : ThinkingMode::thinking;
    EXPECT_EQ(render_prompt(request.messages, request.options),
              test::read_test_file("encoding/test_output_" + std::to_string(number) + ".txt"))
        << number;
  }
}

TEST(Prompt, NoMessagesIsTheBeginningOfSentenceAlone) {
  EXPECT_EQ(prompt_of("[]"), kBos);
  EXPECT_EQ(prompt_of(R"({"messages": [], "reasoning_effort": "max"})"), kBos);
}

TEST(Prompt, BeginningOfSentenceCanBeLeftOut) {
  ChatRequest request = read_chat_request(R"([{"role": "user", "content": "a"}])", "test");
  request.options.begin_of_sentence = false;
  EXPECT_EQ(render_prompt(request.messages, request.options), "<｜User｜>a<｜Assistant｜><think>");
}

TEST(Prompt, MarksWhatTheAssistantWrote) {
  const ChatRequest request = read_chat_request(
      R"([{"role": "user", "content": "a"}, {"role": "assistant", "reasoning_content": "r", "content": "b"},
          {"role": "user", "content": "c"}, {"role": "assistant", "content": "d", "wo_eos": true}])",
      "test");
  const MarkedPrompt prompt = render_marked_prompt(request.messages, request.options);
  EXPECT_EQ(prompt.text, render_prompt(request.messages, request.options));
  std::vector<std::string> answers;
  for (const PromptAnswer& answer : prompt.answers)
    answers.push_back(prompt.text.substr(answer.begin, answer.end - answer.begin));
  EXPECT_EQ(answers, (std::vector<std::string>{"b<｜end▁of▁sentence｜>", "</think>d"}));
}

TEST(Prompt, MarksWhereTheInstructionsEnd) {
  const auto instructions = [](const std::string& messages) {
    const ChatRequest request = read_chat_request(messages, "test");
    const MarkedPrompt prompt = render_marked_prompt(request.messages, request.options);
    return prompt.text.substr(0, prompt.instructions_end);
  };
  EXPECT_EQ(instructions(R"([{"role": "system", "content": "S"}, {"role": "user", "content": "a"}])"), kBos + "S");
  EXPECT_EQ(instructions(R"([{"role": "system", "content": "S"}, {"role": "system", "content": "T"},
                             {"role": "user", "content": "a"}, {"role": "system", "content": "U"}])"),
            kBos + "ST");
  EXPECT_EQ(instructions(R"([{"role": "user", "content": "a"}, {"role": "system", "content": "U"}])"), "");
  EXPECT_EQ(instructions(R"([{"role": "system", "content": "S"}])"), "") << "nothing stands behind them";
}

TEST(Prompt, EndsInThinkOrInItsEnd) {
  EXPECT_EQ(prompt_of(R"([{"role": "user", "content": "a"}])"), kBos + "<｜User｜>a<｜Assistant｜><think>");
  EXPECT_EQ(prompt_of(R"({"thinking_mode": "chat", "messages": [{"role": "user", "content": "a"}]})"),
            kBos + "<｜User｜>a<｜Assistant｜></think>");
}

TEST(Prompt, MaximalEffortStandsBeforeTheSystemTextAndOnlyWhenThinking) {
  const std::string messages = R"("messages": [{"role": "system", "content": "S"}, {"role": "user", "content": "a"}]})";
  const std::string max = prompt_of(R"({"reasoning_effort": "max", )" + messages);
  EXPECT_EQ(max.find(kBos + "Reasoning Effort: Absolute maximum with no shortcuts permitted.\n"), 0U);
  EXPECT_NE(max.find("is left unchecked.\n\nS<｜User｜>a<｜Assistant｜><think>"), std::string::npos);
  EXPECT_EQ(prompt_of(R"({"reasoning_effort": "high", )" + messages), kBos + "S<｜User｜>a<｜Assistant｜><think>");
  EXPECT_EQ(prompt_of(R"({"thinking_mode": "chat", "reasoning_effort": "max", )" + messages),
            kBos + "S<｜User｜>a<｜Assistant｜></think>");
}

TEST(Prompt, NeighbouringUserMessagesMerge) {
  EXPECT_EQ(
      prompt_of(
          R"([{"role": "user", "content": "a"}, {"role": "user", "content": ""}, {"role": "user", "content": "c"}])"),
      kBos + "<｜User｜>a\n\n\n\nc<｜Assistant｜><think>");
}

TEST(Prompt, UserTextJoinsToolResults) {
  EXPECT_EQ(prompt_of(R"([{"role": "tool", "tool_call_id": "x", "content": "r"}, {"role": "user", "content": "a"},
                          {"role": "tool", "content": "s"}])"),
            kBos + "<｜User｜><tool_result>r</tool_result>\n\na\n\n<tool_result>s</tool_result><｜Assistant｜><think>");
}

TEST(Prompt, SystemMessagesStandAsBareTextWhereverTheyAre) {
  EXPECT_EQ(prompt_of(R"([{"role": "system", "content": "A"}, {"role": "system", "content": "B"},
                          {"role": "user", "content": "u"}, {"role": "system", "content": "C"}])"),
            kBos + "AB<｜User｜>uC");
}

TEST(Prompt, EmptyAndNullContent) {
  EXPECT_EQ(prompt_of(R"([{"role": "system", "content": null}, {"role": "user", "content": ""}])"),
            kBos + "<｜User｜><｜Assistant｜><think>");
  EXPECT_EQ(prompt_of(R"([{"role": "user", "content": null}, {"role": "assistant", "content": null}])"),
            kBos + "<｜User｜><｜Assistant｜><think></think>" + kEos);
  EXPECT_EQ(prompt_of(R"([{"role": "user"}, {"role": "assistant"}])"),
            kBos + "<｜User｜><｜Assistant｜><think></think>" + kEos);
}

TEST(Prompt, NullToolContentIsPythonsNone) {
  EXPECT_EQ(prompt_of(R"([{"role": "tool", "content": null}])"),
            kBos + "<｜User｜><tool_result>None</tool_result><｜Assistant｜><think>");
  EXPECT_EQ(prompt_of(R"([{"role": "tool"}])"), kBos + "<｜User｜><tool_result></tool_result><｜Assistant｜><think>");
  EXPECT_EQ(prompt_of(R"([{"role": "latest_reminder", "content": null}])"), kBos + "<｜latest_reminder｜>None");
}

TEST(Prompt, ContentPartsJoinAndUnsupportedOnesAreNamed) {
  EXPECT_EQ(
      prompt_of(R"([{"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "image_url", "image_url": {}},
                          {"type": "text", "text": "b"}, {"text": "c"}, {"type": "text"}]}])"),
      kBos + "<｜User｜>a\n\n[Unsupported image_url]\n\nb\n\n[Unsupported None]\n\n<｜Assistant｜><think>");
  EXPECT_EQ(prompt_of(R"([{"role": "tool", "content": [{"type": "text", "text": "a"}, {"type": "image"}]}])"),
            kBos + "<｜User｜><tool_result>a\n\n[Unsupported image]</tool_result><｜Assistant｜><think>");
}

TEST(Prompt, OldReasoningIsDroppedWithoutTools) {
  EXPECT_EQ(
      prompt_of(R"([{"role": "user", "content": "a"}, {"role": "assistant", "content": "b", "reasoning_content": "old"},
                          {"role": "user", "content": "c"}, {"role": "assistant", "content": "d", "reasoning_content": "new"}])"),
      kBos + "<｜User｜>a<｜Assistant｜></think>b" + kEos + "<｜User｜>c<｜Assistant｜><think>new</think>d" + kEos);
}

TEST(Prompt, OldReasoningStaysWhenAskedFor) {
  EXPECT_EQ(prompt_of(R"({"drop_thinking": false, "messages": [{"role": "user", "content": "a"},
                          {"role": "assistant", "content": "b", "reasoning_content": "old"}, {"role": "user", "content": "c"}]})"),
            kBos + "<｜User｜>a<｜Assistant｜><think>old</think>b" + kEos + "<｜User｜>c<｜Assistant｜><think>");
}

TEST(Prompt, ToolsKeepAllReasoningWhateverMessageBringsThem) {
  const std::string tail =
      R"(, {"role": "user", "content": "a"}, {"role": "assistant", "content": "b", "reasoning_content": "old"},
                               {"role": "user", "content": "c"}])";
  const std::string tools = R"("tools": [{"type": "function", "function": {"name": "f"}}])";
  EXPECT_NE(prompt_of(R"([{"role": "system", "content": "", )" + tools + "}" + tail).find("<think>old</think>b"),
            std::string::npos);
  // The released encoder looks at every message but the user's.
  EXPECT_NE(
      prompt_of(R"([{"role": "latest_reminder", "content": "", )" + tools + "}" + tail).find("<think>old</think>b"),
      std::string::npos);
  EXPECT_EQ(prompt_of(R"([{"role": "user", "content": "", )" + tools + "}" + tail).find("<think>old</think>b"),
            std::string::npos);
  EXPECT_EQ(prompt_of(R"([{"role": "system", "content": "", "tools": []})" + tail).find("<think>old</think>b"),
            std::string::npos);
}

TEST(Prompt, DeveloperTurnsBeforeTheLastUserTurnGoWithTheirReasoning) {
  const std::string messages =
      R"("messages": [{"role": "developer", "content": "D"}, {"role": "user", "content": "u"}]})";
  EXPECT_EQ(prompt_of("{" + messages), kBos + "<｜User｜>u<｜Assistant｜><think>");
  EXPECT_EQ(prompt_of(R"({"thinking_mode": "chat", )" + messages),
            kBos + "<｜User｜>D<｜User｜>u<｜Assistant｜></think>");
  EXPECT_EQ(prompt_of(R"([{"role": "user", "content": "u"}, {"role": "developer", "content": "D"}])"),
            kBos + "<｜User｜>u<｜User｜>D<｜Assistant｜><think>");
}

TEST(Prompt, DeveloperMessagesCarryToolsAndFormat) {
  const std::string prompt = prompt_of(R"([{"role": "developer", "content": "D", "response_format": {"type": "object"},
                                            "tools": [{"function": {"name": "f"}}]}])");
  EXPECT_EQ(prompt.find(kBos + "<｜User｜>D\n\n## Tools\n\nYou have"), 0U);
  EXPECT_NE(prompt.find("\n\n{\"name\": \"f\"}\n\nYou MUST strictly follow the above defined tool name and parameter "
                        "schemas to invoke tool calls.\n\n\n## Response Format:\n\nYou MUST strictly adhere to the "
                        "following schema to reply:\n{\"type\": \"object\"}<｜Assistant｜><think>"),
            std::string::npos);
}

TEST(Prompt, LatestReminderBehindAUserTurnStillHandsOver) {
  EXPECT_EQ(prompt_of(R"({"thinking_mode": "chat", "messages": [{"role": "user", "content": "a"},
                          {"role": "latest_reminder", "content": "r"}, {"role": "user", "content": "b"}]})"),
            kBos + "<｜User｜>a<｜Assistant｜></think><｜latest_reminder｜>r<｜User｜>b<｜Assistant｜></think>");
}

TEST(Prompt, TasksEndTheUserTurn) {
  for (const std::string task : {"query", "authority", "domain", "title", "read_url"})
    EXPECT_EQ(prompt_of(R"([{"role": "user", "content": "a", "task": ")" + task + "\"}]"),
              kBos + "<｜User｜>a<｜" + task + "｜>");
  EXPECT_EQ(prompt_of(R"([{"role": "user", "content": "a", "task": "action"}])"),
            kBos + "<｜User｜>a<｜Assistant｜><think><｜action｜>");
  EXPECT_EQ(prompt_of(R"({"thinking_mode": "chat", "messages": [{"role": "user", "content": "a", "task": "action"}]})"),
            kBos + "<｜User｜>a<｜Assistant｜></think><｜action｜>");
  EXPECT_EQ(prompt_of(R"([{"role": "user", "content": "a", "task": null}])"),
            kBos + "<｜User｜>a<｜Assistant｜><think>");
}

TEST(Prompt, AnAnswerToATaskHasNoReasoning) {
  EXPECT_EQ(prompt_of(R"([{"role": "user", "content": "a", "task": "query"},
                          {"role": "assistant", "content": "b", "reasoning_content": "r"}])"),
            kBos + "<｜User｜>a<｜query｜>b" + kEos);
}

TEST(Prompt, ATaskClosesItsTurnAndIsLostInAnother) {
  EXPECT_EQ(prompt_of(R"([{"role": "user", "content": "a", "task": "query"}, {"role": "user", "content": "b"}])"),
            kBos + "<｜User｜>a<｜User｜>b<｜Assistant｜><think>");
  EXPECT_EQ(prompt_of(R"([{"role": "user", "content": "a"}, {"role": "user", "content": "b", "task": "query"}])"),
            kBos + "<｜User｜>a\n\nb<｜Assistant｜><think>");
}

TEST(Prompt, AnOpenEndedAnswerGoesOn) {
  EXPECT_EQ(prompt_of(R"([{"role": "user", "content": "a"}, {"role": "assistant", "content": "b", "prefix": true}])"),
            kBos + "<｜User｜>a<｜Assistant｜><think></think>b");
  EXPECT_EQ(prompt_of(R"([{"role": "user", "content": "a"},
                          {"role": "assistant", "content": "b", "reasoning_content": "r", "wo_eos": true}])"),
            kBos + "<｜User｜>a<｜Assistant｜><think>r</think>b");
  // The API knows a prefix on the last message alone; a message that was answered has ended.
  EXPECT_EQ(prompt_of(R"([{"role": "assistant", "content": "b", "prefix": true}, {"role": "user", "content": "a"}])"),
            kBos + "b" + kEos + "<｜User｜>a<｜Assistant｜><think>");
}

TEST(Prompt, TextIsNeverEscaped) {
  const std::string prompt =
      prompt_of(R"([{"role": "user", "content": "{x} %s \u0000 \ud83d\ude42 <｜User｜> </think>"}])");
  EXPECT_EQ(prompt, kBos + std::string("<｜User｜>{x} %s \0 🙂 <｜User｜> </think><｜Assistant｜><think>", 71));
}

}  // namespace
}  // namespace fathom
