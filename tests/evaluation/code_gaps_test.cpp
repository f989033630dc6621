#include "fathom/evaluation/code_gaps.h"

#include <gtest/gtest.h>

#include <set>

#include "tests/evaluation/evaluation_support.h"

namespace fathom::testing {
namespace {

std::string program(int number, int lines) {
  std::string text = "// program " + std::to_string(number) + "\n";
  for (int line = 0; line < lines; ++line)
    text +=
        "  const auto value_" + std::to_string(line) + " = compute_é(" + std::to_string(number * line) + ");\n\n}\n";
  return text + "// end";
}

class CodeGapsTest : public ::testing::Test {
 protected:
  std::vector<CodeGap> gaps(std::string_view text, std::int64_t samples, std::int64_t longest = 4096) {
    write_text(directory_ / "code", text);
    return make_code_gaps({.file = directory_ / "code", .samples = samples, .longest = longest});
  }
  static std::string many(int programs) {
    std::string text;
    for (int number = 0; number < programs; ++number) text += program(number, 20) + "\n\f\n";
    return text;
  }
  const TemporaryDirectory directory_;
};

TEST_F(CodeGapsTest, TogetherTheyAreTheCode) {
  const std::string text = many(30);
  int lines = 0;
  for (const CodeGap& gap : gaps(text, 10)) {
    EXPECT_NE(text.find(gap.prefix + gap.middle + gap.suffix), std::string::npos);
    EXPECT_FALSE(gap.prefix.empty());
    EXPECT_FALSE(gap.suffix.empty());
    if (gap.kind == GapKind::line) {
      ++lines;
      EXPECT_EQ(gap.prefix.back(), '\n');
      EXPECT_EQ(gap.middle.find('\n'), gap.middle.size() - 1) << "one line with its break";
    } else {
      EXPECT_NE(gap.prefix.back(), '\n');
      EXPECT_EQ(gap.middle.find('\n'), std::string::npos);
      EXPECT_EQ(gap.suffix.front(), '\n');
      EXPECT_GE(gap.middle.size(), 4U);
      EXPECT_NE(static_cast<unsigned char>(gap.middle.front()) & 0xC0U, 0x80U) << "no half characters";
    }
    EXPECT_NE(gap.middle.find_first_not_of(" }\n"), std::string::npos) << "a line worth saying";
  }
  EXPECT_EQ(lines, 10);
}

TEST_F(CodeGapsTest, TheSameEveryTimeAndOfDifferentPieces) {
  const auto one = gaps(many(30), 10);
  const auto other = gaps(packed(many(30)), 10);
  ASSERT_EQ(one.size(), 20U);
  std::set<std::string> firsts;
  for (std::size_t index = 0; index < one.size(); ++index) {
    EXPECT_EQ(one[index].prefix, other[index].prefix);
    EXPECT_EQ(one[index].middle, other[index].middle);
    firsts.insert(one[index].prefix.substr(0, one[index].prefix.find('\n')));
  }
  EXPECT_EQ(firsts.size(), 10U) << "two gaps a piece";
}

TEST_F(CodeGapsTest, LongCodeIsCut) {
  for (const CodeGap& gap : gaps(program(1, 2000), 5, 512))
    EXPECT_LE(gap.prefix.size() + gap.middle.size() + gap.suffix.size(), 512U);
}

TEST_F(CodeGapsTest, FewerWhereThereAreTooFew) {
  EXPECT_EQ(gaps(many(3), 10).size(), 6U);
  EXPECT_EQ(gaps("short\nx\nend of it\n\f\n" + program(1, 1), 10).size(), 2U)
      << "a document without a line to leave out";
}

TEST_F(CodeGapsTest, NoneAtAllIsAFault) {
  for (const std::string_view text : {"", "one line", "a\n}\n}\nb", "the first line of two\nand the last"})
    EXPECT_NE(error_of([&] { gaps(text, 10); }).find("no code with a line to leave out"), std::string::npos) << text;
}

}  // namespace
}  // namespace fathom::testing
