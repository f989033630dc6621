#include "fathom/api/chat_tools.h"

#include <gtest/gtest.h>

#include "fathom/api/body_fields.h"
#include "tests/api/surface_support.h"

namespace fathom::api {
namespace {

std::string tool(const std::string& name, const std::string& members = "") {
  return R"({"type":"function","function":{"name":")" + name + "\"" + members + "}}";
}

ChatTools read(const std::string& tools) {
  ChatTools list;
  read_body("{\"tools\":" + tools + "}",
            [&](const JsonField& request) { list = read_chat_tools(request.member("tools")); });
  return list;
}

std::string fault(const std::string& tools) {
  return test::body_refusal([&] { read(tools); });
}

TEST(ChatTools, AsTheClientWroteThem) {
  const ChatTools tools = read("[" +
                               tool("f", R"(,"strict":true,"parameters":{"type":"object","properties":{"a":{"b":1}}},)"
                                         R"("description":"d")") +
                               "," + tool("g", R"(,"parameters":null,"strict":null)") + "]");
  ASSERT_EQ(tools.schemas.size(), 2U);
  EXPECT_EQ(tools.schemas[0].name, "f");
  EXPECT_EQ(tools.schemas[0].parameters, R"({"type": "object", "properties": {"a": {"b": 1}}})");
  EXPECT_TRUE(tools.schemas[0].strict);
  EXPECT_EQ(tools.schemas[1].parameters, "{}");
  EXPECT_FALSE(tools.schemas[1].strict);
  ASSERT_EQ(tools.prompt.size(), 2U);
  EXPECT_EQ(tools.prompt[0].parameters, std::vector<std::string>{"a"});
  EXPECT_TRUE(tools.prompt[0].schema.starts_with(R"({"name": "f", "strict": true, "parameters": {)"));
  EXPECT_TRUE(read("null").schemas.empty());
  EXPECT_TRUE(read("[]").schemas.empty());
}

TEST(ChatTools, Names) {
  const auto pattern = [](const std::string& name) {
    return fault("[" + tool(name) + "]") ==
           "Invalid 'tools[0].function.name': string does not match pattern. Expected a string that matches the "
           "pattern '^[a-zA-Z0-9_-]{1,64}$'.";
  };
  for (const std::string name : {"", "a b", "a.b", "ä", "a\\n", "a/b"}) EXPECT_TRUE(pattern(name)) << name;
  EXPECT_TRUE(pattern(std::string(65, 'n')));
  EXPECT_EQ(fault("[" + tool(std::string(64, 'n')) + "," + tool("aZ09_-") + "]"), "none");
  EXPECT_EQ(fault("[" + tool("f") + "," + tool("f") + "]"), "Tool names must be unique.");
}

TEST(ChatTools, Refusals) {
  EXPECT_EQ(fault("{}"), "~ tools: invalid type: map, expected a sequence");
  EXPECT_EQ(fault("[7]"), "~ tools[0]: invalid type: integer `7`, expected a map");
  EXPECT_EQ(fault("[{}]"), "~ tools[0]: missing field `function`");
  EXPECT_EQ(fault(R"([{"type":"function","function":{}}])"), "~ tools[0].function: missing field `name`");
  EXPECT_EQ(fault(R"([{"type":"web_search"}])"), "~ tools[0].type: unknown variant `web_search`, expected `function`");
  EXPECT_EQ(fault("[" + tool("f", R"(,"parameters":"{}")") + "]"),
            "~ tools[0].function.parameters: invalid type: string \"{}\", expected a map");
  EXPECT_EQ(fault("[" + tool("f", R"(,"description":7)") + "]"),
            "~ tools[0].function.description: invalid type: integer `7`, expected a string");
  EXPECT_EQ(fault("[" + tool("f", R"(,"strict":"yes")") + "]"),
            "~ tools[0].function.strict: invalid type: string \"yes\", expected a boolean");
}

TEST(ChatTools, AtMost128) {
  std::string list = "[" + tool("t0");
  for (int i = 1; i < 128; ++i) list += "," + tool("t" + std::to_string(i));
  EXPECT_EQ(read(list + "]").schemas.size(), 128U);
  EXPECT_EQ(fault(list + "," + tool("more") + "]"),
            "Invalid 'tools': array too long. Expected an array with maximum length 128, but got an array with length "
            "129 instead.");
}

std::string choice(const std::string& value, bool with_tools = true) {
  const ChatTools tools = with_tools ? read("[" + tool("f") + "]") : ChatTools{};
  std::string said;
  const std::string refused = test::body_refusal([&] {
    read_body("{\"tool_choice\":" + value + "}", [&](const JsonField& request) {
      const ToolChoice read = read_chat_choice(request.member("tool_choice"), tools);
      switch (read.kind) {
        case ToolChoice::Kind::none: said = "none offered"; break;
        case ToolChoice::Kind::automatic: said = "auto"; break;
        case ToolChoice::Kind::required: said = "required"; break;
        case ToolChoice::Kind::named: said = "named " + read.name; break;
      }
    });
  });
  return refused == "none" ? said : refused;
}

TEST(ChatTools, Choices) {
  EXPECT_EQ(choice("null"), "auto");
  EXPECT_EQ(choice("null", false), "none offered");
  EXPECT_EQ(choice("\"auto\""), "auto");
  EXPECT_EQ(choice("\"auto\"", false), "none offered");
  EXPECT_EQ(choice("\"none\""), "none offered");
  EXPECT_EQ(choice("\"required\""), "required");
  EXPECT_EQ(choice("\"required\"", false), "Invalid tool_choice value, `required` needs tools to choose from");
  EXPECT_EQ(choice(R"({"type":"function","function":{"name":"f"}})"), "named f");
  EXPECT_EQ(choice(R"({"type":"function","function":{"name":"g"}})"), "Invalid tool_choice value, no tool is named g");
  EXPECT_EQ(choice(R"({"type":"function","name":"f"})"), "~ tool_choice: missing field `function`")
      << "the nested form only";
  EXPECT_EQ(choice(R"({"type":"tool","function":{"name":"f"}})"),
            "~ tool_choice.type: unknown variant `tool`, expected `function`");
  EXPECT_EQ(choice("\"any\""), "~ tool_choice: unknown variant `any`, expected one of `none`, `auto`, `required`");
}

std::string format(const std::string& value, bool strict = false) {
  Policy policy = test::policy();
  policy.strict_hosted = strict;
  std::string said;
  const std::string refused = test::body_refusal([&] {
    read_body("{\"response_format\":" + value + "}", [&](const JsonField& request) {
      const ResponseFormat read = read_chat_format(request.member("response_format"), policy);
      said = read.kind == ResponseFormat::Kind::text          ? "text"
             : read.kind == ResponseFormat::Kind::json_object ? "json"
                                                              : "schema " + read.schema;
    });
  });
  return refused == "none" ? said : refused;
}

TEST(ChatTools, Formats) {
  EXPECT_EQ(format("null"), "text");
  EXPECT_EQ(format(R"({"type":"text"})"), "text");
  EXPECT_EQ(format(R"({"type":"json_object"})"), "json");
  const std::string schema = R"({"type":"json_schema","json_schema":{"name":"n","schema":{"type":"object"}}})";
  EXPECT_EQ(format(schema), R"(schema {"type": "object"})");
  EXPECT_EQ(format(schema, true), "This response_format type is unavailable now");
  EXPECT_EQ(format(R"({"type":"json_schema"})"), "~ response_format: missing field `json_schema`");
  EXPECT_EQ(format(R"({"type":"json_schema","json_schema":{}})"),
            "~ response_format.json_schema: missing field `schema`");
  EXPECT_EQ(format("{}"), "~ response_format: missing field `type`");
  EXPECT_EQ(format("\"json_object\""), "~ response_format: invalid type: string \"json_object\", expected a map");
  EXPECT_EQ(format(R"({"type":"xml"})"),
            "~ response_format.type: unknown variant `xml`, expected one of `text`, `json_object`, `json_schema`");
}

}  // namespace
}  // namespace fathom::api
