#include "fathom/chat/tool_call_parser.h"

#include <gtest/gtest.h>

namespace fathom {
namespace {

// Steps until the parser waits or leaves; returns what is left of the text.
std::string_view run(ToolCallParser& parser, std::string_view text, ToolCallParser::Step& last,
                     ToolCallParser::End end = {}) {
  while ((last = parser.step(text, end)).moved) {
    text.remove_prefix(last.used);
    if (last.left) break;
  }
  return text;
}

TEST(ToolCallParser, LeavesAtTheBlocksEnd) {
  ToolCallParser parser({});
  parser.begin_block("<｜DSML｜tool_calls>", false);
  ToolCallParser::Step last;
  const std::string_view rest =
      run(parser, "\n<｜DSML｜invoke name=\"f\">\n\n</｜DSML｜invoke>\n</｜DSML｜tool_calls>tail", last);
  EXPECT_TRUE(last.left);
  EXPECT_EQ(last.restore, ToolCallParser::Restore::nothing);
  EXPECT_EQ(rest, "tail");
  const AnswerEvents events = parser.take_events();
  ASSERT_EQ(events.deltas.size(), 3U);
  EXPECT_EQ(events.deltas[0].text, "f");
  EXPECT_TRUE(events.faults.empty());
}

TEST(ToolCallParser, ABareCallGivesNothingBeforeItCloses) {
  ToolCallParser parser({});
  parser.begin_bare("\n\n", false);
  ToolCallParser::Step last;
  std::string_view rest =
      run(parser, "<｜DSML｜invoke name=\"f\">\n<｜DSML｜parameter name=\"a\" string=\"true\">x</｜DSML｜parameter>\n",
          last);
  EXPECT_FALSE(last.moved);
  EXPECT_TRUE(parser.take_events().deltas.empty());
  rest = run(parser, std::string(rest) + "</｜DSML｜invoke>\n", last);
  EXPECT_EQ(parser.take_events().deltas.size(), 6U);
}

TEST(ToolCallParser, GivesBackWhatWasNoCall) {
  ToolCallParser parser({});
  parser.begin_block("\n\n<｜DSML｜tool_calls>", false);
  ToolCallParser::Step last;
  const std::string_view rest = run(parser, "\n<｜DSML｜invoke name=\"a\nb\">", last);
  EXPECT_EQ(last.restore, ToolCallParser::Restore::tag);
  EXPECT_EQ(parser.restored_text() + std::string(rest), "\n\n<｜DSML｜tool_calls>\n<｜DSML｜invoke name=\"a\nb\">");
  EXPECT_TRUE(parser.take_events().deltas.empty());
}

TEST(ToolCallParser, CanBeUsedAgain) {
  ToolCallParser parser({});
  for (int block = 0; block < 3; ++block) {
    parser.begin_block("<｜DSML｜tool_calls>", false);
    ToolCallParser::Step last;
    run(parser, "<｜DSML｜invoke name=\"f\">", last, {.reached = true, .cut = false});
    EXPECT_EQ(parser.take_events().deltas.size(), 3U);
  }
}

}  // namespace
}  // namespace fathom
