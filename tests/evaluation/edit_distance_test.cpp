#include "fathom/evaluation/edit_distance.h"

#include <gtest/gtest.h>

#include <random>
#include <string>

namespace fathom {
namespace {

// The definition, without a table.
std::int64_t plain_distance(std::string_view one, std::string_view other) {
  if (one.empty() || other.empty()) return std::ssize(one) + std::ssize(other);
  const auto rest = plain_distance(one.substr(1), other.substr(1));
  if (one.front() == other.front()) return rest;
  return 1 + std::min({rest, plain_distance(one.substr(1), other), plain_distance(one, other.substr(1))});
}

TEST(EditDistance, KnownPairs) {
  EXPECT_EQ(edit_distance("", ""), 0);
  EXPECT_EQ(edit_distance("abc", ""), 3);
  EXPECT_EQ(edit_distance("kitten", "sitting"), 3);
  EXPECT_EQ(edit_distance("flaw", "lawn"), 2);
  EXPECT_EQ(edit_distance("same", "same"), 0);
}

TEST(EditDistance, EqualsItsDefinition) {
  std::mt19937 random(5);
  for (int round = 0; round < 200; ++round) {
    std::string one(random() % 7, ' ');
    std::string other(random() % 7, ' ');
    for (std::string* text : {&one, &other})
      for (char& byte : *text) byte = static_cast<char>('a' + random() % 3);
    EXPECT_EQ(edit_distance(one, other), plain_distance(one, other)) << one << " " << other;
    EXPECT_EQ(edit_distance(one, other), edit_distance(other, one));
  }
}

TEST(EditDistance, Similarity) {
  EXPECT_EQ(edit_similarity("", ""), 1.0);
  EXPECT_EQ(edit_similarity("abc", ""), 0.0);
  EXPECT_EQ(edit_similarity("abcd", "abcx"), 0.75);
  EXPECT_EQ(edit_similarity(std::string(3000, 'a'), std::string(1500, 'a')), 0.5);
}

}  // namespace
}  // namespace fathom
