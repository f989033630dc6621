#include "fathom/corpus/document_selection.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <numeric>
#include <string>

#include "fathom/tokenizer/utf8.h"
#include "tests/corpus/corpus_support.h"

namespace fathom {
namespace {

TEST(HoldOut, IsOneInAHundredByTextAlone) {
  int held_out = 0;
  for (int number = 0; number < 20'000; ++number) {
    const std::string document = testing::prose(number);
    held_out += is_held_out(document) ? 1 : 0;
    EXPECT_NE(belongs_to(HoldOut::train, document), belongs_to(HoldOut::test, document));
    EXPECT_EQ(belongs_to(HoldOut::test, document), is_held_out(document));
    EXPECT_TRUE(belongs_to(HoldOut::none, document));
  }
  EXPECT_NEAR(held_out, 200, 60);
}

TEST(Selection, CountsBytesThatAreNoWhiteSpace) {
  EXPECT_TRUE(is_near_empty(""));
  EXPECT_TRUE(is_near_empty(std::string(31, 'x') + std::string(100, ' ')));
  EXPECT_FALSE(is_near_empty(std::string(32, 'x')));
}

RC_GTEST_PROP(Thinning, TakesAnEvenShare, ()) {
  const auto sizes =
      *rc::gen::nonEmpty(rc::gen::container<std::vector<std::uint64_t>>(rc::gen::inRange<std::uint64_t>(1, 1000)));
  const std::uint64_t all = std::accumulate(sizes.begin(), sizes.end(), std::uint64_t{0});
  const std::uint64_t wanted = *rc::gen::inRange<std::uint64_t>(0, all + 2);
  Thinning thinning(all, wanted);
  double seen = 0.0;
  double taken = 0.0;
  for (const std::uint64_t size : sizes) {
    seen += static_cast<double>(size);
    if (thinning.takes(size)) taken += static_cast<double>(size);
    const double share = std::min(1.0, static_cast<double>(wanted) / static_cast<double>(all));
    RC_ASSERT(std::abs(taken - share * seen) <= 1000.0);  // a document at most
  }
  RC_ASSERT(wanted < all || taken == seen);
}

TEST(SplitLong, CutsAtTheEndsOfParagraphs) {
  const std::string paragraph = std::string(70, 'a') + "\n\n";
  EXPECT_EQ(split_long(paragraph + paragraph + "tail", 75),
            (std::vector<std::string_view>{paragraph, paragraph, "tail"}));
  EXPECT_EQ(split_long(std::string(78, 'a') + "\nb", 80),
            (std::vector<std::string_view>{std::string(78, 'a') + "\nb"}));
  EXPECT_EQ(split_long(std::string(70, 'a') + "\n" + std::string(70, 'b'), 80),
            (std::vector<std::string_view>{std::string(70, 'a') + "\n", std::string(70, 'b')}));
  EXPECT_EQ(split_long(std::string(70, 'a') + " " + std::string(70, 'b'), 80).at(0).size(), 71U);
  EXPECT_EQ(split_long(std::string(100, 'a'), 80).at(0).size(), 80U);
  EXPECT_TRUE(split_long("", 80).empty());
}

RC_GTEST_PROP(SplitLong, LosesNothingAndCutsNoCharacter, ()) {
  const auto part = rc::gen::element<std::string>("a", " ", "\n", "\n\n", "é", "你", "😀");
  std::string text;
  for (const std::string& piece : *rc::gen::container<std::vector<std::string>>(part)) text += piece;
  const std::size_t longest = *rc::gen::inRange<std::size_t>(4, 40);
  std::string joined;
  for (const std::string_view piece : split_long(text, longest)) {
    RC_ASSERT(!piece.empty() && piece.size() <= longest);
    RC_ASSERT(utf8_lossy(piece) == piece);
    joined += piece;
  }
  RC_ASSERT(joined == text);
}

}  // namespace
}  // namespace fathom
