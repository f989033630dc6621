#include "fathom/chat/answer_parser.h"

#include <gtest/gtest.h>

#include "tests/chat/chat_support.h"

namespace fathom {
namespace {

using test::chat_mode;
using test::expect_same_however_cut;
using test::parse_whole;
using test::thinking_mode;

constexpr std::string_view kEos = "<｜end▁of▁sentence｜>";

TEST(AnswerParser, EveryOracleCaseHoweverItIsCut) {
  ASSERT_EQ(test::parse_cases().size(), 80U);
  for (const test::ParseCase& each : test::parse_cases()) {
    const Answer answer = expect_same_however_cut({.thinking_mode = each.thinking_mode}, each.completion);
    ASSERT_EQ(write_answer(answer), each.message);
    ASSERT_TRUE(answer.well_formed()) << describe(answer.faults.front());
  }
}

TEST(AnswerParser, NoMarkersAtAllIsPlainText) {
  const Answer answer = expect_same_however_cut(chat_mode(), "Just text.");
  EXPECT_EQ(answer.content, "Just text.");
  EXPECT_TRUE(answer.well_formed());
}

TEST(AnswerParser, NothingIsAnEmptyAnswer) {
  const Answer answer = expect_same_however_cut(chat_mode(), "");
  EXPECT_EQ(write_answer(answer), R"({"role": "assistant", "content": "", "reasoning_content": "", "tool_calls": []})");
  EXPECT_TRUE(answer.well_formed());
}

TEST(AnswerParser, BlanksOfReasoningAndContentStay) {
  const Answer answer = expect_same_however_cut(thinking_mode(), " \n r \n</think>\n\n c \n\n");
  EXPECT_EQ(answer.reasoning_content, " \n r \n");
  EXPECT_EQ(answer.content, "\n\n c \n\n");
  EXPECT_TRUE(answer.well_formed());
  EXPECT_EQ(expect_same_however_cut(chat_mode(), " \n ").content, " \n ");
  EXPECT_EQ(expect_same_however_cut(thinking_mode(), "</think> \n ").content, " \n ");
}

TEST(AnswerParser, TextGoesOutAtOnce) {
  AnswerParser parser(chat_mode());
  const auto content = [&parser](std::string_view chunk) {
    std::string joined;
    for (const AnswerDelta& delta : parser.feed(chunk)) {
      EXPECT_EQ(delta.kind, AnswerDelta::Kind::content);
      joined += delta.text;
    }
    return joined;
  };
  EXPECT_EQ(content("a"), "a");
  EXPECT_EQ(content(" < b"), " < b");
  EXPECT_EQ(content("x <"), "x ");       // may be a tag
  EXPECT_EQ(content("br>"), "<br>");     // is none
  EXPECT_EQ(content("l\n\n\n"), "l\n");  // a block's lead-in is two line breaks
  EXPECT_EQ(content("z"), "\n\nz");
  EXPECT_EQ(content("\xe4\xb8"), "");
  EXPECT_EQ(content("\xad!"), "中!");
}

TEST(AnswerParser, StringArgumentsStreamWhileTheyArrive) {
  AnswerParser parser(chat_mode());
  parser.feed(
      "<｜DSML｜tool_calls>\n<｜DSML｜invoke name=\"write\">\n<｜DSML｜parameter name=\"text\" string=\"true\">");
  const std::vector<AnswerDelta> deltas = parser.feed("say \"hi\"");
  ASSERT_EQ(deltas.size(), 1U);
  EXPECT_EQ(deltas[0], (AnswerDelta{.kind = AnswerDelta::Kind::call_arguments, .text = "say \\\"hi\\\"", .call = 0}));
}

TEST(AnswerParser, DeltasComeInOrder) {
  const test::Parsed parsed = parse_whole(
      thinking_mode(),
      "r</think>c\n\n<｜DSML｜tool_calls>\n<｜DSML｜invoke name=\"f\">\n<｜DSML｜parameter name=\"a\" "
      "string=\"false\">1</｜DSML｜parameter>\n</｜DSML｜invoke>\n<｜DSML｜invoke name=\"g\">\n\n</｜DSML｜invoke>\n"
      "</｜DSML｜tool_calls>");
  using Kind = AnswerDelta::Kind;
  const std::vector<AnswerDelta> expected = {{Kind::reasoning, "r"},          {Kind::content, "c"},
                                             {Kind::call_start, "f", 0},      {Kind::call_arguments, "{\"a\": 1}", 0},
                                             {Kind::call_end, "", 0},         {Kind::call_start, "g", 1},
                                             {Kind::call_arguments, "{}", 1}, {Kind::call_end, "", 1}};
  EXPECT_EQ(parsed.deltas, expected);
}

TEST(AnswerParser, UnknownToolNamesPassThrough) {
  AnswerOptions options = chat_mode();
  options.tools = {{.name = "known", .parameters = {}, .schema = "{}"}};
  const Answer answer = expect_same_however_cut(
      options,
      "<｜DSML｜tool_calls>\n<｜DSML｜invoke name=\"ünknown \"x\" tool\">\n</｜DSML｜invoke>\n</｜DSML｜tool_calls>");
  ASSERT_EQ(answer.calls.size(), 1U);
  EXPECT_EQ(answer.calls[0].name, "ünknown \"x\" tool");
  EXPECT_TRUE(answer.well_formed());
}

TEST(AnswerParser, ValuesMayQuoteTheFormat) {
  // The released parser ends a value at its closing tag and nowhere else.
  const std::string value =
      "see <｜DSML｜tool_calls> and <｜DSML｜invoke name=\"x\"> and <｜DSML｜parameter name=\"y\" and "
      "</｜DSML｜invoke> and "
      "</｜DSML｜tool_calls> and </think> and <think> and <｜end▁of▁sentence｜> and </｜DSML｜invoke>\n</｜DSML｜inv";
  const Answer answer = expect_same_however_cut(
      thinking_mode(),
      "</think>\n\n<｜DSML｜tool_calls>\n<｜DSML｜invoke name=\"f\">\n<｜DSML｜parameter name=\"p\" "
      "string=\"true\">" +
          value + "</｜DSML｜parameter>\n</｜DSML｜invoke>\n</｜DSML｜tool_calls>" + std::string(kEos));
  ASSERT_EQ(answer.calls.size(), 1U);
  EXPECT_EQ(try_read_json(answer.calls[0].arguments)->find("p")->text, value);
  EXPECT_TRUE(answer.well_formed());
}

TEST(AnswerParser, ParameterNamesMayHoldAlmostAnything) {
  for (const std::string name : {"{\"k\":", "a b", "line\nbreak", "a\"b", "", "汉字", "<b>", "a>b", "=\"", "x' y"}) {
    const Answer answer = expect_same_however_cut(
        chat_mode(), "\n\n<｜DSML｜tool_calls>\n<｜DSML｜invoke name=\"f\">\n<｜DSML｜parameter name=\"" + name +
                         "\" string=\"true\">v</｜DSML｜parameter>\n</｜DSML｜invoke>\n</｜DSML｜tool_calls>");
    ASSERT_EQ(answer.calls.size(), 1U) << name;
    ASSERT_EQ(try_read_json(answer.calls[0].arguments)->members.at(0).key, name);
    EXPECT_TRUE(answer.well_formed()) << name;
  }
}

TEST(AnswerParser, BrokenUtf8BecomesReplacementCharacters) {
  const Answer answer = expect_same_however_cut(chat_mode(), "a\xff\xe4\xb8z\xf0\x9f\x99");
  EXPECT_EQ(answer.content, "a\xef\xbf\xbd\xef\xbf\xbdz\xef\xbf\xbd");
}

TEST(AnswerParser, LongTextsTakeTimeInProportion) {
  // Fed a few bytes at a time, none of these may be looked at again and again from their beginning.
  const std::string open = "<｜DSML｜tool_calls>\n<｜DSML｜invoke name=\"f\">\n";
  const std::string parameter = "<｜DSML｜parameter name=\"p\" string=";
  for (const std::string& text :
       {std::string(1 << 19, '\n'), std::string(1 << 19, '<'), std::string(1 << 19, ' '),
        open + std::string(1 << 19, 'x'), open + parameter + "\"true\">" + std::string(1 << 19, '\n'),
        open + parameter + "\"false\">" + std::string(1 << 19, '['),
        open + "</｜DSML｜invoke>" + std::string(1 << 19, ' '),
        open + parameter + "\"true\"></｜DSML｜invoke>" + std::string(1 << 19, '\n'),
        open + parameter + std::string(1 << 19, ' '), std::string("<｜DSML｜") + std::string(1 << 19, 'a')}) {
    AnswerParser parser(chat_mode());
    for (std::size_t start = 0; start < text.size(); start += 4) parser.feed(std::string_view(text).substr(start, 4));
    parser.finish();
    EXPECT_LE(parser.answer().content.size(), text.size());
  }
}

}  // namespace
}  // namespace fathom
