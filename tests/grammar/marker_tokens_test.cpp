#include "fathom/grammar/marker_tokens.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "fathom/chat/markers.h"
#include "tests/grammar/grammar_support.h"

namespace fathom::grammar {
namespace {

TEST(MarkerTokens, ProgressIsKeptAndLost) {
  MarkerProgress progress(marker::think_end);
  const auto read = [&](std::string_view text) {
    bool whole = false;
    for (const char byte : text) whole = progress.step(byte);
    return whole;
  };
  EXPECT_FALSE(read("a</thin"));
  EXPECT_EQ(progress.matched(), 6U);
  EXPECT_FALSE(read("<"));
  EXPECT_EQ(progress.matched(), 1U);
  EXPECT_TRUE(read("/think>"));
  EXPECT_EQ(progress.matched(), 0U);
}

// Against a search through every token.
TEST(MarkerTokens, FindsEveryTokenThatCompletesAMarker) {
  const Vocabulary vocabulary(small_tokenizer());
  for (const std::string_view marker : {marker::think_end, marker::dsml_open, marker::end_of_sentence}) {
    const MarkerTokens tokens(vocabulary, marker);
    for (std::size_t matched = 0; matched < marker.size(); ++matched) {
      const auto& found = tokens.completing(matched);
      for (std::int32_t token = 0; token < vocabulary.size(); ++token) {
        const std::string text = std::string(marker.substr(0, matched)) + std::string(vocabulary.text(token));
        const std::size_t whole = text.find(marker);
        const auto entry =
            std::find_if(found.begin(), found.end(), [&](const auto& completion) { return completion.token == token; });
        ASSERT_EQ(entry != found.end(), whole != std::string::npos) << text;
        if (entry == found.end()) continue;
        EXPECT_EQ(entry->behind, text.substr(whole + marker.size())) << text;
      }
    }
  }
}

TEST(MarkerTokens, MarkersAreTokensOrPartsOfThem) {
  const Vocabulary vocabulary(small_tokenizer());
  const ChatMarkers markers(vocabulary);
  EXPECT_EQ(markers.think_end.completing(0).size(), 1U);
  EXPECT_GT(markers.think_end.completing(7).size(), 1U) << "tokens that begin with >";
  ASSERT_GE(markers.dsml_open.completing(1).size(), 1U);
  EXPECT_EQ(markers.dsml_open.completing(1).front().token, *small_tokenizer().added_token("｜DSML｜"));
}

}  // namespace
}  // namespace fathom::grammar
