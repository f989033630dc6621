#include "fathom/chat/message_json.h"

#include <gtest/gtest.h>

#include "fathom/base/error.h"

namespace fathom {
namespace {

ChatRequest read(std::string_view json) { return read_chat_request(json, "test"); }

std::string fault_of(std::string_view json) {
  try {
    read(json);
  } catch (const InputError& error) {
    return error.what();
  }
  return "none";
}

const std::string kUser = R"({"role": "user", "content": "u"})";
const std::string kTools =
    R"([{"type": "function", "function": {"name": "f", "parameters": {"properties": {"b": {}, "a": {}}}}}])";

TEST(MessageJson, ThinkingIsTheDefault) {
  EXPECT_EQ(read("[]").options.thinking_mode, ThinkingMode::thinking);
  EXPECT_EQ(read("[]").options.reasoning_effort, ReasoningEffort::high);
  EXPECT_TRUE(read("[]").options.drop_thinking);
}

TEST(MessageJson, WaysToSwitchThinking) {
  const auto mode = [](const std::string& member) {
    return read("{\"messages\": [], " + member + "}").options.thinking_mode;
  };
  EXPECT_EQ(mode(R"("thinking_mode": "chat")"), ThinkingMode::chat);
  EXPECT_EQ(mode(R"("thinking": {"type": "disabled"})"), ThinkingMode::chat);
  EXPECT_EQ(mode(R"("thinking": {"type": "adaptive", "display": "omitted"})"), ThinkingMode::thinking);
  EXPECT_EQ(mode(R"("thinking": {"type": "enabled"}, "thinking_mode": null)"), ThinkingMode::thinking);
  EXPECT_EQ(mode(R"("thinking": null)"), ThinkingMode::thinking);
  EXPECT_EQ(mode(R"("reasoning_effort": "none")"), ThinkingMode::chat);
}

TEST(MessageJson, EffortsOfEveryApi) {
  const auto effort = [](const std::string& name) {
    return read(R"({"messages": [], "reasoning_effort": ")" + name + "\"}").options.reasoning_effort;
  };
  for (const std::string name : {"minimal", "low", "medium", "high"}) EXPECT_EQ(effort(name), ReasoningEffort::high);
  for (const std::string name : {"xhigh", "max", "ultra"}) EXPECT_EQ(effort(name), ReasoningEffort::max);
  EXPECT_EQ(
      fault_of(R"({"messages": [], "reasoning_effort": "huge"})"),
      "[chat] reasoning_effort: found \"huge\", expected one of none, minimal, low, medium, high, xhigh, max, ultra");
}

TEST(MessageJson, FaultsNameTheirPlace) {
  EXPECT_EQ(fault_of("7"),
            "[chat] the request: found a number, expected an array of messages, or an object with \"messages\"");
  EXPECT_EQ(fault_of("{}"), "[chat] messages: found nothing, expected an array");
  EXPECT_EQ(fault_of("[" + kUser + ", 5]"), "[chat] messages[1]: found a number, expected an object");
  EXPECT_EQ(fault_of("[" + kUser + R"(, {"role": "function"}])"),
            "[chat] messages[1].role: found \"function\", expected one of system, developer, user, assistant, tool, "
            "latest_reminder");
  EXPECT_EQ(fault_of(R"([{"content": "x"}])"),
            "[chat] messages[0].role: found nothing, expected one of system, developer, user, assistant, tool, "
            "latest_reminder");
  EXPECT_EQ(fault_of(R"([{"role": "user", "content": 5}])"),
            "[chat] messages[0].content: found a number, expected a string, an array of parts or null");
  EXPECT_EQ(fault_of(R"([{"role": "user", "content": ["x"]}])"),
            "[chat] messages[0].content[0]: found \"x\", expected an object");
  EXPECT_EQ(fault_of(R"([{"role": "assistant", "tool_calls": [{"function": {}}]}])"),
            "[chat] messages[0].tool_calls[0].function.name: found nothing, expected a string");
  EXPECT_EQ(fault_of(R"([{"role": "assistant", "tool_calls": [{"function": {"name": "f", "arguments": [1]}}]}])"),
            "[chat] messages[0].tool_calls[0].function.arguments: found an array, expected JSON in a string");
  EXPECT_EQ(fault_of(R"([{"role": "system", "tools": [{"name": "f"}]}])"),
            "[chat] messages[0].tools[0].function: found nothing, expected an object");
  EXPECT_EQ(
      fault_of(R"([{"role": "user", "task": "cook"}])"),
      "[chat] messages[0].task: found \"cook\", expected one of action, query, authority, domain, title, read_url");
  EXPECT_EQ(fault_of(R"({"messages": [], "thinking": true})"),
            "[chat] thinking: found true or false, expected an object such as {\"type\": \"enabled\"}");
  EXPECT_EQ(fault_of(R"({"messages": [], "thinking_mode": "off"})"),
            "[chat] thinking_mode: found \"off\", expected one of chat, thinking");
  EXPECT_EQ(fault_of("[{]"), "[test] line 1, column 3: found ']', expected a key in double quotes");
}

TEST(MessageJson, TopLevelToolsHangOnTheSystemMessage) {
  const ChatRequest with =
      read(R"({"messages": [{"role": "system", "content": "s"}, )" + kUser + R"(], "tools": )" + kTools + "}");
  ASSERT_EQ(with.messages.size(), 2U);
  ASSERT_EQ(with.messages[0].tools.size(), 1U);
  EXPECT_EQ(with.messages[0].tools[0].name, "f");
  EXPECT_EQ(with.messages[0].tools[0].parameters, (std::vector<std::string>{"b", "a"}));
  EXPECT_EQ(with.messages[0].tools[0].schema, R"({"name": "f", "parameters": {"properties": {"b": {}, "a": {}}}})");
  const ChatRequest without = read("{\"messages\": [" + kUser + "], \"tools\": " + kTools + "}");
  ASSERT_EQ(without.messages.size(), 2U);
  EXPECT_EQ(without.messages[0].role, Role::system);
  EXPECT_EQ(without.messages[0].content, "");
  EXPECT_EQ(offered_tools(without).size(), 1U);
}

TEST(MessageJson, ToolChoiceNoneOffersNone) {
  const ChatRequest request =
      read("{\"messages\": [" + kUser + "], \"tool_choice\": \"none\", \"tools\": " + kTools + "}");
  EXPECT_EQ(request.messages.size(), 1U);
  EXPECT_TRUE(offered_tools(request).empty());
}

TEST(MessageJson, TopLevelResponseFormat) {
  const auto format = [](const std::string& value) {
    const ChatRequest request = read("{\"messages\": [" + kUser + "], \"response_format\": " + value + "}");
    return request.messages.size() == 1 ? std::nullopt : request.messages[0].response_format;
  };
  EXPECT_EQ(format(R"({"type": "text"})"), std::nullopt);
  EXPECT_EQ(format("null"), std::nullopt);
  EXPECT_EQ(format(R"({"type":"json_object"})"), R"({"type": "json_object"})");
  EXPECT_EQ(format(R"({"type": "json_schema", "json_schema": {"name": "n", "schema": {"type":"object"}}})"),
            R"({"type": "object"})");
}

TEST(MessageJson, FalseFormatsAreNone) {
  for (const std::string value : {"null", "{}", "[]", "\"\"", "0", "false"})
    EXPECT_EQ(read(R"([{"role": "system", "response_format": )" + value + "}]").messages[0].response_format,
              std::nullopt);
  EXPECT_EQ(read(R"([{"role": "system", "response_format": "json"}])").messages[0].response_format, "\"json\"");
}

TEST(MessageJson, ToolCallsInTheShapesClientsSend) {
  const ChatRequest request = read(R"([{"role": "assistant", "tool_calls": [
      {"id": "a", "type": "function", "function": {"name": "f", "arguments": "{}"}},
      {"function": {"name": "g", "id": "b", "arguments": {"x":1}}}, {"id": null, "function": {"name": "h"}}]}])");
  const std::vector<ToolCall>& calls = request.messages[0].tool_calls;
  ASSERT_EQ(calls.size(), 3U);
  EXPECT_EQ(calls[0].id, "a");
  EXPECT_EQ(calls[1].id, "b");
  EXPECT_EQ(calls[1].arguments, R"({"x": 1})");
  EXPECT_EQ(calls[2].id, "");
  EXPECT_EQ(calls[2].arguments, "{}");
}

TEST(MessageJson, UnknownKeysAndAByteOrderMarkAreIgnored) {
  const ChatRequest request = read(
      "\xef\xbb\xbf{\"model\": 1, \"stream\": true, \"extra_body\": {}, \"messages\": [{\"role\": \"user\", "
      "\"content\": "
      "\"u\", \"name\": 5, \"mask\": 1, \"content_blocks\": 3}]}");
  EXPECT_EQ(request.messages.at(0).content, "u");
}

TEST(MessageJson, ReasoningKnowsAbsentFromEmpty) {
  EXPECT_EQ(read(R"([{"role": "assistant"}])").messages[0].reasoning_content, std::nullopt);
  EXPECT_EQ(read(R"([{"role": "assistant", "reasoning_content": null}])").messages[0].reasoning_content, std::nullopt);
  EXPECT_EQ(read(R"([{"role": "assistant", "reasoning_content": ""}])").messages[0].reasoning_content, "");
}

TEST(MessageJson, ContentKnowsNullFromAbsentForToolsAlone) {
  EXPECT_EQ(read(R"([{"role": "tool"}])").messages[0].content, "");
  EXPECT_EQ(read(R"([{"role": "tool", "content": null}])").messages[0].content, std::nullopt);
  EXPECT_EQ(read(R"([{"role": "user", "content": []}])").messages[0].content, "");
}

}  // namespace
}  // namespace fathom
