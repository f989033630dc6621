#include "fathom/api/anthropic_tools.h"

#include <gtest/gtest.h>

#include "fathom/api/api_error.h"
#include "fathom/base/error.h"

namespace fathom::api {
namespace {

OfferedTools tools_of(const std::string& json) {
  const JsonValue value = read_json(json, "test");
  return read_anthropic_tools(JsonField(&value, "tools"));
}

std::string choice_of(const std::string& json, const std::string& tools) {
  const JsonValue value = read_json(json, "test");
  try {
    const ToolChoice choice = read_anthropic_choice(JsonField(&value, "tool_choice"), tools_of(tools));
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

const std::string kTools =
    R"([{"name":"f","description":"d","input_schema":{"type":"object","properties":{"a":{}}},"defer_loading":true,
        "cache_control":{"type":"ephemeral"}},
       {"type":"web_search_20250305","name":"web_search","max_uses":8},
       {"type":"custom","name":"g"},{"type":null,"name":"h","input_schema":null,"description":null},
       {"type":"code_execution_20260101"}])";

TEST(AnthropicTools, ToolsOfTheClientAndToolsOfTheServer) {
  const OfferedTools tools = tools_of(kTools);
  ASSERT_EQ(tools.schemas.size(), 3U);
  EXPECT_EQ(tools.prompt[0].schema,
            R"({"name": "f", "description": "d", "parameters": {"type": "object", "properties": {"a": {}}}})");
  EXPECT_EQ(tools.prompt[1].schema, R"({"name": "g"})");
  EXPECT_EQ(tools.schemas[2].name, "h");
  EXPECT_EQ(tools.left_out, (std::vector<std::string>{"web_search", "code_execution_20260101"}));
  EXPECT_TRUE(tools_of("null").schemas.empty());
  EXPECT_TRUE(tools_of("[]").schemas.empty());
}

TEST(AnthropicTools, Choices) {
  EXPECT_EQ(choice_of("null", kTools), "automatic");
  EXPECT_EQ(choice_of(R"({"type":"auto","disable_parallel_tool_use":true})", kTools), "automatic");
  EXPECT_EQ(choice_of(R"({"type":"any"})", kTools), "required");
  EXPECT_EQ(choice_of(R"({"type":"none"})", kTools), "none");
  EXPECT_EQ(choice_of(R"({"type":"tool","name":"g"})", kTools), "named g");
  EXPECT_EQ(choice_of(R"({"type":"tool","name":"web_search"})", kTools), "automatic") << "nobody would run it";
  EXPECT_EQ(choice_of(R"({"type":"tool","name":"x"})", kTools), "tool_choice: Tool 'x' not found in provided tools");
  EXPECT_EQ(choice_of(R"({"type":"tool"})", kTools), "[chat] tool_choice.name: found nothing, expected a string");
  EXPECT_EQ(choice_of(R"({"type":"required"})", kTools),
            "[chat] tool_choice.type: found \"required\", expected one of auto, any, tool, none");
  EXPECT_EQ(choice_of(R"("any")", kTools), "[chat] tool_choice: found \"any\", expected an object");
}

TEST(AnthropicTools, WithoutToolsThereIsNoChoice) {
  EXPECT_EQ(choice_of("null", "[]"), "none");
  EXPECT_EQ(choice_of(R"({"type":"any"})", "[]"), "none");
  EXPECT_EQ(choice_of(R"({"type":"tool","name":"web_search"})", R"([{"type":"web_search_20250305"}])"), "none");
}

TEST(AnthropicTools, Faults) {
  EXPECT_THROW(tools_of("{}"), InputError);
  EXPECT_THROW(tools_of("[1]"), InputError);
  EXPECT_THROW(tools_of(R"([{"input_schema":{}}])"), InputError);
  EXPECT_THROW(tools_of(R"([{"name":"f","input_schema":"{}"}])"), InputError);
  EXPECT_THROW(tools_of(R"([{"name":"f","description":3}])"), InputError);
  EXPECT_THROW(tools_of(R"([{"name":"f"},{"name":"f"}])"), ApiError);
  EXPECT_THROW(tools_of(R"([{"name":"a b"}])"), ApiError);
}

}  // namespace
}  // namespace fathom::api
