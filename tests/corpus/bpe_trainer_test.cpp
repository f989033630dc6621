#include "fathom/corpus/bpe_trainer.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <map>

#include "tests/base/file_support.h"

namespace fathom {
namespace {

std::vector<std::string> learned(const BpeVocabulary& vocabulary) {
  return {vocabulary.tokens.begin() + 256, vocabulary.tokens.end()};
}

std::vector<std::string> learn(const std::vector<CountedPiece>& pieces, std::int64_t tokens, std::size_t longest = 24) {
  return learned(train_bpe(pieces, {.vocab = 256 + tokens, .longest = longest}));
}

// (u, g) 20, (u, n) 16, (h, ug) 15, (p, un) 12; then (p, ug) and (hug, s) 5 each: "p" has the smaller id.
TEST(BpeTrainer, MergesTheMostFrequentPair) {
  EXPECT_EQ(learn({{"hug", 10}, {"pug", 5}, {"pun", 12}, {"bun", 4}, {"hugs", 5}}, 6),
            (std::vector<std::string>{"ug", "un", "hug", "pun", "pug", "hugs"}));
}

// aa aa a: (aa, a) and (aa, aa) are equals, and "a" has the smaller id.
TEST(BpeTrainer, MergesRunsFromTheLeft) {
  EXPECT_EQ(learn({{"aaaaa", 3}}, 3), (std::vector<std::string>{"aa", "aaa", "aaaaa"}));
}

TEST(BpeTrainer, IdsFollowTheSpecialTokens) {
  const BpeVocabulary vocabulary =
      train_bpe(std::vector<CountedPiece>{{"abab", 2}}, {.vocab = 47 + 258, .first_id = 47});
  EXPECT_EQ(vocabulary.first_id, 47);
  ASSERT_EQ(vocabulary.merges.size(), 2U);
  EXPECT_EQ(vocabulary.merges[0].left, 47 + 'a');
  EXPECT_EQ(vocabulary.merges[0].right, 47 + 'b');
  EXPECT_EQ(vocabulary.merges[0].product, 47 + 256);
  EXPECT_EQ(vocabulary.merges[1].left, 47 + 256);
  EXPECT_EQ(vocabulary.merges[1].product, 47 + 257);
}

TEST(BpeTrainer, TokensHaveAGreatestLength) {
  EXPECT_EQ(learn({{"--------", 9}, {"xy", 2}}, 3, 4), (std::vector<std::string>{"--", "----", "xy"}));
}

TEST(BpeTrainer, SaysWhenTheTextIsTooSmall) {
  EXPECT_EQ(testing::error_of([] {
              learn({{"ab", 9}, {"cd", 1}}, 5);
            }),
            "[bpe] the text gives a vocabulary of 257 tokens, expected 261: more text, or a smaller one");
  EXPECT_NE(testing::error_of([] { train_bpe({}, {.vocab = 300, .first_id = 47}); }).find("at least 303"),
            std::string::npos);
}

TEST(BpeTrainer, TellsHowFarItIs) {
  std::vector<std::int64_t> steps;
  train_bpe(std::vector<CountedPiece>{{"abcdefgh", 2}},
            {.vocab = 263, .progress = [&](std::int64_t done, std::int64_t all) {
               EXPECT_EQ(all, 263);
               steps.push_back(done);
             }});
  EXPECT_EQ(steps, (std::vector<std::int64_t>{263}));
}

// The definition, counting everything anew for each merge.
std::vector<std::string> plain_merges(const std::vector<CountedPiece>& pieces, std::size_t tokens) {
  using Symbols = std::vector<std::int32_t>;
  std::vector<std::string> vocabulary;
  for (int byte = 0; byte < 256; ++byte) vocabulary.emplace_back(1, static_cast<char>(byte));
  std::vector<Symbols> words;
  for (const CountedPiece& piece : pieces) words.emplace_back(piece.bytes.begin(), piece.bytes.end());
  std::map<std::pair<std::int32_t, std::int32_t>, std::int32_t> rules;
  std::vector<std::string> merges;
  while (vocabulary.size() < 256 + tokens) {
    std::map<std::pair<std::int32_t, std::int32_t>, std::uint64_t> counts;
    for (std::size_t word = 0; word < words.size(); ++word)
      for (std::size_t at = 1; at < words[word].size(); ++at)
        counts[{words[word][at - 1], words[word][at]}] += pieces[word].count;
    std::uint64_t most = 1;
    std::pair<std::int32_t, std::int32_t> best;
    for (const auto& [pair, count] : counts)
      if (count > most) {
        most = count;
        best = pair;
      }
    if (most < 2) break;
    const std::string product =
        vocabulary[static_cast<std::size_t>(best.first)] + vocabulary[static_cast<std::size_t>(best.second)];
    if (!rules.contains(best)) {
      const auto known = std::find(vocabulary.begin(), vocabulary.end(), product);
      rules[best] = static_cast<std::int32_t>(known - vocabulary.begin());
      if (known == vocabulary.end()) vocabulary.push_back(product);
      merges.push_back(vocabulary[static_cast<std::size_t>(best.first)] + " " +
                       vocabulary[static_cast<std::size_t>(best.second)]);
    }
    for (Symbols& word : words) {
      Symbols merged;
      for (std::size_t at = 0; at < word.size(); ++at) {
        const bool here = at + 1 < word.size() && word[at] == best.first && word[at + 1] == best.second;
        merged.push_back(here ? rules[best] : word[at]);
        at += here ? 1 : 0;
      }
      word = merged;
    }
  }
  return merges;
}

RC_GTEST_PROP(BpeTrainer, EqualsItsDefinition, ()) {
  const auto word = rc::gen::nonEmpty(rc::gen::container<std::string>(rc::gen::element('a', 'b', 'c')));
  std::vector<CountedPiece> pieces;
  for (const std::string& bytes : *rc::gen::nonEmpty(rc::gen::container<std::vector<std::string>>(word)))
    pieces.push_back({.bytes = bytes, .count = *rc::gen::inRange<std::uint64_t>(1, 6)});
  // As many tokens as there are: one more would be refused.
  std::size_t tokens = 0;
  const auto trained = [&](std::size_t wanted) {
    return train_bpe(pieces, {.vocab = static_cast<std::int64_t>(256 + wanted), .longest = 1000});
  };
  while (tokens < 12 && testing::error_of([&] { trained(tokens + 1); }).empty()) ++tokens;
  const BpeVocabulary vocabulary = trained(tokens);
  std::vector<std::string> merges;
  for (const Merge& merge : vocabulary.merges)
    merges.push_back(vocabulary.tokens[static_cast<std::size_t>(merge.left)] + " " +
                     vocabulary.tokens[static_cast<std::size_t>(merge.right)]);
  RC_ASSERT(merges == plain_merges(pieces, tokens));
  std::reverse(pieces.begin(), pieces.end());
  RC_ASSERT(trained(tokens).tokens == vocabulary.tokens);
}

}  // namespace
}  // namespace fathom
