#include "fathom/api/responses_input.h"

#include <gtest/gtest.h>

#include "fathom/api/api_error.h"
#include "fathom/base/error.h"
#include "fathom/chat/prompt.h"

namespace fathom::api {
namespace {

struct Read {
  std::string system;
  std::vector<ChatMessage> messages;
};

Read read(const std::string& json, bool continues = false) {
  const JsonValue value = read_json(json, "test");
  ResponsesTools tools;
  read_input_tools(JsonField(&value, "input"), tools);
  TurnBuilder turns;
  read_responses_input(JsonField(&value, "input"), tools, continues, turns);
  Read made{.system = turns.take_system_text(), .messages = turns.take_turns()};
  check_response_calls(made.messages);
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

TEST(ResponsesInput, AText) {
  const Read made = read(R"("hello")");
  ASSERT_EQ(made.messages.size(), 1U);
  EXPECT_EQ(made.messages[0].content, "hello");
  EXPECT_EQ(made.messages[0].role, Role::user);
}

TEST(ResponsesInput, MessagesOfEveryRole) {
  const Read made = read(R"([
    {"type":"message","role":"developer","content":[{"type":"input_text","text":"d"}]},
    {"role":"system","content":"s"},
    {"type":"message","role":"user","content":[{"type":"input_text","text":"u"},{"type":"input_image","image_url":"x"}]},
    {"type":"message","role":"assistant","id":"m","status":"completed",
     "content":[{"type":"output_text","text":"a","annotations":[]},{"type":"refusal","refusal":"no"}]},
    {"type":"message","role":"developer","content":"later"},
    {"type":"message","role":"user","content":"v"}])");
  EXPECT_EQ(made.system, "d\n\ns");
  ASSERT_EQ(made.messages.size(), 4U);
  EXPECT_EQ(made.messages[0].content, "u\n\n[Unsupported input_image]");
  EXPECT_EQ(made.messages[1].content, "a\n\nno");
  EXPECT_EQ(made.messages[2].role, Role::user) << "in the middle it is part of the user's turn";
  EXPECT_EQ(made.messages[2].content, "later");
}

TEST(ResponsesInput, AfterAStoredConversationNothingIsAtTheStart) {
  const Read made = read(R"([{"role":"developer","content":"d"},{"role":"user","content":"u"}])", true);
  EXPECT_EQ(made.system, "");
  ASSERT_EQ(made.messages.size(), 2U);
  EXPECT_EQ(made.messages[0].content, "d");
}

// What Codex replays after one round.
TEST(ResponsesInput, ReasoningAndCallsAreOneTurn) {
  const Read made = read(R"([
    {"type":"message","role":"user","content":[{"type":"input_text","text":"u"}]},
    {"type":"reasoning","id":"rs","summary":[],"content":[{"type":"reasoning_text","text":"r"}],"encrypted_content":null},
    {"type":"message","role":"assistant","content":[{"type":"output_text","text":"a"}]},
    {"type":"function_call","name":"exec_command","arguments":"{\"cmd\":\"ls\"}","call_id":"1"},
    {"type":"custom_tool_call","name":"apply_patch","input":"*** \"ü\"\n","call_id":"2","status":"completed"},
    {"type":"function_call","name":"f","call_id":"3"},
    {"type":"web_search_call","id":"w"},
    {"type":"item_reference","id":"x"},
    {"type":"function_call_output","call_id":"1","output":"files"},
    {"type":"custom_tool_call_output","call_id":"2","output":[{"type":"input_text","text":"do"},{"type":"input_text","text":"ne"}]},
    {"type":"function_call_output","call_id":"3","output":null}])");
  ASSERT_EQ(made.messages.size(), 5U);
  const ChatMessage& turn = made.messages[1];
  EXPECT_EQ(turn.reasoning_content, "r");
  EXPECT_EQ(turn.content, "a");
  ASSERT_EQ(turn.tool_calls.size(), 3U);
  EXPECT_EQ(turn.tool_calls[0].arguments, R"({"cmd":"ls"})");
  EXPECT_EQ(read_json(turn.tool_calls[1].arguments, "test").find("input")->text, "*** \"ü\"\n");
  EXPECT_EQ(turn.tool_calls[2].arguments, "{}");
  EXPECT_EQ(made.messages[2].content, "files");
  EXPECT_EQ(made.messages[3].content, "do\n\nne");
  EXPECT_EQ(made.messages[4].content, "");
}

TEST(ResponsesInput, ReasoningWithoutTextIsNone) {
  for (const std::string item :
       {R"({"type":"reasoning","summary":[]})", R"({"type":"reasoning","content":null,"encrypted_content":"zz"})",
        R"({"type":"reasoning","content":[]})", R"({"type":"reasoning","content":[{"type":"other"}]})"}) {
    const Read made = read(R"([{"role":"user","content":"u"},)" + item + R"(,{"role":"assistant","content":"a"},
                              {"role":"user","content":"v"}])");
    ASSERT_EQ(made.messages.size(), 3U);
    EXPECT_EQ(made.messages[1].reasoning_content, std::nullopt);
  }
}

TEST(ResponsesInput, ToolsAmongTheItems) {
  const JsonValue value = read_json(R"([{"type":"additional_tools","role":"developer","tools":[
      {"type":"namespace","name":"n","tools":[{"type":"function","name":"f"}]}]},
      {"role":"user","content":"u"}, 3])",
                                    "test");
  ResponsesTools tools;
  read_input_tools(JsonField(&value, "input"), tools);
  ASSERT_EQ(tools.offer().schemas.size(), 1U);
  EXPECT_EQ(tools.offer().schemas[0].name_space, "n");
}

TEST(ResponsesInput, CallsMustBePaired) {
  const std::string call = R"({"type":"function_call","name":"f","arguments":"{}","call_id":"7"})";
  EXPECT_EQ(fault("[" + call + "]"), "No tool output found for function call 7.");
  EXPECT_EQ(fault(R"([{"type":"function_call_output","call_id":"8","output":"x"}])"),
            "No tool call found for function call output with call_id 8.");
  EXPECT_EQ(fault("[" + call + R"(,{"type":"function_call_output","call_id":"7","output":""}])"), "none");
}

TEST(ResponsesInput, FaultsNameTheirPlace) {
  EXPECT_EQ(fault("3"), "[chat] input: found a number, expected a string or an array of items");
  EXPECT_EQ(fault("[3]"), "[chat] input[0]: found a number, expected an object");
  EXPECT_EQ(fault(R"([{"role":"tool","content":""}])"),
            "[chat] input[0].role: found \"tool\", expected one of user, assistant, system, developer");
  EXPECT_EQ(fault(R"([{"role":"user"}])"),
            "[chat] input[0].content: found nothing, expected a string or an array of parts");
  EXPECT_EQ(fault(R"([{"role":"user","content":[{"type":"input_text"}]}])"),
            "[chat] input[0].content[0].text: found nothing, expected a string");
  EXPECT_EQ(fault(R"([{"type":"function_call","name":"f"}])"),
            "[chat] input[0].call_id: found nothing, expected a string");
  EXPECT_EQ(fault(R"([{"type":"custom_tool_call","name":"f","call_id":"1"}])"),
            "[chat] input[0].input: found nothing, expected a string");
  EXPECT_EQ(fault(R"([{"type":"function_call_output","call_id":"1","output":4}])"),
            "[chat] input[0].output: found a number, expected a string or an array of parts");
}

}  // namespace
}  // namespace fathom::api
