#include "fathom/tokenizer/token_index.h"

#include <gtest/gtest.h>

#include <random>
#include <set>

namespace fathom {
namespace {

TEST(TokenIndex, FindsWhatIsThere) {
  std::mt19937 generator(23);
  std::set<std::string> words;
  while (words.size() < 5000) {
    std::string word;
    for (std::size_t length = generator() % 20; length > 0; --length) word += static_cast<char>('a' + generator() % 3);
    words.insert(word);
  }
  std::vector<std::pair<std::string_view, std::int32_t>> tokens;
  for (const std::string& word : words) tokens.emplace_back(word, 7);
  const TokenIndex index(tokens);
  EXPECT_EQ(index.repeated(), TokenIndex::kNone);
  for (std::size_t place = 0; place < tokens.size(); ++place)
    EXPECT_EQ(index.find(tokens[place].first), static_cast<std::int32_t>(place));
  for (int round = 0; round < 5000; ++round) {
    std::string word = "z";
    for (std::size_t length = generator() % 20; length > 0; --length) word += static_cast<char>('a' + generator() % 3);
    EXPECT_EQ(index.find(word), TokenIndex::kNone);
  }
}

TEST(TokenIndex, EmptyAndRepeated) {
  EXPECT_EQ(TokenIndex({}).find("a"), TokenIndex::kNone);
  const std::vector<std::pair<std::string_view, std::int32_t>> tokens = {{"a", 1}, {"", 2}, {"a", 3}};
  const TokenIndex index(tokens);
  EXPECT_EQ(index.find("a"), 0);
  EXPECT_EQ(index.find(""), 1);
  EXPECT_EQ(index.repeated(), 2);
}

}  // namespace
}  // namespace fathom
