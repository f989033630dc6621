#include "fathom/tokenizer/added_tokens.h"

#include <gtest/gtest.h>

#include "tests/tokenizer/tokenizer_support.h"

namespace fathom {
namespace {

using Found = std::vector<std::pair<std::string, std::int32_t>>;

// Every match's text and id. hugging_face_test.cpp holds the flags against the real engine.
Found all(const AddedTokens& tokens, std::string_view text) {
  static const UnicodeClasses classes;
  Found found;
  std::size_t from = 0;
  while (const auto match = tokens.next(text, from, classes)) {
    found.emplace_back(text.substr(match->begin, match->end - match->begin), match->id);
    from = match->end;
  }
  return found;
}

AddedTokens plain(const std::vector<std::string>& contents) {
  std::vector<AddedToken> tokens;
  for (const std::string& content : contents)
    tokens.push_back({.id = static_cast<std::int32_t>(tokens.size()), .content = content});
  return AddedTokens(tokens);
}

TEST(AddedTokens, LeftmostThenLongest) {
  const AddedTokens tokens = plain({"ab", "abcd", "bc", "bcde", "d"});
  EXPECT_EQ(all(tokens, "abc"), (Found{{"ab", 0}}));
  EXPECT_EQ(all(tokens, "abcd"), (Found{{"abcd", 1}}));
  EXPECT_EQ(all(tokens, "abcde"), (Found{{"abcd", 1}}));
  EXPECT_EQ(all(tokens, "xbcdebcd"), (Found{{"bcde", 3}, {"bc", 2}, {"d", 4}}));
  EXPECT_EQ(all(tokens, "abab"), (Found{{"ab", 0}, {"ab", 0}}));
  EXPECT_EQ(all(tokens, ""), Found{});
  EXPECT_EQ(all(tokens, "a"), Found{});
}

TEST(AddedTokens, NoneFindsNone) { EXPECT_EQ(all(AddedTokens({}), "anything"), Found{}); }

TEST(AddedTokens, AnyBytes) {
  const AddedTokens tokens = plain({"｜DSML｜", "\xFF", std::string(1, '\0')});
  EXPECT_EQ(all(tokens, "<｜DSML｜x｜DSML"), (Found{{"｜DSML｜", 0}}));
  EXPECT_EQ(all(tokens, "\xEF\xFF"), (Found{{"\xFF", 1}}));
  EXPECT_EQ(all(tokens, std::string("a\0b", 3)), (Found{{std::string(1, '\0'), 2}}));
}

TEST(AddedTokens, FlagsMoveTheBordersOrRefuse) {
  const AddedTokens tokens(std::vector<AddedToken>{{.id = 1, .content = "<L>", .lstrip = true},
                                                   {.id = 2, .content = "<R>", .rstrip = true},
                                                   {.id = 3, .content = "ab", .single_word = true}});
  EXPECT_EQ(all(tokens, "x \n\u3000<L> y"), (Found{{" \n\u3000<L>", 1}}));
  EXPECT_EQ(all(tokens, "<R> \n<L>"), (Found{{"<R> \n", 2}, {"<L>", 1}}));
  EXPECT_EQ(all(tokens, "ab-ab_ab éab ab"), (Found{{"ab", 3}, {"ab", 3}}));
  EXPECT_EQ(all(tokens,
                "\xFF"
                "ab\xC3"),
            (Found{{"ab", 3}}));
}

TEST(AddedTokens, AgreesWithASearchInNoHurry) {
  std::mt19937 generator(3);
  for (int round = 0; round < 2000; ++round) {
    std::vector<std::string> contents;
    const auto word = [&](std::size_t longest) {
      std::string text;
      for (std::size_t length = 1 + generator() % longest; length > 0; --length) text += "ab\xC3"[generator() % 3];
      return text;
    };
    for (int taken = 0; taken < 6; ++taken) contents.push_back(word(4));
    std::sort(contents.begin(), contents.end());
    contents.erase(std::unique(contents.begin(), contents.end()), contents.end());
    const std::string text = word(20);
    Found expected;
    for (std::size_t at = 0; at < text.size();) {
      std::size_t best = contents.size();
      for (std::size_t index = 0; index < contents.size(); ++index)
        if (text.compare(at, contents[index].size(), contents[index]) == 0 &&
            (best == contents.size() || contents[index].size() > contents[best].size()))
          best = index;
      if (best < contents.size()) expected.emplace_back(contents[best], static_cast<std::int32_t>(best));
      at += best < contents.size() ? contents[best].size() : 1;
    }
    ASSERT_EQ(all(plain(contents), text), expected) << text;
  }
}

}  // namespace
}  // namespace fathom
