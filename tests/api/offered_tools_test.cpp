#include "fathom/api/offered_tools.h"

#include <gtest/gtest.h>

#include "fathom/api/api_error.h"

namespace fathom::api {
namespace {

TEST(OfferedTools, TheFunctionObjectHasOneOrder) {
  const JsonValue schema = read_json(R"({"type":"object","properties":{"b":{},"a":{}}})", "test");
  OfferedTools tools;
  offer_tool(tools, {.place = "tools[0]", .name = "f", .description = "d", .parameters = &schema, .strict = true});
  offer_tool(tools, {.place = "tools[1]", .name = "g", .description = {}});
  ASSERT_EQ(tools.prompt.size(), 2U);
  EXPECT_EQ(tools.prompt[0].schema,
            R"({"name": "f", "description": "d", "parameters": {"type": "object", "properties": {"b": {}, "a": {}}}})");
  EXPECT_EQ(tools.prompt[0].parameters, (std::vector<std::string>{"b", "a"}));
  EXPECT_EQ(tools.prompt[1].schema, R"({"name": "g"})");
  EXPECT_EQ(tools.schemas[0].parameters, R"({"type": "object", "properties": {"b": {}, "a": {}}})");
  EXPECT_TRUE(tools.schemas[0].strict);
  EXPECT_EQ(tools.schemas[1].parameters, "{}");
  EXPECT_TRUE(tools.has("g"));
  EXPECT_FALSE(tools.has("h"));
}

TEST(OfferedTools, NamesThatWouldBreakThePromptAreRefused) {
  for (const std::string& name : {std::string(), std::string(129, 'a'), std::string("a\"b"), std::string("a\nb"),
                                  std::string("ä"), std::string("a b"), std::string("a\0b", 3)}) {
    OfferedTools tools;
    try {
      offer_tool(tools, {.place = "tools[3]", .name = name, .description = {}});
      ADD_FAILURE() << name;
    } catch (const ApiError& error) {
      EXPECT_EQ(error.status(), 400);
      EXPECT_EQ(std::string(error.what()),
                "Invalid 'tools[3].name': string does not match pattern. Expected a string that matches the pattern "
                "'^[a-zA-Z0-9_.-]{1,128}$'.");
    }
    EXPECT_TRUE(tools.prompt.empty());
  }
  OfferedTools tools;
  offer_tool(tools, {.place = "", .name = std::string(128, 'Z'), .description = {}});
  offer_tool(tools, {.place = "", .name = "mcp__a-b.c_9", .description = {}});
}

TEST(OfferedTools, TheSystemMessageStandsInFrontIfItSaysSomething) {
  std::vector<ChatMessage> messages(1);
  put_system_message(messages, "", {}, std::nullopt);
  EXPECT_EQ(messages.size(), 1U);
  put_system_message(messages, "s", {}, std::nullopt);
  ASSERT_EQ(messages.size(), 2U);
  EXPECT_EQ(messages.front().role, Role::system);
  EXPECT_EQ(messages.front().content, "s");
  put_system_message(messages, "", {}, "{}");
  EXPECT_EQ(messages.front().content, "");
  EXPECT_EQ(messages.front().response_format, "{}");
}

}  // namespace
}  // namespace fathom::api
