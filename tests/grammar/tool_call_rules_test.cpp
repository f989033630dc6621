#include "fathom/grammar/tool_call_rules.h"

#include <gtest/gtest.h>

#include "fathom/base/error.h"
#include "fathom/chat/answer_parser.h"
#include "tests/grammar/grammar_support.h"

namespace fathom::grammar {
namespace {

using Choice = ConstraintPlan::Choice;

const std::string kWeather =
    R"({"type": "object", "properties": {"city": {"type": "string"}, "days": {"type": "integer", "minimum": 1, "maximum": 9},
        "unit": {"enum": ["C", "F", null]}, "spots": {"type": "array", "items": {"type": "string"}}},
        "required": ["city", "days"], "additionalProperties": false})";
const std::string kClock = R"({"type": "object", "properties": {}, "additionalProperties": false})";

ConstraintPlan plan_of(Choice choice, std::string tool = "") {
  return {
      .tools = {{"get_weather", kWeather, true}, {"clock", kClock, true}}, .choice = choice, .tool = std::move(tool)};
}

std::string invoke(std::string_view name, std::string_view parameters) {
  return "<｜DSML｜invoke name=\"" + std::string(name) + "\">\n" + std::string(parameters) + "</｜DSML｜invoke>\n";
}
std::string block(std::string_view calls) {
  return "\n\n<｜DSML｜tool_calls>\n" + std::string(calls) + "</｜DSML｜tool_calls>";
}
std::string parameter(std::string_view name, std::string_view value, bool string) {
  return "<｜DSML｜parameter name=\"" + std::string(name) + "\" string=\"" + (string ? "true" : "false") + "\">" +
         std::string(value) + "</｜DSML｜parameter>\n";
}

const std::string kRome = parameter("city", "Rome", true) + parameter("days", "3", false);

TEST(ToolCallRules, RequiredCallsObeyTheirSchemas) {
  const ConstraintPlan plan = plan_of(Choice::required);
  const std::vector<std::string> good = {
      block(invoke("get_weather", kRome)),
      block(invoke("get_weather", kRome) + invoke("clock", "\n")),
      block(invoke("clock", "")),
      block(invoke("get_weather", parameter("city", "a \"<b></c>\\ \n\n｜ é😀 {", true) + parameter("days", "9", false) +
                                      parameter("unit", "F", true) + parameter("spots", "[\"a\", \"b\"]", false))),
      block(invoke("get_weather", kRome + parameter("unit", "null", false))),
      block(invoke("get_weather", parameter("city", "", true) + parameter("days", "1", false)))};
  for (const std::string& text : good) EXPECT_TRUE(takes(small_maker(), plan, small_tokenizer(), text)) << text;
  const std::vector<std::string> bad = {
      "",
      "Rome is fine.",
      block(""),
      block(invoke("other", "")),
      block(invoke("get_weather", parameter("city", "Rome", true))),
      block(invoke("get_weather", parameter("days", "3", false) + parameter("city", "Rome", true))),
      block(invoke("get_weather", parameter("city", "3", false) + parameter("days", "3", false))),
      block(invoke("get_weather", parameter("city", "Rome", true) + parameter("days", "3", true))),
      block(invoke("get_weather", parameter("city", "Rome", true) + parameter("days", "10", false))),
      block(invoke("get_weather", kRome + parameter("unit", "K", true))),
      block(invoke("get_weather", kRome + parameter("x", "y", true))),
      block(invoke("clock", "")) + " and more"};
  for (const std::string& text : bad) EXPECT_FALSE(takes(small_maker(), plan, small_tokenizer(), text)) << text;
}

TEST(ToolCallRules, NamedMeansThatToolOnce) {
  const ConstraintPlan plan = plan_of(Choice::named, "clock");
  EXPECT_TRUE(takes(small_maker(), plan, small_tokenizer(), block(invoke("clock", "\n"))));
  EXPECT_FALSE(takes(small_maker(), plan, small_tokenizer(), block(invoke("get_weather", kRome))));
  EXPECT_FALSE(takes(small_maker(), plan, small_tokenizer(), block(invoke("clock", "") + invoke("clock", ""))));
  EXPECT_THROW(small_maker().make(plan_of(Choice::named, "none")), InputError);
  EXPECT_THROW(small_maker().make({.choice = Choice::required}), InputError);
}

TEST(ToolCallRules, AutomaticIsFreeUntilACallBegins) {
  const ConstraintPlan plan = plan_of(Choice::automatic);
  for (const std::string& text : {std::string("No call, < and </ are text."), std::string(""),
                                  "Let me look." + block(invoke("get_weather", kRome))})
    EXPECT_TRUE(takes(small_maker(), plan, small_tokenizer(), text)) << text;
  for (const std::string& text :
       {"Let me look." + block(invoke("other", "")), block(invoke("clock", kRome)), block(invoke("clock", "")) + "x"})
    EXPECT_FALSE(takes(small_maker(), plan, small_tokenizer(), text)) << text;
  const auto constraint = small_maker().make(plan);
  EXPECT_FALSE(constraint->narrows());
  for (const std::int32_t token : small_tokenizer().encode("hello <｜DSML｜")) constraint->accept(token);
  EXPECT_TRUE(constraint->narrows());
}

TEST(ToolCallRules, TheMarkMayBeSpelledByBytes) {
  const auto constraint = small_maker().make(plan_of(Choice::automatic));
  for (const char byte : std::string("so <｜DSML｜")) {
    // All may come but tokens that complete the mark and then go astray.
    const bool some_astray = constraint->narrows();
    for (std::int32_t token = 0; token < small_tokenizer().vocab(); ++token)
      if (small_tokenizer().piece(token) == std::string_view(&byte, 1)) {
        EXPECT_TRUE(!some_astray || allows(*constraint, small_tokenizer(), token));
        constraint->accept(token);
        break;
      }
  }
  EXPECT_TRUE(constraint->narrows());
}

TEST(ToolCallRules, NothingToNarrow) {
  EXPECT_EQ(small_maker().make({}), nullptr);
  EXPECT_EQ(small_maker().make(plan_of(Choice::none)), nullptr);
  EXPECT_EQ(small_maker().make({.tools = {{"a", "{}", false}}}), nullptr);
}

TEST(ToolCallRules, ThinkingComesFirst) {
  ConstraintPlan plan = plan_of(Choice::required);
  plan.thinking = true;
  EXPECT_TRUE(takes(small_maker(), plan, small_tokenizer(), "<｜DSML｜ hm</think>" + block(invoke("clock", ""))));
  EXPECT_FALSE(takes(small_maker(), plan, small_tokenizer(), "hm</think>I will not."));
  EXPECT_FALSE(takes(small_maker(), plan, small_tokenizer(), "hm"));
  plan.choice = Choice::automatic;
  EXPECT_TRUE(takes(small_maker(), plan, small_tokenizer(), "hm"));
  EXPECT_TRUE(takes(small_maker(), plan, small_tokenizer(), "<｜DSML｜</think>text"));
  EXPECT_FALSE(takes(small_maker(), plan, small_tokenizer(), "hm</think>" + block(invoke("other", ""))));
}

TEST(ToolCallRules, JsonOrACall) {
  ConstraintPlan plan = plan_of(Choice::automatic);
  plan.answer = ConstraintPlan::Answer::json_object;
  EXPECT_TRUE(takes(small_maker(), plan, small_tokenizer(), "{\"a\": 1}"));
  EXPECT_TRUE(takes(small_maker(), plan, small_tokenizer(), block(invoke("clock", ""))));
  EXPECT_FALSE(takes(small_maker(), plan, small_tokenizer(), "text"));
}

TEST(ToolCallRules, LooseToolsTakeAnyParameters) {
  const ConstraintPlan plan{.tools = {{"any", R"({"not": "read"})", false}}, .choice = Choice::required};
  EXPECT_TRUE(takes(small_maker(), plan, small_tokenizer(),
                    block(invoke("any", parameter("a.b", "x", true) + parameter("c", "{\"d\": [1]}", false)))));
  EXPECT_FALSE(takes(small_maker(), plan, small_tokenizer(), block(invoke("any", parameter("c", "{d}", false)))));
  EXPECT_FALSE(takes(small_maker(), plan, small_tokenizer(), block(invoke("any", parameter("c", "\"d\"", false)))));
}

// The parser of answers reads every random answer without a fault, and its arguments fit.
TEST(ToolCallRules, RandomCallsParseAndFit) {
  std::mt19937 random(4);
  for (int round = 0; round < 60; ++round) {
    const auto constraint = small_maker().make(plan_of(Choice::required));
    const std::string text = random_answer(*constraint, small_tokenizer(), random, 200);
    AnswerParser parser({.thinking_mode = ThinkingMode::chat});
    parser.feed(text);
    parser.finish();
    ASSERT_TRUE(parser.answer().well_formed()) << text << "\n" << describe(parser.answer().faults.front());
    ASSERT_FALSE(parser.answer().calls.empty()) << text;
    for (const AnswerCall& call : parser.answer().calls) {
      const JsonValue schema = read_json(call.name == "clock" ? kClock : kWeather, "schema");
      ASSERT_EQ(misfit(read_json(call.arguments, "arguments"), schema, schema), "") << text;
    }
  }
}

TEST(ToolCallRules, FaultsNameTheTool) {
  const auto fault = [](std::string name, std::string schema) -> std::string {
    try {
      small_maker().make({.tools = {{std::move(name), std::move(schema), true}}});
    } catch (const InputError& error) {
      return error.what();
    }
    return "";
  };
  EXPECT_NE(fault("t", R"({"type": "object", "properties": {"a": {"not": {}}}})").find("tool t/properties/a"),
            std::string::npos);
  EXPECT_NE(fault("t", R"({"type": "string"})").find("tool t"), std::string::npos);
  EXPECT_NE(fault("t", R"({"anyOf": []})").find("tool t"), std::string::npos);
  EXPECT_NE(fault("a\"b", "{}").find("name"), std::string::npos);
}

}  // namespace
}  // namespace fathom::grammar
