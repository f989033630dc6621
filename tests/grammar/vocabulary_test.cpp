#include "fathom/grammar/vocabulary.h"

#include <gtest/gtest.h>

#include <map>

#include "tests/grammar/grammar_support.h"

namespace fathom::grammar {
namespace {

// Every token that is text stands in the tree once, behind its own bytes.
void expect_tree_of(const Tokenizer& tokenizer) {
  const Vocabulary vocabulary(tokenizer);
  std::map<std::int32_t, std::string> found;
  std::string path;
  const auto& nodes = vocabulary.nodes();
  for (std::size_t at = 0; at < nodes.size(); ++at) {
    ASSERT_LE(nodes[at].depth, path.size() + 1);
    path.resize(nodes[at].depth - 1u);
    path += static_cast<char>(nodes[at].byte);
    if (nodes[at].token >= 0) {
      EXPECT_TRUE(found.emplace(nodes[at].token, path).second);
    }
    ASSERT_GT(nodes[at].after, static_cast<std::int32_t>(at));
    for (std::int32_t below = static_cast<std::int32_t>(at) + 1; below < nodes[at].after && below < 2000; ++below)
      ASSERT_GT(nodes[below].depth, nodes[at].depth);
    if (nodes[at].after < static_cast<std::int32_t>(nodes.size())) {
      ASSERT_LE(nodes[nodes[at].after].depth, nodes[at].depth);
    }
  }
  for (std::int32_t token = 0; token < tokenizer.vocab(); ++token) {
    const std::string expected(tokenizer.is_added(token) ? std::string_view() : tokenizer.piece(token));
    EXPECT_EQ(found[token], expected) << token;
  }
}

TEST(Vocabulary, EveryTextTokenStandsOnce) {
  expect_tree_of(small_tokenizer());
  expect_tree_of(large_tokenizer());
}

TEST(Vocabulary, KnowsItsMarkers) {
  for (const Tokenizer* tokenizer : {&small_tokenizer(), &large_tokenizer()}) {
    const Vocabulary vocabulary(*tokenizer);
    ASSERT_TRUE(vocabulary.dsml);
    EXPECT_EQ(tokenizer->piece(*vocabulary.dsml), "｜DSML｜");
    EXPECT_EQ(vocabulary.bytes(*vocabulary.dsml), "");
    EXPECT_EQ(vocabulary.text(*vocabulary.dsml), "｜DSML｜");
    EXPECT_EQ(vocabulary.text(tokenizer->encode("a").front()), "a");
    EXPECT_FALSE(vocabulary.has(-1));
    EXPECT_FALSE(vocabulary.has(static_cast<std::int32_t>(tokenizer->vocab())));
  }
}

}  // namespace
}  // namespace fathom::grammar
