// What AnswerParser makes of an answer fits what was asked for, whatever tokens the constraint let come.
#include "fathom/grammar/answer_constraint.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "fathom/base/error.h"
#include "fathom/chat/answer_parser.h"
#include "tests/grammar/grammar_support.h"

namespace fathom::grammar {
namespace {

using Answer = ConstraintPlan::Answer;
using Choice = ConstraintPlan::Choice;

const std::string kSchema =
    R"({"type": "object", "properties": {"n": {"type": "integer", "minimum": 10, "maximum": 99},
        "s": {"enum": ["a", "b</think>", null]}}, "required": ["n"], "additionalProperties": false})";

std::string block(const std::string& value) {
  return "\n\n<｜DSML｜tool_calls>\n<｜DSML｜invoke name=\"f\">\n<｜DSML｜parameter name=\"n\" string=\"false\">" +
         value + "</｜DSML｜parameter>\n</｜DSML｜invoke>\n</｜DSML｜tool_calls>";
}

std::vector<std::int32_t> bytes_of(std::string_view text) {
  std::vector<std::int32_t> tokens;
  for (const char byte : text)
    for (std::int32_t token = 0; token < small_tokenizer().vocab(); ++token)
      if (small_tokenizer().piece(token) == std::string_view(&byte, 1)) {
        tokens.push_back(token);
        break;
      }
  return tokens;
}

// An answer that the constraint follows, token by token.
class Writer {
 public:
  explicit Writer(const ConstraintPlan& plan) : constraint_(small_maker().make(plan)) {}

  bool may(std::int32_t token) { return !constraint_->narrows() || allows(*constraint_, small_tokenizer(), token); }
  // As far as it may come; whether that is all of it.
  bool say(const std::vector<std::int32_t>& tokens) {
    for (const std::int32_t token : tokens) {
      if (!may(token)) return false;
      constraint_->accept(token);
      if (token != kEnd) text += small_tokenizer().piece(token);
    }
    return true;
  }
  bool say(std::string_view words) { return say(small_tokenizer().encode(words)); }
  bool spell(std::string_view words) { return say(bytes_of(words)); }
  bool end() { return say(std::vector<std::int32_t>{kEnd}); }
  bool free() { return may(small_tokenizer().encode("q").front()) && may(small_tokenizer().encode("\n").front()); }
  // However it stands, to an end of random tokens: at once, or with a call.
  void finish(std::mt19937& random) {
    if (!may(kEnd)) say("</think>");
    if (may(kEnd) && free()) {
      if (random() % 4 == 0 && end()) return;
      say("<｜DSML｜");
      if (free()) say("</think><｜DSML｜");  // it was reasoning
    }
    text += random_answer(*constraint_, small_tokenizer(), random, 60);
  }

  std::string text;

 private:
  std::shared_ptr<TokenConstraint> constraint_;
};

fathom::Answer parsed(const std::string& text, bool thinking, bool tools = true) {
  AnswerParser parser({.thinking_mode = thinking ? ThinkingMode::thinking : ThinkingMode::chat,
                       .tools_offered = tools,
                       .calls_in_thinking = false});
  parser.feed(text);
  parser.finish();
  return parser.answer();
}

std::string misfit_of(const std::string& json) {
  const JsonValue schema = read_json(kSchema, "schema");
  return is_json(json) ? misfit(read_json(json, "answer"), schema, schema) : "no JSON: " + json;
}

ConstraintPlan strict_plan(Choice choice, bool thinking) {
  return {.tools = {{"f", kSchema, true}}, .choice = choice, .tool = "f", .thinking = thinking};
}

TEST(AnswerConstraint, ReasoningEndsHoweverItsEndIsSpelled) {
  for (const bool by_bytes : {false, true}) {
    Writer writer({.answer = Answer::json_schema, .schema = kSchema, .thinking = true});
    EXPECT_TRUE(writer.say("hm"));
    EXPECT_TRUE(by_bytes ? writer.spell("</think>") : writer.say("</think>"));
    EXPECT_FALSE(writer.say("x")) << "the answer has begun";
    EXPECT_TRUE(writer.say("{\"n\": 12}")) << writer.text;
    EXPECT_TRUE(writer.end());
    EXPECT_EQ(parsed(writer.text, true, false).reasoning_content, "hm");
  }
}

// "</think" and then a token that says more than '>'.
TEST(AnswerConstraint, ATokenThatEndsTheReasoningGoesOnAsTheAnswer) {
  Writer writer({.answer = Answer::json_object, .thinking = true});
  ASSERT_TRUE(writer.spell("a</think"));
  int fitting = 0;
  int astray = 0;
  for (std::int32_t token = 0; token < small_tokenizer().vocab(); ++token) {
    const std::string_view piece = small_tokenizer().piece(token);
    if (!piece.starts_with('>')) continue;
    const bool blank = piece.find_first_not_of(" \n", 1) == std::string_view::npos;
    EXPECT_TRUE(writer.may(token) || !blank || piece.size() > 3) << piece;
    EXPECT_FALSE(writer.may(token) && !blank) << piece;
    (writer.may(token) ? fitting : astray) += 1;
  }
  EXPECT_GT(fitting, 0);
  EXPECT_GT(astray, 0) << "the vocabulary has tokens like \"></\"";
}

TEST(AnswerConstraint, AnEndThatIsSpelledOutIsNone) {
  for (const Choice choice : {Choice::required, Choice::automatic}) {
    Writer writer(strict_plan(choice, true));
    ASSERT_TRUE(writer.say("hm"));
    EXPECT_EQ(writer.spell("<｜end▁of▁sentence｜>"), choice == Choice::automatic);
  }
}

TEST(AnswerConstraint, ACallInTheReasoningIsNoneAndMustBeSaidBehindIt) {
  for (const bool by_bytes : {false, true}) {
    Writer writer(strict_plan(Choice::automatic, true));
    ASSERT_TRUE(by_bytes ? writer.spell(block("\"x\"")) : writer.say(block("\"x\"")));
    EXPECT_FALSE(writer.may(kEnd));
    ASSERT_TRUE(writer.say("</think>"));
    EXPECT_TRUE(writer.may(kEnd)) << "text may be empty";
    ASSERT_TRUE(writer.say(block("11")));
    ASSERT_TRUE(writer.end());
    const fathom::Answer answer = parsed(writer.text, true);
    ASSERT_EQ(answer.calls.size(), 1U);
    EXPECT_EQ(answer.calls[0].arguments, "{\"n\": 11}");
    EXPECT_EQ(answer.reasoning_content, block("\"x\""));
  }
}

TEST(AnswerConstraint, TextThatBeginsWithThinkIsReasoning) {
  Writer writer(strict_plan(Choice::automatic, false));
  ASSERT_TRUE(writer.say(" </think>\n<think>"));
  ASSERT_TRUE(writer.say(block("\"x\"")));
  EXPECT_FALSE(writer.may(kEnd));
  ASSERT_TRUE(writer.spell("</think>"));
  EXPECT_FALSE(writer.say(block("\"x\"")));
  Writer later(strict_plan(Choice::automatic, false));
  ASSERT_TRUE(later.say("a<think>"));
  EXPECT_FALSE(later.say(block("\"x\""))) << "further on it is text";
}

// Whatever leads astray is tried, whole and in bytes.
// Guesses of any length between the tokens, and what may come is what may come without them.
TEST(AnswerConstraint, AGuessLeavesNothingBehind) {
  const std::vector<ConstraintPlan> plans = {
      schema_plan(R"({"type": "object", "properties": {"name": {"type": "string"}, "sizes": {"type": "array", "items":
                  {"type": "integer"}}}, "required": ["name", "sizes"], "additionalProperties": false})"),
      {.answer = ConstraintPlan::Answer::json_object, .thinking = true},
      {.tools = {{.name = "look",
                  .parameters = R"({"type": "object", "properties": {"where": {"type": "string"}}})",
                  .strict = true}},
       .choice = ConstraintPlan::Choice::required,
       .thinking = true}};
  std::mt19937 random(11);
  for (const ConstraintPlan& plan : plans) {
    const auto plain = small_maker().make(plan);
    const auto guessing = small_maker().make(plan);
    const auto draw = [&](TokenConstraint& constraint) {
      if (!constraint.narrows()) return random() % 20 == 0 ? small_tokenizer().encode("</think>").front() : 200;
      const auto tokens = allowed_tokens(constraint, small_tokenizer());
      return tokens[random() % tokens.size()];
    };
    int guessed = 0;
    for (int place = 0; place < 120; ++place) {
      ASSERT_EQ(plain->narrows(), guessing->narrows());
      if (plain->narrows()) {
        ASSERT_EQ(allowed_tokens(*plain, small_tokenizer()), allowed_tokens(*guessing, small_tokenizer()));
      }
      ASSERT_TRUE(guessing->begin_guess());
      for (auto left = random() % 9; left > 0; --left, ++guessed) guessing->accept(draw(*guessing));
      guessing->end_guess();
      const std::int32_t token = draw(*plain);
      plain->accept(token);
      guessing->accept(token);
    }
    EXPECT_GT(guessed, 100);
  }
}

TEST(AnswerConstraint, WhatIsParsedFits) {
  const std::vector<std::string> temptations = {"</think>",
                                                "<think>",
                                                "</think",
                                                "<｜DSML｜",
                                                "<｜DSM",
                                                "<｜end▁of▁sentence｜>",
                                                block("1"),
                                                block("10</think>1"),
                                                "<｜DSML｜invoke name=\"f\">\n</｜DSML｜invoke>",
                                                "<｜DSML｜function_calls>\n<｜DSML｜invoke name=\"f\">",
                                                "</｜DSML｜tool_calls>",
                                                "{\"n\": 1}",
                                                "\n\n",
                                                " \t",
                                                "hello "};
  struct Case {
    ConstraintPlan plan;
    bool must_call = false;
    bool json = false;
  };
  std::vector<Case> cases;
  for (const bool thinking : {false, true}) {
    cases.push_back({.plan = strict_plan(Choice::automatic, thinking)});
    cases.push_back({.plan = strict_plan(Choice::required, thinking), .must_call = true});
    cases.push_back({.plan = strict_plan(Choice::named, thinking), .must_call = true});
    cases.push_back({.plan = {.answer = Answer::json_schema, .schema = kSchema, .thinking = thinking}, .json = true});
    ConstraintPlan both = strict_plan(Choice::automatic, thinking);
    both.answer = Answer::json_schema;
    both.schema = kSchema;
    cases.push_back({.plan = both, .json = true});
  }
  std::mt19937 random(5);
  int calls = 0;
  for (const Case& one : cases)
    for (int round = 0; round < 60; ++round) {
      Writer writer(one.plan);
      for (std::uint32_t count = random() % 5; count > 0; --count) {
        const std::string& words = temptations[random() % temptations.size()];
        if (random() % 3 == 0)
          writer.spell(words);
        else
          writer.say(words);
      }
      writer.finish(random);
      const fathom::Answer answer = parsed(writer.text, one.plan.thinking, !one.plan.tools.empty());
      for (const AnswerCall& call : answer.calls) EXPECT_EQ(misfit_of(call.arguments), "") << writer.text;
      EXPECT_TRUE(!one.must_call || !answer.calls.empty()) << writer.text;
      if (one.json && answer.calls.empty()) {
        EXPECT_EQ(misfit_of(answer.content), "") << writer.text;
      }
      calls += static_cast<int>(answer.calls.size());
    }
  EXPECT_GT(calls, 200);
}

}  // namespace
}  // namespace fathom::grammar
