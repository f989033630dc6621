#include "fathom/api/responses_tools.h"

#include <gtest/gtest.h>

#include "fathom/api/api_error.h"
#include "fathom/base/error.h"

namespace fathom::api {
namespace {

ResponsesTools tools_of(const std::string& json) {
  const JsonValue value = read_json(json, "test");
  ResponsesTools tools;
  tools.add(JsonField(&value, "tools"));
  return tools;
}

// As Codex sends them.
const std::string kCodex = R"([
  {"type":"function","name":"exec_command","description":"run","strict":false,
   "parameters":{"type":"object","properties":{"cmd":{"type":"string"}}}},
  {"type":"custom","name":"apply_patch","description":"edit","format":{"type":"grammar","syntax":"lark","definition":"start: x"}},
  {"type":"namespace","name":"multi_agent_v1","description":"Tools in the multi_agent_v1 namespace.","tools":[
     {"type":"function","name":"spawn_agent","parameters":{"type":"object"}},
     {"type":"function","name":"wait","parameters":{"type":"object"}}]},
  {"type":"namespace","name":"mcp__files__","tools":[{"type":"function","name":"wait"},{"type":"tool_search"}]},
  {"type":"web_search","external_web_access":true}])";

TEST(ResponsesTools, NamespacesAreFlattened) {
  const OfferedTools tools = tools_of(kCodex).offer();
  ASSERT_EQ(tools.schemas.size(), 5U);
  EXPECT_EQ(tools.prompt[0].schema,
            R"({"name": "exec_command", "description": "run", "parameters": {"type": "object", "properties": )"
            R"({"cmd": {"type": "string"}}}})");
  EXPECT_EQ(tools.schemas[2].name, "spawn_agent") << "the only one of that name";
  EXPECT_EQ(tools.schemas[2].name_space, "multi_agent_v1");
  EXPECT_EQ(tools.schemas[2].client_name, "");
  EXPECT_EQ(tools.schemas[3].name, "multi_agent_v1__wait");
  EXPECT_EQ(tools.schemas[3].client_name, "wait");
  EXPECT_EQ(tools.schemas[4].name, "mcp__files__wait");
  EXPECT_EQ(tools.left_out, (std::vector<std::string>{"tool_search", "web_search"}));
}

TEST(ResponsesTools, ACustomToolIsAFunctionOfOneText) {
  const OfferedTools tools = tools_of(kCodex).offer();
  EXPECT_TRUE(tools.schemas[1].custom);
  EXPECT_EQ(
      tools.prompt[1].schema,
      R"({"name": "apply_patch", "description": "edit", "parameters": {"type": "object", "properties": {"input": )"
      R"({"type": "string", "description": "Text of this grammar:\nstart: x"}}, "required": ["input"]}})");
  EXPECT_EQ(
      tools_of(R"([{"type":"custom","name":"apply_patch","format":{"type":"text"}}])").offer().schemas[0].parameters,
      R"({"type": "object", "properties": {"input": {"type": "string"}}, "required": ["input"]})");
  EXPECT_THROW(tools_of(R"([{"type":"custom","name":"exec"}])"), ApiError);
}

TEST(ResponsesTools, OfTwoTheFirstCounts) {
  const OfferedTools tools = tools_of(R"([{"type":"function","name":"f","description":"1"},
      {"type":"function","name":"f","description":"2"},
      {"type":"namespace","name":"n","tools":[{"type":"function","name":"f"},{"type":"function","name":"f"}]}])")
                                 .offer();
  ASSERT_EQ(tools.schemas.size(), 2U);
  EXPECT_EQ(tools.prompt[0].schema, R"({"name": "f", "description": "1"})");
  EXPECT_EQ(tools.schemas[1].name, "n__f");
}

TEST(ResponsesTools, NamesInTheHistory) {
  const ResponsesTools tools = tools_of(kCodex);
  EXPECT_EQ(tools.shown_name("multi_agent_v1", "wait"), "multi_agent_v1__wait");
  EXPECT_EQ(tools.shown_name("multi_agent_v1", "spawn_agent"), "spawn_agent");
  EXPECT_EQ(tools.shown_name("", "exec_command"), "exec_command");
  EXPECT_EQ(tools.shown_name("gone", "old"), "old");
}

TEST(ResponsesTools, Faults) {
  EXPECT_THROW(tools_of("{}"), InputError);
  EXPECT_THROW(tools_of("[1]"), InputError);
  EXPECT_THROW(tools_of(R"([{"name":"f"}])"), InputError);
  EXPECT_THROW(tools_of(R"([{"type":"function"}])"), InputError);
  EXPECT_THROW(tools_of(R"([{"type":"function","name":"f","parameters":[]}])"), InputError);
  EXPECT_THROW(tools_of(R"([{"type":"namespace","tools":[]}])"), InputError);
  EXPECT_THROW(tools_of(R"([{"type":"function","name":"\""}])").offer(), ApiError);
  EXPECT_TRUE(tools_of(R"([{"type":"namespace","name":"n"}])").offer().schemas.empty());
  EXPECT_TRUE(tools_of("null").offer().schemas.empty());
}

std::string choice_of(const std::string& json, const std::string& tools_json) {
  const JsonValue value = read_json(json, "test");
  const ResponsesTools tools = tools_of(tools_json);
  try {
    const ToolChoice choice = read_responses_choice(JsonField(&value, "tool_choice"), tools, tools.offer());
    switch (choice.kind) {
      case ToolChoice::Kind::none: return "none";
      case ToolChoice::Kind::automatic: return "automatic";
      case ToolChoice::Kind::required: return "required";
      case ToolChoice::Kind::named: return "named " + choice.name;
    }
  } catch (const ApiError& error) {
    return error.what();
  } catch (const InputError& error) {
    return error.what();
  }
  return "?";
}

TEST(ResponsesTools, Choices) {
  EXPECT_EQ(choice_of("null", kCodex), "automatic");
  EXPECT_EQ(choice_of(R"("auto")", kCodex), "automatic");
  EXPECT_EQ(choice_of(R"("required")", kCodex), "required");
  EXPECT_EQ(choice_of(R"("none")", kCodex), "none");
  EXPECT_EQ(choice_of(R"({"type":"function","name":"exec_command"})", kCodex), "named exec_command");
  EXPECT_EQ(choice_of(R"({"type":"custom","name":"apply_patch"})", kCodex), "named apply_patch");
  EXPECT_EQ(choice_of(R"({"type":"function","namespace":"multi_agent_v1","name":"wait"})", kCodex),
            "named multi_agent_v1__wait");
  EXPECT_EQ(choice_of(R"({"type":"allowed_tools","mode":"required","tools":[]})", kCodex), "required");
  EXPECT_EQ(choice_of(R"({"type":"web_search"})", kCodex), "automatic");
  EXPECT_EQ(choice_of(R"({"type":"function","name":"x"})", kCodex), "Tool choice 'x' not found in 'tools' parameter.");
  EXPECT_EQ(choice_of(R"("any")", kCodex), "[chat] tool_choice: found \"any\", expected one of none, auto, required");
  EXPECT_EQ(choice_of("3", kCodex), "[chat] tool_choice: found a number, expected none, auto, required or an object");
  EXPECT_EQ(choice_of("null", "[]"), "none");
  EXPECT_EQ(choice_of(R"("auto")", "[]"), "none");
  EXPECT_EQ(choice_of(R"("required")", "[]"), "none");
}

}  // namespace
}  // namespace fathom::api
