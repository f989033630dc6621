#include "fathom/evaluation/check.h"

#include <gtest/gtest.h>

#include "tests/base/file_support.h"

namespace fathom {
namespace {

Check check_of(std::string_view json) {
  const JsonValue value = read_json(json, "check");
  return read_check(JsonField(&value, "check"));
}

bool says(std::string_view check, std::string content) {
  Answer answer;
  answer.content = std::move(content);
  return passes(check_of(check), answer);
}

bool calls(std::string_view check, std::vector<AnswerCall> made, std::string content = "") {
  Answer answer;
  answer.content = std::move(content);
  answer.calls = std::move(made);
  return passes(check_of(check), answer);
}

TEST(Check, Exact) {
  const std::string_view check = R"({"kind": "exact", "expected": "Yes, two."})";
  EXPECT_TRUE(says(check, "Yes, two."));
  EXPECT_TRUE(says(check, "\n Yes, two.\t"));
  EXPECT_FALSE(says(check, "yes, two."));
  EXPECT_FALSE(says(check, "Yes,  two."));
  EXPECT_FALSE(says(check, ""));
  EXPECT_TRUE(says(R"({"kind": "exact", "expected": 12})", "12"));
  EXPECT_TRUE(says(R"({"kind": "exact", "expected": ""})", " \n"));
}

TEST(Check, ContainsEachAndAnyOf) {
  const std::string_view each = R"({"kind": "contains", "expected": ["Lyon", "12"]})";
  EXPECT_TRUE(says(each, "In LYON there are 12."));
  EXPECT_FALSE(says(each, "In Lyon."));
  EXPECT_FALSE(says(each, ""));
  const std::string_view any = R"({"kind": "any_of", "expected": ["Lyon", 12]})";
  EXPECT_TRUE(says(any, "lyon"));
  EXPECT_TRUE(says(any, "It is 12."));
  EXPECT_FALSE(says(any, "Paris"));
  EXPECT_TRUE(says(R"({"kind": "unknown", "expected": ["do not know"]})", "I DO NOT KNOW that."));
  EXPECT_FALSE(says(R"({"kind": "unknown", "expected": ["do not know"]})", "It is 12."));
}

TEST(Check, NumbersAndLettersStandByThemselves) {
  const std::string_view five = R"({"kind": "contains", "expected": ["5"]})";
  for (const std::string content : {"5", "It is 5.", "(5)", "the 5th", "15 or 5", "5-6", "A5", "5,", "x=5;", "5."})
    EXPECT_TRUE(says(five, content)) << content;
  for (const std::string content : {"15", "50", "5.2", "0.5", "-5", "it is -5", "1.5.", "150"})
    EXPECT_FALSE(says(five, content)) << content;
  const std::string_view letter = R"({"kind": "any_of", "expected": ["E"]})";
  for (const std::string content : {"e", "It is \"e\".", "letter E!", "e, f"})
    EXPECT_TRUE(says(letter, content)) << content;
  for (const std::string content : {"letter", "the", "é", "eé", "me"}) EXPECT_FALSE(says(letter, content)) << content;
  EXPECT_TRUE(says(R"({"kind": "contains", "expected": ["gate 12"]})", "Gate 12 it is"));
  EXPECT_FALSE(says(R"({"kind": "contains", "expected": ["gate 12"]})", "Gate 120, not gate 12.5"));
  EXPECT_TRUE(says(R"({"kind": "contains", "expected": ["-5"]})", "It is -5."));
  EXPECT_TRUE(says(R"({"kind": "contains", "expected": ["sun"]})", "sunny")) << "words may have endings";
}

TEST(Check, TheLastNumber) {
  const std::string_view eight = R"({"kind": "number", "expected": 8})";
  for (const std::string content :
       {"8", "8.", "8.0", "8.00 euros", "2 * 4 = 8", "= 8!", "x8", "It is **8**", "5-8", "A-8", "-9, 8"})
    EXPECT_TRUE(says(eight, content)) << content;
  for (const std::string content : {"", "eight", "-8", "8 and 9", "80", "0.8", "8.5", "8 / 2", "a - -8"})
    EXPECT_FALSE(says(eight, content)) << content;
  EXPECT_TRUE(says(R"({"kind": "number", "expected": -3})", "5 - 8 = -3"));
  EXPECT_TRUE(says(R"({"kind": "number", "expected": "-3"})", "-3"));
  EXPECT_TRUE(says(R"({"kind": "number", "expected": 0.25})", "It is 0.250."));
  EXPECT_TRUE(says(R"({"kind": "number", "expected": 1e2})", "100"));
  const std::string huge(5000, '7');
  EXPECT_TRUE(says(R"({"kind": "number", "expected": )" + huge + "}", huge));
  EXPECT_FALSE(says(R"({"kind": "number", "expected": )" + huge + "}", huge + "7"));
}

TEST(Check, Json) {
  const std::string_view check =
      R"({"kind": "json", "expected": {"a": 1, "b": ["x"]}, "schema": {"type": "object", "properties":
      {"a": {"type": "integer"}, "b": {"type": "array"}}}})";
  EXPECT_TRUE(says(check, R"( {"b": ["x"], "a": 1} )"));
  EXPECT_FALSE(says(check, R"({"b": ["x"], "a": 1.0})")) << "equal, but no integer";
  EXPECT_FALSE(says(check, R"({"a": 1, "b": ["x"]} and so on)"));
  EXPECT_FALSE(says(check, "```json\n{\"a\": 1, \"b\": [\"x\"]}\n```"));
  EXPECT_FALSE(says(check, R"({"a": 1, "b": ["x"],})"));
  EXPECT_FALSE(says(check, ""));
  EXPECT_TRUE(says(R"({"kind": "json", "expected": null})", "null"));
  EXPECT_FALSE(says(R"({"kind": "json", "expected": null})", "NaN"));
  EXPECT_FALSE(says(R"({"kind": "json", "expected": []})", std::string(5000, '[') + std::string(5000, ']')));
  EXPECT_FALSE(says(R"({"kind": "json", "expected": "a"})", "\"\xFF\""));
}

TEST(Check, ToolCalls) {
  const std::string_view check =
      R"({"kind": "tool_call", "expected": [{"name": "f", "arguments": {"x": 1, "y": "a"}}, {"name": "g", "arguments": {}}]})";
  const AnswerCall f{.name = "f", .arguments = R"({"y": "a", "x": 1.0})"};
  const AnswerCall g{.name = "g", .arguments = "{}"};
  EXPECT_TRUE(calls(check, {f, g}));
  EXPECT_FALSE(calls(check, {g, f}));
  EXPECT_FALSE(calls(check, {f}));
  EXPECT_FALSE(calls(check, {f, g, g}));
  EXPECT_FALSE(calls(check, {}));
  EXPECT_FALSE(calls(check, {f, {.name = "g", .arguments = "{}", .complete = false}}));
  EXPECT_FALSE(calls(check, {f, {.name = "g", .arguments = "no JSON"}}));
  EXPECT_FALSE(calls(check, {f, {.name = "G", .arguments = "{}"}}));
  EXPECT_FALSE(calls(check, {{.name = "f", .arguments = R"({"x": "1", "y": "a"})"}, g}));
}

TEST(Check, NoCallAndAskingBack) {
  const AnswerCall f{.name = "f", .arguments = "{}"};
  EXPECT_TRUE(calls(R"({"kind": "no_call", "expected": null})", {}, "I can do that myself."));
  EXPECT_FALSE(calls(R"({"kind": "no_call"})", {f}));
  EXPECT_TRUE(calls(R"({"kind": "asks"})", {}, "For which city?"));
  EXPECT_TRUE(calls(R"({"kind": "asks"})", {}, "Please TELL me the city."));
  EXPECT_FALSE(calls(R"({"kind": "asks"})", {}, "Rainy."));
  EXPECT_FALSE(calls(R"({"kind": "asks"})", {}, "  "));
  EXPECT_FALSE(calls(R"({"kind": "asks"})", {f}, "For which city?"));
  EXPECT_TRUE(says(R"({"kind": "read"})", ""));
}

TEST(Check, AnyBytesCanBeAnAnswer) {
  std::string bytes;
  for (int byte = 0; byte < 256; ++byte) bytes += static_cast<char>(byte);
  for (const std::string_view kind :
       {"exact", "any_of", "contains", "number", "json", "unknown", "no_call", "asks", "read"}) {
    const std::string expected = kind == "number"                    ? "77"
                                 : kind == "exact" || kind == "json" ? R"("zzz")"
                                                                     : R"(["zzz"])";
    const std::string check = fmt::format(R"({{"kind": "{}", "expected": {}}})", kind, expected);
    EXPECT_EQ(says(check, bytes), kind == "no_call" || kind == "asks" || kind == "read") << kind;
  }
}

TEST(Check, FaultsAreNamed) {
  const auto error = [](std::string_view json) { return testing::error_of([&] { check_of(json); }); };
  EXPECT_NE(
      error(R"({"kind": "exactly", "expected": ""})").find("check.kind: found \"exactly\", expected one of exact"),
      std::string::npos)
      << error(R"({"kind": "exactly", "expected": ""})");
  EXPECT_NE(error(R"({"kind": "exact"})").find("check.expected: found nothing"), std::string::npos);
  EXPECT_NE(error(R"({"kind": "contains", "expected": "a"})").find("an array"), std::string::npos);
  EXPECT_NE(error(R"({"kind": "contains", "expected": []})").find("one text or more"), std::string::npos);
  EXPECT_NE(error(R"({"kind": "contains", "expected": ["a", null]})").find("check.expected[1]"), std::string::npos);
  EXPECT_NE(error(R"({"kind": "number", "expected": "five"})").find("a number"), std::string::npos);
  EXPECT_NE(error(R"({"kind": "json"})").find("a JSON value"), std::string::npos);
  EXPECT_NE(error(R"({"kind": "json", "expected": 1, "schema": 2})").find("check.schema"), std::string::npos);
  EXPECT_NE(error(R"({"kind": "tool_call", "expected": [{"name": "f"}]})").find("check.expected[0].arguments"),
            std::string::npos);
  EXPECT_NE(error("[]").find("an object"), std::string::npos);
}

TEST(Check, EveryKindHasItsName) {
  for (const std::string_view kind : {"exact", "any_of", "contains", "unknown", "read", "asks", "no_call"}) {
    const std::string expected = kind == "exact" ? R"("a")" : R"(["a"])";
    EXPECT_EQ(name_of(check_of(fmt::format(R"({{"kind": "{}", "expected": {}}})", kind, expected)).kind), kind);
  }
}

}  // namespace
}  // namespace fathom
