// Where text ends and markup begins: prose about calls, text where none belongs, thinking marks out of place, answers
// that were cut off.
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "fathom/chat/answer_parser.h"
#include "tests/chat/dsml_pieces.h"

// NOLINTBEGIN(performance-inefficient-string-concatenation): cases are read, not run in a loop

namespace fathom {
namespace {

using namespace test;  // NOLINT(google-build-using-namespace): the pieces are words here

// --- prose

TEST(AnswerProse, NoPhantomCallsWhenNoToolsWereOffered) {
  AnswerOptions options = chat_mode();
  options.tools_offered = false;
  const std::string text = "Like so:" + kOpen + kCall + kClose + "\nSee? </｜DSML｜invoke> <｜DSML";
  const Answer answer = expect_same_however_cut(options, text + kEos);
  EXPECT_EQ(answer.content, text);
  EXPECT_TRUE(answer.calls.empty());
  EXPECT_TRUE(answer.well_formed());
}

TEST(AnswerProse, ProseAboutTagsIsNoCall) {
  for (const std::string text : {
           "Write a \"<｜DSML｜tool_calls>\" block.",
           "Write <｜DSML｜tool_calls>\nand then the calls.",
           "A call begins with <｜DSML｜invoke name=\"f\"> and its parameters.",
           "A call begins with <｜DSML｜invoke> and so on.",
           "First <｜DSML｜invoke name=\"record {\ncategory: x",
           "In <｜DSML｜tool_calls>\n<｜DSML｜invoke name=\"record {\nthere is no call.",
           "In\n\n<｜DSML｜tool_calls>\n<｜DSML｜invoke name=\"f\">\nthere is no call either.",
           "A <｜DSML｜parameter name=\"x\" string=\"true\"> tag.",
           "<｜DSML｜ is one token.",
           "使用 <｜DSML｜invoke name=\"f\"> 语法",
       }) {
    const Answer answer = expect_same_however_cut(chat_mode(), text + kEos);
    EXPECT_EQ(answer.content, text);
    EXPECT_TRUE(answer.calls.empty()) << text;
    const Answer thought = expect_same_however_cut(thinking_mode(), text + "</think>So." + kEos);
    EXPECT_EQ(thought.reasoning_content, text);
    EXPECT_EQ(thought.content, "So.");
    EXPECT_TRUE(thought.calls.empty()) << text;
  }
}

TEST(AnswerProse, BareCallMustCloseBeforeItCounts) {
  const std::string text = "Then\n\n" + kInvoke + kCity + "and so on.";
  const Answer answer = expect_same_however_cut(chat_mode(), text + kEos);
  EXPECT_EQ(answer.content, text);
  EXPECT_TRUE(answer.calls.empty());
  EXPECT_EQ(answer.faults, Faults{AnswerFault::tag_as_text});
}

TEST(AnswerProse, BareCallOfAToolNotOfferedIsProse) {
  AnswerOptions options = with_tool({"city"});
  options.tools[0].name = "other";
  const Answer answer = expect_same_however_cut(options, "Then\n\n" + kCall + kEos);
  EXPECT_TRUE(answer.calls.empty());
  EXPECT_EQ(answer.content.find("Then\n\n<｜DSML｜invoke name=\"f\">\n"), 0U);
}

TEST(AnswerProse, ProseThenARealCall) {
  const Answer answer =
      expect_same_however_cut(chat_mode(), "I use <｜DSML｜invoke name=\"f\"> now." + kOpen + kCall + kClose + kEos);
  EXPECT_EQ(answer.content, "I use <｜DSML｜invoke name=\"f\"> now.");
  EXPECT_EQ(only_call(answer), kCityJson);
}

// --- text where none belongs

TEST(AnswerProse, StrayTextBetweenCallsIsContent) {
  const Answer answer =
      expect_same_however_cut(chat_mode(), "a" + kOpen + kCall + "And another:\n" + kCall + kClose + kEos);
  ASSERT_EQ(answer.calls.size(), 2U);
  EXPECT_EQ(answer.content, "a\nAnd another:");
  EXPECT_TRUE(has(answer, AnswerFault::text_between_calls));
}

TEST(AnswerProse, StrayTextBetweenParametersIsLeftOut) {
  const Answer answer = expect_same_however_cut(chat_mode(), block("Let me see.\n" + kCity + "So.\n") + kEos);
  EXPECT_EQ(only_call(answer), kCityJson);
  EXPECT_EQ(answer.content, "");
  EXPECT_EQ(answer.faults, (Faults{AnswerFault::text_in_call, AnswerFault::text_in_call}));
}

TEST(AnswerProse, TextAfterAnUnclosedCallIsNotLost) {
  const Answer answer = expect_same_however_cut(chat_mode(), kOpen + kInvoke + kCity + "Here it comes." + kEos);
  EXPECT_EQ(only_call(answer), kCityJson);
  EXPECT_EQ(answer.content, "Here it comes.");
}

TEST(AnswerProse, ContentAfterTheBlock) {
  const Answer answer = expect_same_however_cut(chat_mode(), "a" + kOpen + kCall + kClose + "\n\nb " + kEos);
  EXPECT_EQ(answer.content, "a\n\nb ");
  EXPECT_EQ(only_call(answer), kCityJson);
  EXPECT_EQ(answer.faults, Faults{AnswerFault::text_between_calls});
  const Answer blank = expect_same_however_cut(chat_mode(), "a" + kOpen + kCall + kClose + "\n\n" + kEos);
  EXPECT_EQ(blank.content, "a");
  EXPECT_TRUE(blank.well_formed());
  EXPECT_EQ(expect_same_however_cut(chat_mode(), kOpen + kCall + kClose + "\n\nb").content, "b");
}

TEST(AnswerProse, SecondBlock) {
  const Answer answer =
      expect_same_however_cut(chat_mode(), "a" + kOpen + kCall + kClose + kOpen + kCall + kClose + kEos);
  EXPECT_EQ(answer.calls.size(), 2U);
  EXPECT_EQ(answer.content, "a");
}

TEST(AnswerProse, BlockWithoutItsLeadInOrWithALongerOne) {
  EXPECT_EQ(expect_same_however_cut(chat_mode(), "a<｜DSML｜tool_calls>" + kCall + kClose + kEos).content, "a");
  EXPECT_EQ(expect_same_however_cut(chat_mode(), "a\n\n" + kOpen + kCall + kClose + kEos).content, "a\n\n");
}

// --- thinking marks out of place

TEST(AnswerProse, DoubleThink) {
  const Answer answer = expect_same_however_cut(thinking_mode(), "\n<think>\nr</think>c" + kEos);
  EXPECT_EQ(answer.reasoning_content, "\nr");
  EXPECT_EQ(answer.content, "c");
  EXPECT_EQ(answer.faults, Faults{AnswerFault::think_start_repeated});
}

TEST(AnswerProse, ThinkingAgainAfterThinking) {
  const Answer answer = expect_same_however_cut(thinking_mode(), "r</think>\n<think>s</think>c" + kEos);
  EXPECT_EQ(answer.reasoning_content, "rs");
  EXPECT_EQ(answer.content, "c");
}

TEST(AnswerProse, ThinkInChatMode) {
  const Answer thought = expect_same_however_cut(chat_mode(), "<think>r</think>c" + kEos);
  EXPECT_EQ(thought.reasoning_content, "r");
  EXPECT_EQ(thought.content, "c");
  const Answer closed = expect_same_however_cut(chat_mode(), "</think>c" + kEos);
  EXPECT_EQ(closed.content, "c");
  EXPECT_EQ(closed.faults, Faults{AnswerFault::think_end_repeated});
}

TEST(AnswerProse, ThinkMarksInsideTextAreText) {
  EXPECT_EQ(expect_same_however_cut(chat_mode(), "the <think> and </think> marks" + kEos).content,
            "the <think> and </think> marks");
  EXPECT_EQ(expect_same_however_cut(thinking_mode(), "a <think> b</think>c" + kEos).reasoning_content, "a <think> b");
}

TEST(AnswerProse, EndOfSentenceEndsTheAnswer) {
  const Answer answer = expect_same_however_cut(chat_mode(), "a" + kEos + "<｜User｜>b" + kEos);
  EXPECT_EQ(answer.content, "a");
  EXPECT_EQ(answer.faults, Faults{AnswerFault::text_after_end});
  EXPECT_TRUE(expect_same_however_cut(chat_mode(), "a" + kEos + "\n").well_formed());
}

// --- cut off

TEST(AnswerProse, TruncationAtAnyByteKeepsArgumentsValidAndLeaksNoMarkup) {
  const std::string whole = "Think.</think>Say." + kOpen + kInvoke + kCity +
                            parameter("n", " string=\"false\"", "[1, 2]") + kInvokeEnd + kCall + kClose + kEos;
  for (std::size_t length = 0; length < whole.size(); ++length) {
    const test::Parsed parsed =
        test::parse_whole(thinking_mode(), std::string_view(whole).substr(0, length), AnswerEnd::cut_off);
    const Answer& answer = parsed.answer;
    EXPECT_EQ(answer.content.find("DSML"), std::string::npos) << length;
    EXPECT_EQ(answer.reasoning_content.find("DSML"), std::string::npos) << length;
    for (const AnswerCall& call : answer.calls) {
      EXPECT_TRUE(is_json_object(call.arguments)) << length;
      EXPECT_EQ(call.arguments.find("DSML"), std::string::npos) << length;
    }
    // A call that looks complete is: all of its own closing tag but, perhaps, the bracket was there.
    const auto complete =
        std::count_if(answer.calls.begin(), answer.calls.end(), [](const AnswerCall& call) { return call.complete; });
    std::size_t closed = 0;
    for (std::size_t at = 0; (at = whole.substr(0, length).find("</｜DSML｜invoke", at)) != std::string::npos; ++at)
      ++closed;
    EXPECT_EQ(static_cast<std::size_t>(complete), closed) << length;
  }
}

TEST(AnswerProse, TruncationInsideAnything) {
  for (const std::string& whole : {std::string("Text."), "Think.</think>Say." + kOpen + kCall + kClose + kEos})
    for (std::size_t length = 0; length <= whole.size(); ++length)
      expect_same_however_cut(thinking_mode(), std::string_view(whole).substr(0, length), AnswerEnd::cut_off);
}

TEST(AnswerProse, CutOffCallIsMarkedIncomplete) {
  const Answer answer = expect_same_however_cut(
      chat_mode(), kOpen + kInvoke + "<｜DSML｜parameter name=\"command\" string=\"true\">rm -rf /tmp/x",
      AnswerEnd::cut_off);
  ASSERT_EQ(answer.calls.size(), 1U);
  EXPECT_FALSE(answer.calls[0].complete);
  EXPECT_EQ(answer.calls[0].arguments, R"({"command": "rm -rf /tmp/x"})");
  EXPECT_EQ(answer.faults, Faults{AnswerFault::truncated});
}

TEST(AnswerProse, CallCutOffBeforeItsFirstParameterIsDropped) {
  for (const std::string& text : {kOpen + "<｜DSML｜inv", kOpen + "<｜DSML｜invoke name=\"f", kOpen + kInvoke,
                                  kOpen + kInvoke + "<｜DSML｜para", std::string("\n\n<｜DSML｜tool_calls>\n")}) {
    const Answer answer = expect_same_however_cut(chat_mode(), "a" + text, AnswerEnd::cut_off);
    EXPECT_TRUE(answer.calls.empty()) << text;
    EXPECT_EQ(answer.content, "a") << text;
    EXPECT_TRUE(has(answer, AnswerFault::truncated)) << text;
  }
}

TEST(AnswerProse, BeginningsOfMarkersThatAreTextStay) {
  for (const std::string text : {"2 <", "a </", "a </think", "b\n", "c\n\n", "d\n\n<", "e <t"})
    EXPECT_EQ(expect_same_however_cut(chat_mode(), text).content, text);
}

// --- anything at all

TEST(AnswerProse, RandomMixturesAreTheSameHoweverTheyAreCut) {
  const std::vector<std::string> pieces = {kOpen,
                                           kClose,
                                           kInvoke,
                                           kInvokeEnd,
                                           kCity,
                                           kCall,
                                           kEos,
                                           "<｜DSML｜",
                                           "</｜DSML｜",
                                           "<｜DSML｜invoke",
                                           "</｜DSML｜invoke",
                                           "<｜DSML｜parameter",
                                           "<｜DSML｜parameter name=\"arguments\" string=\"false\">",
                                           "</｜DSML｜parameter",
                                           "</｜DSML｜parameter>",
                                           "<｜DSML｜parameter name=\"a\" string=\"true\">",
                                           "<｜DSML｜parameter name=\"b\">",
                                           "<｜DSML｜function_calls>\n",
                                           "</｜DSML｜function_calls>",
                                           "<｜DSML｜toolcalls>",
                                           "<think>",
                                           "</think>",
                                           "\n",
                                           "\n\n",
                                           " ",
                                           ">",
                                           "\"",
                                           " name=\"",
                                           "x",
                                           "{\"k\": 1}",
                                           "<",
                                           "</",
                                           "汉",
                                           "🙂",
                                           "\xef\xbd",
                                           "\xff",
                                           " string=\"true\">",
                                           "[1",
                                           "<b>",
                                           "'",
                                           "="};
  std::mt19937 random(7);
  for (int round = 0; round < 1500 && !HasFailure(); ++round) {
    AnswerOptions options = random() % 2 == 0 ? chat_mode() : thinking_mode();
    if (random() % 3 == 0) options.tools = with_tool({"city"}).tools;
    std::string text;
    for (std::size_t piece = 1 + random() % 14; piece > 0; --piece) text += pieces[random() % pieces.size()];
    expect_same_however_cut(options, text, random() % 2 == 0 ? AnswerEnd::stopped : AnswerEnd::cut_off);
    EXPECT_FALSE(HasFailure()) << text;
  }
}

}  // namespace
}  // namespace fathom

// NOLINTEND(performance-inefficient-string-concatenation)
