#include "fathom/engine/repetition_index.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

namespace fathom {
namespace {

using Ids = std::vector<std::int32_t>;

TEST(RepetitionIndexTest, ShortTextsHoldNone) {
  RepetitionIndex index;
  EXPECT_EQ(index.find({}).next, 0);
  EXPECT_EQ(index.find(Ids{1, 1, 1}).next, 0);
}

TEST(RepetitionIndexTest, WhatFollowedTheNewestOccurrenceIsFound) {
  RepetitionIndex index;
  const Ids text{1, 2, 3, 40, 1, 2, 3, 50, 9, 1, 2, 3};
  const RepetitionIndex::Match match = index.find(text);
  EXPECT_EQ(match.next, 7);
  EXPECT_EQ(match.length, 3);
  EXPECT_EQ(text[static_cast<std::size_t>(match.next)], 50);
}

TEST(RepetitionIndexTest, ATextOfOneTokenRepeatsItself) {
  RepetitionIndex index;
  const Ids text(40, 7);
  const RepetitionIndex::Match match = index.find(text);
  EXPECT_EQ(match.next, 39);
  EXPECT_EQ(match.length, RepetitionIndex::kLongest);
}

// Beside a search through all places; a slot that two share may only hide a match.
TEST(RepetitionIndexTest, GrowingTextsAreFoundAsASearchFindsThem) {
  std::mt19937 random(4);
  RepetitionIndex index;
  Ids text;
  int found = 0, expected = 0;
  for (int round = 0; round < 3000; ++round) {
    text.push_back(static_cast<std::int32_t>(random() % 12));
    if (random() % 3 == 0) continue;  // several tokens between two questions
    const auto length = std::ssize(text);
    std::int64_t newest = 0;
    for (std::int64_t end = length - 1; end >= 3 && newest == 0; --end)
      if (std::equal(text.begin() + end - 3, text.begin() + end, text.end() - 3)) newest = end;
    const RepetitionIndex::Match match = index.find(text);
    expected += newest > 0 ? 1 : 0;
    if (match.next == 0) continue;
    ++found;
    ASSERT_LE(match.next, newest);
    ASSERT_GE(match.length, 3);
    for (std::int64_t back = 1; back <= match.length; ++back)
      ASSERT_EQ(text[static_cast<std::size_t>(match.next - back)], text[static_cast<std::size_t>(length - back)]);
  }
  EXPECT_GT(found, expected * 3 / 4);
}

}  // namespace
}  // namespace fathom
