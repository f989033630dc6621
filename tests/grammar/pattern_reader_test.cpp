#include "fathom/grammar/pattern_reader.h"

#include <gtest/gtest.h>

#include "fathom/base/error.h"

namespace fathom::grammar {
namespace {

TEST(PatternReader, ReadsATree) {
  const PatternNode root = read_pattern("^a{2,3}|[b-d]", "test");
  ASSERT_EQ(root.children.size(), 2u);
  const PatternNode& first = root.children[0];
  ASSERT_EQ(first.children.size(), 2u);
  EXPECT_EQ(first.children[0].kind, PatternNode::Kind::begin);
  EXPECT_EQ(first.children[1].least, 2);
  EXPECT_EQ(first.children[1].most, 3);
  const CharacterRanges& ranges = root.children[1].children[0].ranges;
  ASSERT_EQ(ranges.size(), 1u);
  EXPECT_EQ(ranges[0].first, U'b');
  EXPECT_EQ(ranges[0].last, U'd');
}

TEST(PatternReader, RefusesWhatItCannotRead) {
  for (const std::string_view pattern :
       {"(",     ")",       "[",    "[a",          "a**",    "*",     "{1}",   "a{",    "a{2,1}", "a{9999}",
        "a{x}",  "\\",      "\\1",  "\\k",         "\\p{L}", "\\b",   "(?=a)", "(?!a)", "(?<=a)", "(?i)a",
        "[z-a]", "[a-\\d]", "\\x4", "\\u{110000}", "\xff",   "[\xc3", "^*",    "(?<n"})
    EXPECT_THROW(read_pattern(pattern, "test"), InputError) << pattern;
  EXPECT_THROW(read_pattern(std::string(100000, '('), "test"), InputError);
  for (const std::string_view pattern : {"", "|", "()", "(?:)", "(?<name>a)", "]", "}", "[]a", "[^]", "\\/", "\\-"})
    EXPECT_NO_THROW(read_pattern(pattern, "test")) << pattern;
}

TEST(PatternReader, NamesThePlace) {
  try {
    read_pattern("ab(?=c)", "schema/pattern");
    FAIL();
  } catch (const InputError& error) {
    const std::string text = error.what();
    EXPECT_NE(text.find("schema/pattern"), std::string::npos) << text;
    EXPECT_NE(text.find("byte"), std::string::npos) << text;
  }
}

}  // namespace
}  // namespace fathom::grammar
