#include "fathom/chat/dsml_head.h"

#include <gtest/gtest.h>

#include <random>

namespace fathom {
namespace {

using State = DsmlHead::State;

TEST(DsmlHead, ReadsTheReleasedSpelling) {
  const DsmlHead invoke = read_dsml_head(" name=\"get_weather\">\n...", DsmlTag::invoke);
  EXPECT_EQ(invoke.state, State::read);
  EXPECT_EQ(invoke.name, "get_weather");
  EXPECT_EQ(invoke.length, 20U);
  EXPECT_FALSE(invoke.malformed);
  const DsmlHead parameter = read_dsml_head(" name=\"a b\" string=\"false\">5", DsmlTag::parameter);
  EXPECT_EQ(parameter.name, "a b");
  EXPECT_EQ(parameter.string_flag, false);
  EXPECT_FALSE(parameter.malformed);
}

TEST(DsmlHead, QuotesBelongToTheNameUnlessTheyCloseIt) {
  EXPECT_EQ(read_dsml_head(" name=\"a\"b\">", DsmlTag::invoke).name, "a\"b");
  EXPECT_EQ(read_dsml_head(" name=\"{\"k\":\" string=\"true\">", DsmlTag::parameter).name, "{\"k\":");
  EXPECT_EQ(read_dsml_head(" name=\"a>b\" string=\"true\">", DsmlTag::parameter).name, "a>b");
}

TEST(DsmlHead, ToolNamesEndAtALineBreak) {
  EXPECT_EQ(read_dsml_head(" name=\"record {\nx\">", DsmlTag::invoke).state, State::broken);
  EXPECT_EQ(read_dsml_head(" name=\"a\nb\" string=\"true\">", DsmlTag::parameter).name, "a\nb");
}

TEST(DsmlHead, AnotherTagEndsABrokenHead) {
  const DsmlHead head = read_dsml_head(" name=\"a</｜DSML｜invoke>", DsmlTag::invoke);
  EXPECT_EQ(head.state, State::broken);
  EXPECT_EQ(head.length, 8U);
  EXPECT_TRUE(head.malformed);
}

TEST(DsmlHead, HeadsThatNeverEndAreBroken) {
  EXPECT_EQ(read_dsml_head(" name=\"" + std::string(1000, 'a'), DsmlTag::invoke).state, State::waiting);
  EXPECT_EQ(read_dsml_head(" name=\"" + std::string(100000, 'a'), DsmlTag::invoke).state, State::broken);
  EXPECT_EQ(read_dsml_head(std::string(100000, ' '), DsmlTag::invoke).state, State::broken);
}

TEST(DsmlHead, OnceReadMoreTextChangesNothing) {
  std::mt19937 random(2);
  const std::string alphabet = "  =\"\"'>nmae string<｜\n";
  for (int round = 0; round < 20000; ++round) {
    std::string text = random() % 2 == 0 ? " name=\"" : "";
    for (std::size_t length = random() % 24; length > 0; --length) {
      if (random() % 8 == 0) text += "\" string=\"true\">";
      text += alphabet[random() % alphabet.size()];
    }
    const DsmlTag tag = random() % 2 == 0 ? DsmlTag::invoke : DsmlTag::parameter;
    const DsmlHead whole = read_dsml_head(text, tag);
    for (std::size_t length = 0; length < text.size(); ++length) {
      const DsmlHead part = read_dsml_head(std::string_view(text).substr(0, length), tag);
      if (part.state == State::waiting) continue;
      ASSERT_EQ(part.state, whole.state) << text;
      ASSERT_EQ(part.length, whole.length) << text;
      ASSERT_EQ(part.name, whole.name) << text;
      ASSERT_EQ(part.string_flag, whole.string_flag) << text;
      ASSERT_EQ(part.malformed, whole.malformed) << text;
    }
  }
}

}  // namespace
}  // namespace fathom
