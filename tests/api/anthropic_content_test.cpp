#include "fathom/api/anthropic_content.h"

#include <gtest/gtest.h>

#include "fathom/api/api_error.h"
#include "fathom/base/error.h"
#include "fathom/chat/prompt.h"

namespace fathom::api {
namespace {

std::string system_of(const std::string& json) {
  const JsonValue value = read_json(json, "test");
  return read_anthropic_system(JsonField(&value, "system"));
}

struct Read {
  std::string system;
  std::vector<ChatMessage> messages;
};

Read read(const std::string& json) {
  const JsonValue value = read_json(json, "test");
  TurnBuilder turns;
  read_anthropic_messages(JsonField(&value, "messages"), turns);
  Read made{.system = turns.take_system_text(), .messages = turns.take_turns()};
  check_anthropic_calls(made.messages);
  return made;
}

std::string fault(const std::string& json) {
  try {
    read(json);
  } catch (const InputError& error) {
    return error.what();
  } catch (const ApiError& error) {
    return error.what();
  }
  return "none";
}

// What the prompt has between the beginning of the sentence and the hand-over, in chat mode.
std::string prompt(const std::string& json) {
  std::string text = render_prompt(read(json).messages, {.thinking_mode = ThinkingMode::chat});
  return text.substr(std::string_view("<｜begin▁of▁sentence｜>").size());
}

TEST(AnthropicContent, SystemAsTextOrBlocksIsTheSameText) {
  EXPECT_EQ(system_of("null"), "");
  EXPECT_EQ(system_of(R"("a\n\nb")"), "a\n\nb");
  EXPECT_EQ(
      system_of(R"([{"type":"text","text":"a","cache_control":{"type":"ephemeral"}},{"type":"text","text":"b"}])"),
      "a\n\nb");
  EXPECT_EQ(system_of("[]"), "");
  EXPECT_EQ(system_of(R"([{"type":"image","source":{}}])"), "[Unsupported image]");
}

TEST(AnthropicContent, WhoPaysIsLeftOut) {
  const std::string header = "x-anthropic-billing-header: cc_version=2.1.330.ac9; cc_entrypoint=sdk-cli;";
  EXPECT_EQ(system_of(R"([{"type":"text","text":")" + header + R"("},{"type":"text","text":"You are"}])"), "You are");
  EXPECT_EQ(system_of("\"" + header + R"(\n\nYou are")"), "You are");
  EXPECT_EQ(system_of("\"" + header + "\""), "");
  EXPECT_EQ(system_of("\"" + header + "\\n\\n\""), "");
  EXPECT_EQ(system_of("\"You know " + header + "\""), "You know " + header) << "only at the beginning";
}

TEST(AnthropicContent, SystemInsideMessages) {
  // Claude Code's first request, and the second, in which the same text is a string.
  const std::string turn = R"({"role":"user","content":[{"type":"text","text":"u"}]})";
  const std::string blocks =
      R"({"role":"system","content":[{"type":"text","text":"s","cache_control":{"type":"ephemeral"}}]})";
  const std::string text = R"({"role":"system","content":"s"})";
  const std::string first = prompt("[" + turn + "," + blocks + "]");
  EXPECT_EQ(first, "<｜User｜>u\n\ns<｜Assistant｜></think>");
  const std::string second =
      prompt("[" + turn + "," + text + R"(,{"role":"assistant","content":"a"},{"role":"user","content":"v"}])");
  EXPECT_TRUE(second.starts_with(first)) << second;

  EXPECT_EQ(read("[" + text + "," + turn + "]").system, "s") << "before the first turn it joins the system text";
  EXPECT_EQ(prompt("[" + text + "]"), "<｜User｜>s<｜Assistant｜></think>") << "alone it is the user's";
  EXPECT_EQ(prompt("[" + turn + R"(,{"role":"assistant","content":"a"},)" + text + "," + turn + "]"),
            "<｜User｜>u<｜Assistant｜></think>a<｜end▁of▁sentence｜><｜User｜>s\n\nu<｜Assistant｜></think>");
  EXPECT_EQ(prompt("[" + turn + R"(,{"role":"assistant","content":"a"},)" + text + "]"),
            "<｜User｜>u<｜Assistant｜></think>a<｜end▁of▁sentence｜><｜User｜>s<｜Assistant｜></think>");
}

TEST(AnthropicContent, BlocksThatAreNoTextSayWhatTheyAre) {
  EXPECT_EQ(read(R"([{"role":"user","content":[{"type":"text","text":"see"},{"type":"image","source":{"type":"base64"}},
                     {"type":"document"},{"type":"text","text":""}]}])")
                .messages[0]
                .content,
            "see\n\n[Unsupported image]\n\n[Unsupported document]\n\n");
}

const std::string kCall = R"({"role":"assistant","content":[
    {"type":"thinking","thinking":"t1","signature":"any"},{"type":"redacted_thinking","data":"xx"},
    {"type":"thinking","thinking":"t2"},{"type":"text","text":"a"},
    {"type":"tool_use","id":"1","name":"f","input":{"x":1,"y":["é"]},"cache_control":{"type":"ephemeral"}},
    {"type":"tool_use","id":"2","name":"g","input":{}},{"type":"tool_use","id":"3","name":"h"}]})";

std::string results(const std::string& last) {
  return R"({"role":"user","content":[{"type":"tool_result","tool_use_id":"2","content":"r2","is_error":true},
             {"type":"text","text":"between"},{"type":"text","text":"them"},
             {"type":"tool_result","tool_use_id":"1","content":[{"type":"text","text":"r"},{"type":"text","text":"1"},
             {"type":"image"},{"type":"tool_reference","tool_name":"WebFetch"}]},)" +
         last + "]}";
}

TEST(AnthropicContent, CallsAndResults) {
  const Read made = read(R"([{"role":"user","content":"u"},)" + kCall + "," +
                         results(R"({"type":"tool_result","tool_use_id":"3"})") + "]");
  ASSERT_EQ(made.messages.size(), 6U);
  const ChatMessage& call = made.messages[1];
  EXPECT_EQ(call.reasoning_content, "t1\n\nt2");
  EXPECT_EQ(call.content, "a");
  ASSERT_EQ(call.tool_calls.size(), 3U);
  EXPECT_EQ(call.tool_calls[0].arguments, R"({"x": 1, "y": ["é"]})");
  EXPECT_EQ(call.tool_calls[2].arguments, "{}");
  EXPECT_EQ(made.messages[2].tool_call_id, "2");
  EXPECT_EQ(made.messages[2].content, "r2");
  EXPECT_EQ(made.messages[3].content, "between\n\nthem");
  EXPECT_EQ(made.messages[4].content, "r\n\n1\n\n[Unsupported image]\n\nWebFetch");
  EXPECT_EQ(made.messages[5].content, "");
}

TEST(AnthropicContent, CallsMustBePaired) {
  EXPECT_EQ(fault(R"([{"role":"user","content":"u"},)" + kCall + "," + results(R"({"type":"text","text":"x"})") + "]"),
            "messages: `tool_use` ids were found without `tool_result` blocks immediately after: 3. Each `tool_use` "
            "block must have a corresponding `tool_result` block in the next message.");
  EXPECT_EQ(fault(R"([{"role":"user","content":[{"type":"tool_result","tool_use_id":"9","content":"r"}]}])"),
            "messages: a `tool_result` block answers `tool_use_id` 9, which the assistant's message before it does not "
            "have");
}

TEST(AnthropicContent, ABeginningOfTheAnswer) {
  EXPECT_EQ(prompt(R"([{"role":"user","content":"u"},{"role":"assistant","content":[{"type":"text","text":"{"}]}])"),
            "<｜User｜>u<｜Assistant｜></think>{");
}

TEST(AnthropicContent, MessagesOfOneRoleAreOneTurn) {
  EXPECT_EQ(prompt(R"([{"role":"user","content":"a"},{"role":"user","content":"b"},
                       {"role":"assistant","content":"c"},{"role":"assistant","content":"d"},
                       {"role":"user","content":"e"}])"),
            "<｜User｜>a\n\nb<｜Assistant｜></think>c\n\nd<｜end▁of▁sentence｜><｜User｜>e<｜Assistant｜></think>");
}

TEST(AnthropicContent, FaultsNameTheirPlace) {
  const auto user = [](const std::string& content) { return R"([{"role":"user","content":)" + content + "}]"; };
  EXPECT_EQ(fault("{}"), "[chat] messages: found an object, expected an array");
  EXPECT_EQ(fault("[3]"), "[chat] messages[0]: found a number, expected an object");
  EXPECT_EQ(fault(R"([{"role":"developer","content":""}])"),
            "[chat] messages[0].role: found \"developer\", expected one of user, assistant, system");
  for (const std::string content : {"null", "3", "{}"})
    EXPECT_TRUE(fault(user(content)).starts_with("[chat] messages[0].content: found ")) << content;
  EXPECT_EQ(fault(user(R"([{"text":"a"}])")), "[chat] messages[0].content[0].type: found nothing, expected a string");
  EXPECT_EQ(fault(user(R"([{"type":"text"}])")),
            "[chat] messages[0].content[0].text: found nothing, expected a string");
  EXPECT_EQ(fault(user(R"([{"type":"tool_result","content":"x"}])")),
            "[chat] messages[0].content[0].tool_use_id: found nothing, expected a string");
  EXPECT_EQ(fault(R"([{"role":"assistant","content":[{"type":"tool_use","id":"1","name":"f","input":"{}"}]}])"),
            "[chat] messages[0].content[0].input: found \"{}\", expected an object");
}

}  // namespace
}  // namespace fathom::api
