#include "fathom/tokenizer/split_patterns.h"

#include <gtest/gtest.h>

namespace fathom {
namespace {

TEST(SplitPatterns, EscapesAndCharactersAreOne) {
  const std::string_view pattern = split_patterns()[2];
  EXPECT_TRUE(same_split_pattern(pattern, pattern));
  EXPECT_TRUE(same_split_pattern("[\\r\\n]\\\"", "[\r\n]\""));
  EXPECT_FALSE(same_split_pattern("[\\r\\n]", "[\\r]"));
  EXPECT_FALSE(same_split_pattern("\\\\n", "\\\n"));
  EXPECT_FALSE(same_split_pattern(pattern, pattern.substr(1)));
  EXPECT_FALSE(same_split_pattern(split_patterns()[0], split_patterns()[1]));
  EXPECT_TRUE(same_split_pattern("a\\", "a\\"));
}

}  // namespace
}  // namespace fathom
