#include "fathom/corpus/fill_in_the_middle.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <set>

#include "fathom/tokenizer/utf8.h"
#include "tests/corpus/corpus_support.h"

namespace fathom {
namespace {

struct Parts {
  std::string prefix;
  std::string suffix;
  std::string middle;
};

Parts parts_of(const std::string& text) {
  const std::string begin = "<｜fim▁begin｜>";
  const std::string hole = "<｜fim▁hole｜>";
  const std::string end = "<｜fim▁end｜>";
  const std::size_t hole_at = text.find(hole);
  const std::size_t end_at = text.find(end);
  EXPECT_EQ(text.find(begin), 0U);
  EXPECT_LT(hole_at, end_at);
  EXPECT_NE(end_at, std::string::npos);
  return {.prefix = text.substr(begin.size(), hole_at - begin.size()),
          .suffix = text.substr(hole_at + hole.size(), end_at - hole_at - hole.size()),
          .middle = text.substr(end_at + end.size())};
}

RC_GTEST_PROP(FillInTheMiddle, HoldsTheWholeText, ()) {
  const auto part = rc::gen::element<std::string>("a", " ", "\n", "é", "你", "😀");
  std::string text = "ab";
  for (const std::string& piece : *rc::gen::container<std::vector<std::string>>(part)) text += piece;
  const Parts parts = parts_of(fill_in_the_middle(text, *rc::gen::arbitrary<std::uint64_t>()));
  RC_ASSERT(parts.prefix + parts.middle + parts.suffix == text);
  for (const std::string& piece : {parts.prefix, parts.middle, parts.suffix}) RC_ASSERT(utf8_lossy(piece) == piece);
}

TEST(FillInTheMiddle, CutsBetweenLinesOrCharacters) {
  const std::string text = testing::prose(1);
  int by_line = 0;
  std::set<std::string> kinds;
  constexpr int kSeeds = 400;
  for (std::uint64_t seed = 0; seed < kSeeds; ++seed) {
    const std::string rearranged = fill_in_the_middle(text, seed);
    EXPECT_EQ(rearranged, fill_in_the_middle(text, seed));
    kinds.insert(rearranged);
    const Parts parts = parts_of(rearranged);
    const auto at_border = [](const std::string& piece) { return piece.empty() || piece.back() == '\n'; };
    by_line += at_border(parts.prefix) && (at_border(parts.middle) || parts.suffix.empty()) ? 1 : 0;
  }
  EXPECT_NEAR(by_line, kSeeds / 2, kSeeds / 8);
  EXPECT_GT(kinds.size(), 150U);
}

TEST(FillInTheMiddle, LeavesTheShortestAlone) {
  EXPECT_EQ(fill_in_the_middle("", 1), "");
  EXPECT_EQ(fill_in_the_middle("a", 1), "a");
}

TEST(FillInTheMiddle, IsWantedAtItsRate) {
  int wanted = 0;
  int again = 0;
  for (int number = 0; number < 4000; ++number) {
    const std::string text = testing::prose(number);
    wanted += wants_fill_in_the_middle(text, 0.3, 7) ? 1 : 0;
    again += wants_fill_in_the_middle(text, 0.3, 7) && wants_fill_in_the_middle(text, 0.3, 8) ? 1 : 0;
    EXPECT_FALSE(wants_fill_in_the_middle(text, 0.0, 7));
    EXPECT_TRUE(wants_fill_in_the_middle(text, 1.0, 7));
  }
  EXPECT_NEAR(wanted, 1200, 120);
  EXPECT_NEAR(again, 360, 90);  // another seed chooses anew
}

}  // namespace
}  // namespace fathom
