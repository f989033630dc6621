#include "fathom/chat/tools_text.h"

#include <gtest/gtest.h>

#include <array>

namespace fathom {
namespace {

// The parameter lines of one call.
std::string parameters(const std::string& arguments) {
  const std::array calls = {ToolCall{.id = "", .name = "f", .arguments = arguments}};
  std::string out;
  append_tool_calls(out, calls);
  const std::string head = "<｜DSML｜tool_calls>\n<｜DSML｜invoke name=\"f\">\n";
  const std::string tail = "\n</｜DSML｜invoke>\n</｜DSML｜tool_calls>";
  EXPECT_EQ(out.substr(0, head.size()), head);
  EXPECT_EQ(out.substr(out.size() - tail.size()), tail);
  return out.substr(head.size(), out.size() - head.size() - tail.size());
}

std::string parameter(const std::string& name, const std::string& flag, const std::string& value) {
  return "<｜DSML｜parameter name=\"" + name + "\" string=\"" + flag + "\">" + value + "</｜DSML｜parameter>";
}

TEST(ToolsText, ArgumentsOfEveryKind) {
  EXPECT_EQ(parameters(R"({"s": "a\n\"b\"", "n": null, "t": true, "i": 123456789012345678901234567890,
                           "f": -1.25e-07, "l": [1,"x"], "o": {"k":"é"}, "e": ""})"),
            parameter("s", "true", "a\n\"b\"") + "\n" + parameter("n", "false", "null") + "\n" +
                parameter("t", "false", "true") + "\n" + parameter("i", "false", "123456789012345678901234567890") +
                "\n" + parameter("f", "false", "-1.25e-07") + "\n" + parameter("l", "false", "[1, \"x\"]") + "\n" +
                parameter("o", "false", "{\"k\": \"é\"}") + "\n" + parameter("e", "true", ""));
}

TEST(ToolsText, NoArgumentsIsAnEmptyLine) { EXPECT_EQ(parameters("{}"), ""); }

TEST(ToolsText, UnparsableArgumentsAreOneString) {
  for (const std::string text : {"", "oops", "{\"a\": 1", "{'a': 1}", "{\"a\": 1} x", "\xef\xbb\xbf{}"})
    EXPECT_EQ(parameters(text), parameter("arguments", "true", text));
}

TEST(ToolsText, ArgumentsThatAreNoObjectDoNotCrash) {
  EXPECT_EQ(parameters("[1,2]"), parameter("arguments", "false", "[1, 2]"));
  EXPECT_EQ(parameters("\"text\""), parameter("arguments", "true", "text"));
  EXPECT_EQ(parameters("null"), parameter("arguments", "false", "null"));
  EXPECT_EQ(parameters(" 5 "), parameter("arguments", "false", "5"));
}

TEST(ToolsText, RepeatedKeysAndStrangeNames) {
  EXPECT_EQ(parameters(R"({"a": 1, "b\n": 2, "a": 3})"),
            parameter("a", "false", "3") + "\n" + parameter("b\n", "false", "2"));
}

TEST(ToolsText, SchemasStandOneALine) {
  const std::array tools = {Tool{.name = "a", .parameters = {}, .schema = "{1}"},
                            Tool{.name = "b", .parameters = {}, .schema = "{2}"}};
  std::string out;
  append_tools(out, tools);
  EXPECT_EQ(out.find("## Tools\n\nYou have access to a set of tools"), 0U);
  EXPECT_NE(out.find("### Available Tool Schemas\n\n{1}\n{2}\n\nYou MUST strictly"), std::string::npos);
  EXPECT_EQ(out.back(), '\n');
}

}  // namespace
}  // namespace fathom
