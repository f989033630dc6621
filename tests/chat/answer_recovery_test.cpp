// Answers whose markup left the format, one test a way of leaving it. The shapes are those that users of other engines
// reported.
#include <gtest/gtest.h>

#include "fathom/chat/answer_parser.h"
#include "tests/chat/dsml_pieces.h"

// NOLINTBEGIN(performance-inefficient-string-concatenation): cases are read, not run in a loop

namespace fathom {
namespace {

using namespace test;  // NOLINT(google-build-using-namespace): the pieces are words here

// --- the parameter "arguments" as a wrapper around all arguments

TEST(AnswerRecovery, ArgumentsWrapperIsOpened) {
  for (const std::string flag : {" string=\"false\"", " string=\"true\"", ""}) {
    const Answer answer =
        expect_same_however_cut(chat_mode(), block(parameter("arguments", flag, "{\"city\":\"Rome\"}")) + kEos);
    EXPECT_EQ(only_call(answer), "{\"city\":\"Rome\"}");
    EXPECT_TRUE(has(answer, AnswerFault::arguments_wrapped));
  }
}

TEST(AnswerRecovery, ArgumentsOfAToolThatHasThemAreNoWrapper) {
  const Answer answer = expect_same_however_cut(with_tool({"program", "arguments"}),
                                                block(parameter("arguments", " string=\"false\"", "{\"a\": 1}")));
  EXPECT_EQ(only_call(answer), R"({"arguments": {"a": 1}})");
  EXPECT_TRUE(answer.well_formed());
}

TEST(AnswerRecovery, ArgumentsInCompanyAreNoWrapper) {
  const Answer answer =
      expect_same_however_cut(chat_mode(), block(parameter("arguments", " string=\"false\"", "{\"a\": 1}") + kCity));
  EXPECT_EQ(only_call(answer), R"({"arguments": {"a": 1}, "city": "Rome"})");
}

TEST(AnswerRecovery, ArgumentsThatAreNoObjectStayAsTheEncoderWroteThem) {
  EXPECT_EQ(only_call(expect_same_however_cut(chat_mode(), block(parameter("arguments", " string=\"true\"", "{oops")))),
            R"({"arguments": "{oops"})");
  EXPECT_EQ(only_call(expect_same_however_cut(chat_mode(), block(parameter("arguments", " string=\"false\"", "[1]")))),
            R"({"arguments": [1]})");
}

TEST(AnswerRecovery, WrappedScalarIsTheToolsOnlyParameter) {
  const Answer answer =
      expect_same_however_cut(with_tool({"command"}), block(parameter("arguments", " string=\"true\"", "ls -l")));
  EXPECT_EQ(only_call(answer), R"({"command": "ls -l"})");
}

TEST(AnswerRecovery, InputIsAWrapperOnlyForAToolKnownNotToHaveIt) {
  const std::string text = block(parameter("input", " string=\"false\"", "{\"city\": \"Rome\"}"));
  EXPECT_EQ(only_call(expect_same_however_cut(with_tool({"city"}), text)), kCityJson);
  EXPECT_EQ(only_call(expect_same_however_cut(with_tool({"input"}), text)), R"({"input": {"city": "Rome"}})");
  EXPECT_EQ(only_call(expect_same_however_cut(chat_mode(), text)), R"({"input": {"city": "Rome"}})");
}

TEST(AnswerRecovery, JsonInPlaceOfParametersIsTheArguments) {
  const Answer answer = expect_same_however_cut(chat_mode(), block("{\"city\": \"Rome\"}\n"));
  EXPECT_EQ(only_call(answer), kCityJson);
  EXPECT_TRUE(has(answer, AnswerFault::arguments_bare));
}

// --- calls in thinking

TEST(AnswerRecovery, CallInsideThinkCounts) {
  const Answer answer = expect_same_however_cut(thinking_mode(), "Let me look." + kOpen + kCall + kClose + kEos);
  EXPECT_EQ(answer.reasoning_content, "Let me look.");
  EXPECT_EQ(answer.content, "");
  EXPECT_EQ(only_call(answer), kCityJson);
  EXPECT_TRUE(has(answer, AnswerFault::call_in_thinking));
}

TEST(AnswerRecovery, CallInsideThinkCountsWhenThinkEndsRightAfterIt) {
  const Answer answer = expect_same_however_cut(thinking_mode(), "r" + kOpen + kCall + kClose + "\n</think>\n" + kEos);
  EXPECT_EQ(answer.reasoning_content, "r");
  EXPECT_EQ(only_call(answer), kCityJson);
}

TEST(AnswerRecovery, CallsBeforeTheEndOfThinkingAreTextWhereTheyMayNotCount) {
  AnswerOptions options = thinking_mode();
  options.calls_in_thinking = false;
  const std::string draft = "r" + kOpen + kCall + kClose + " more";
  const Answer unanswered = expect_same_however_cut(options, draft + kEos);
  EXPECT_TRUE(unanswered.calls.empty());
  EXPECT_EQ(unanswered.reasoning_content, draft);
  const Answer answered = expect_same_however_cut(options, draft + "</think>" + kOpen + kCall + kClose + kEos);
  EXPECT_EQ(only_call(answered), kCityJson);
  EXPECT_EQ(answered.reasoning_content, draft);
}

TEST(AnswerRecovery, DraftCallInsideThinkGivesWayToTheAnswer) {
  const std::string draft = "r" + kOpen + kCall + kClose + " more</think>";
  const Answer with_call = expect_same_however_cut(
      thinking_mode(), draft + "Now." + kOpen + "<｜DSML｜invoke name=\"g\">\n" + kInvokeEnd + kClose + kEos);
  ASSERT_EQ(with_call.calls.size(), 1U);
  EXPECT_EQ(with_call.calls[0].name, "g");
  EXPECT_EQ(with_call.content, "Now.");
  EXPECT_EQ(with_call.reasoning_content, "r more");
  EXPECT_TRUE(has(with_call, AnswerFault::draft_call_dropped));
  const Answer with_text = expect_same_however_cut(thinking_mode(), draft + "It is sunny." + kEos);
  EXPECT_TRUE(with_text.calls.empty());
  EXPECT_EQ(with_text.content, "It is sunny.");
}

// --- tags missing or spoilt

TEST(AnswerRecovery, StartTokenMissing) {
  const Answer answer = expect_same_however_cut(chat_mode(), "Sure.\n\n" + kCall + kCall + kClose + kEos);
  EXPECT_EQ(answer.content, "Sure.");
  ASSERT_EQ(answer.calls.size(), 2U);
  EXPECT_EQ(answer.calls[1].arguments, kCityJson);
  EXPECT_EQ(answer.faults, Faults{AnswerFault::start_tag_missing});
}

TEST(AnswerRecovery, StartTokenMissingInThinking) {
  const Answer answer = expect_same_however_cut(thinking_mode(), "r\n\n" + kCall + kClose + kEos);
  EXPECT_EQ(answer.reasoning_content, "r");
  EXPECT_EQ(only_call(answer), kCityJson);
}

TEST(AnswerRecovery, StartTokenMisspeltOrOfTheOldFormat) {
  for (const std::string tag :
       {"<｜DSML｜toolcalls>", "<｜DSML｜function_calls>", "<｜DSML｜tool_calls", "<｜DSML｜>"}) {
    const Answer answer = expect_same_however_cut(chat_mode(), "a\n\n" + tag + "\n" + kCall + kClose + kEos);
    EXPECT_EQ(answer.content, "a") << tag;
    EXPECT_EQ(only_call(answer), kCityJson) << tag;
    EXPECT_EQ(answer.faults, Faults{AnswerFault::start_tag_malformed}) << tag;
  }
  const Answer old = expect_same_however_cut(
      chat_mode(), "\n\n<｜DSML｜function_calls>\n" + kCall + "</｜DSML｜function_calls>" + kEos);
  EXPECT_EQ(only_call(old), kCityJson);
  EXPECT_EQ(old.content, "");
}

TEST(AnswerRecovery, ThinkEndMissing) {
  const Answer answer = expect_same_however_cut(thinking_mode(), "All of it is thought." + kEos);
  EXPECT_EQ(answer.reasoning_content, "All of it is thought.");
  EXPECT_EQ(answer.content, "");
  EXPECT_EQ(answer.faults, Faults{AnswerFault::think_end_missing});
  EXPECT_EQ(expect_same_however_cut(thinking_mode(), "x").faults, Faults{AnswerFault::think_end_missing});
}

TEST(AnswerRecovery, PartialCloseTags) {
  const Answer answer = expect_same_however_cut(
      chat_mode(), kOpen + kInvoke +
                       "<｜DSML｜parameter name=\"city\" string=\"true\">Rome</｜DSML｜parameter\n</｜DSML｜invoke\n"
                       "</｜DSML｜tool_calls" +
                       kEos);
  EXPECT_EQ(only_call(answer), kCityJson);
  EXPECT_EQ(answer.content, "");
  EXPECT_EQ(answer.faults, Faults(3, AnswerFault::end_tag_partial));
}

TEST(AnswerRecovery, CloseTagsMissing) {
  const std::string value = "<｜DSML｜parameter name=\"city\" string=\"true\">Rome";
  for (const std::string& text : {
           kOpen + kInvoke + kCity + kInvokeEnd + kEos,                  // the block's
           kOpen + kInvoke + kCity + kClose + kEos,                      // the call's
           kOpen + kInvoke + kCity + kEos,                               // both
           kOpen + kInvoke + value + "\n" + kInvokeEnd + kClose + kEos,  // the value's
           kOpen + kInvoke + value + kInvokeEnd + kClose,                // without its line break
           kOpen + kInvoke + value + "\n" + kClose + kEos,               // the value's and the call's
           kOpen + kInvoke + value + kEos,                               // all
           kOpen + kInvoke + value + "\n" + kInvokeEnd,                  // the value's and the block's
           kOpen + kInvoke + value + "</｜DSML｜param",                  // half of the value's
       }) {
    const Answer answer = expect_same_however_cut(chat_mode(), text);
    EXPECT_EQ(only_call(answer), kCityJson) << text;
    EXPECT_TRUE(answer.calls.at(0).complete) << text;
    EXPECT_EQ(answer.content, "") << text;
    EXPECT_FALSE(answer.well_formed()) << text;
  }
}

TEST(AnswerRecovery, CloseTagMissingBeforeTheNextParameterOrCall) {
  const Answer next_parameter =
      expect_same_however_cut(chat_mode(), block("<｜DSML｜parameter name=\"a\" string=\"true\">x\n" + kCity) + kEos);
  EXPECT_EQ(only_call(next_parameter), R"({"a": "x", "city": "Rome"})");
  const Answer next_call = expect_same_however_cut(
      chat_mode(), kOpen + kInvoke + "<｜DSML｜parameter name=\"a\" string=\"true\">x\n" + kCall + kClose + kEos);
  ASSERT_EQ(next_call.calls.size(), 2U);
  EXPECT_EQ(next_call.calls[0].arguments, R"({"a": "x"})");
  EXPECT_EQ(next_call.calls[1].arguments, kCityJson);
  const Answer unclosed_call = expect_same_however_cut(chat_mode(), kOpen + kInvoke + kCity + kCall + kClose + kEos);
  ASSERT_EQ(unclosed_call.calls.size(), 2U);
  EXPECT_EQ(unclosed_call.calls[0].arguments, kCityJson);
}

TEST(AnswerRecovery, StrayCloseTagsAreLeftOut) {
  for (const std::string tag : {"</｜DSML｜parameter>", "</｜DSML｜invoke>", "</｜DSML｜tool_calls>"}) {
    const Answer answer = expect_same_however_cut(chat_mode(), "Done." + tag + " Bye." + kEos);
    EXPECT_EQ(answer.content, "Done. Bye.");
    EXPECT_EQ(answer.faults, Faults{AnswerFault::end_tag_stray});
    EXPECT_EQ(expect_same_however_cut(thinking_mode(), "r" + tag + "</think>c" + kEos).reasoning_content, "r");
    EXPECT_EQ(only_call(expect_same_however_cut(chat_mode(), block(kCity + tag + "\n"))), kCityJson);
  }
}

TEST(AnswerRecovery, EmptyBlockIsLeftOut) {
  const Answer answer = expect_same_however_cut(chat_mode(), "a" + kOpen + kClose + kEos);
  EXPECT_EQ(answer.content, "a");
  EXPECT_TRUE(answer.calls.empty());
  EXPECT_TRUE(answer.well_formed());
}

// --- attributes

TEST(AnswerRecovery, StringAttributeMissing) {
  const auto arguments = [](const std::string& value) {
    const Answer answer = expect_same_however_cut(chat_mode(), block(parameter("p", "", value)));
    EXPECT_EQ(answer.faults, Faults{AnswerFault::string_flag_missing});
    return only_call(answer);
  };
  EXPECT_EQ(arguments("Rome"), R"({"p": "Rome"})");
  EXPECT_EQ(arguments("5"), R"({"p": 5})");
  EXPECT_EQ(arguments("007"), R"({"p": "007"})");
  EXPECT_EQ(arguments("\"Rome\""), R"({"p": "Rome"})");
  EXPECT_EQ(arguments("[1, {\"a\": null}]"), R"({"p": [1, {"a": null}]})");
  EXPECT_EQ(arguments(""), R"({"p": ""})");
}

TEST(AnswerRecovery, AttributesSpeltInOtherWays) {
  for (const std::string head :
       {"name='city' string='true'>", "string=\"true\" name=\"city\">", " name=\"city\"  string=\"True\" >",
        "name=city string=true>", "name=\"city\" type=\"text\" string=\"true\">", "name = \"city\" string=\"true\">"}) {
    const Answer answer =
        expect_same_however_cut(chat_mode(), block("<｜DSML｜parameter " + head + "Rome</｜DSML｜parameter>\n") + kEos);
    EXPECT_EQ(only_call(answer), kCityJson) << head;
    EXPECT_EQ(answer.faults, Faults{AnswerFault::head_malformed}) << head;
  }
}

TEST(AnswerRecovery, HeadWithoutItsBracket) {
  const Answer answer =
      expect_same_however_cut(chat_mode(), kOpen + "<｜DSML｜invoke name=\"f\"\n" + kCity + kInvokeEnd + kClose + kEos);
  EXPECT_EQ(only_call(answer), kCityJson);
  EXPECT_EQ(answer.faults, Faults{AnswerFault::head_malformed});
}

TEST(AnswerRecovery, RepeatedParameterCountsOnce) {
  const Answer answer = expect_same_however_cut(
      chat_mode(),
      block(kCity + parameter("city", " string=\"true\"", "Oslo") + parameter("n", " string=\"false\"", "1")));
  EXPECT_EQ(only_call(answer), R"({"city": "Rome", "n": 1})");
  EXPECT_EQ(answer.faults, Faults{AnswerFault::parameter_repeated});
}

TEST(AnswerRecovery, ValueThatIsNoJsonBecomesAString) {
  for (const auto& [value, json] : {std::pair<std::string, std::string>("Rome", R"("Rome")"),
                                    {"{\"a\": 1", R"("{\"a\": 1")"},
                                    {"True", R"("True")"},
                                    {"NaN", R"("NaN")"},
                                    {"01", R"("01")"},
                                    {"1 2", R"("1 2")"},
                                    {"\"a\nb\"", R"("\"a\nb\"")"},
                                    {"", R"("")"}}) {
    const Answer answer =
        expect_same_however_cut(chat_mode(), block(parameter("p", " string=\"false\"", value)) + kEos);
    EXPECT_EQ(only_call(answer), "{\"p\": " + json + "}");
    EXPECT_EQ(answer.faults, Faults{AnswerFault::value_not_json});
  }
}

TEST(AnswerRecovery, JsonValuesStayAsTheModelWroteThem) {
  for (const std::string value : {"1e+21", "-1.25e-07", "{\"b\":1,\"a\" : [ 2]}", "123456789012345678901234567890",
                                  " 5\n", "\"\\ud83d\"", "-0", "1E400"}) {
    const Answer answer =
        expect_same_however_cut(chat_mode(), block(parameter("p", " string=\"false\"", value)) + kEos);
    EXPECT_EQ(only_call(answer), "{\"p\": " + value + "}");
    EXPECT_TRUE(answer.well_formed());
  }
}

}  // namespace
}  // namespace fathom

// NOLINTEND(performance-inefficient-string-concatenation)
