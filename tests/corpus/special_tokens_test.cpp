#include "fathom/corpus/special_tokens.h"

#include <gtest/gtest.h>

#include "fathom/chat/markers.h"
#include "fathom/tokenizer/tokenizer.h"

namespace fathom {
namespace {

TEST(SpecialTokens, AreV4sInV4sOrder) {
  const Tokenizer v4 = Tokenizer::deepseek_v4();
  std::int32_t before = -1;
  for (const AddedToken& token : small_vocabulary_tokens()) {
    const auto id = v4.added_token(token.content);
    ASSERT_TRUE(id) << token.content;
    EXPECT_GT(*id, before) << token.content;
    before = *id;
  }
}

// All of V4's but placeholders (128846 to 129261 among them) and the tags of images behind those.
TEST(SpecialTokens, LeaveOutPlaceholdersAlone) {
  const Tokenizer v4 = Tokenizer::deepseek_v4();
  std::size_t kept = 3;
  for (std::int32_t id = 128'800; id <= 128'845; ++id)
    kept += v4.piece(id).find("place▁holder") == std::string_view::npos ? 1 : 0;
  EXPECT_EQ(small_vocabulary_tokens().size(), kept);
}

TEST(SpecialTokens, HoldEveryMarkerOfTheChatFormat) {
  const auto tokens = small_vocabulary_tokens();
  const auto holds = [&](std::string_view text) {
    for (const AddedToken& token : tokens)
      if (token.content == text) return true;
    return false;
  };
  for (const std::string_view text :
       {marker::begin_of_sentence, marker::end_of_sentence, marker::user, marker::assistant, marker::latest_reminder,
        marker::think_start, marker::think_end, std::string_view("｜DSML｜"), std::string_view("<｜action｜>"),
        std::string_view("<｜query｜>"), std::string_view("<｜authority｜>"), std::string_view("<｜domain｜>"),
        std::string_view("<｜title｜>"), std::string_view("<｜read_url｜>"), std::string_view("<｜fim▁begin｜>")})
    EXPECT_TRUE(holds(text)) << text;
  EXPECT_EQ(tokens[0].content, marker::begin_of_sentence);
  EXPECT_EQ(tokens[1].content, marker::end_of_sentence);
  for (std::size_t id = 0; id < tokens.size(); ++id) EXPECT_EQ(tokens[id].id, static_cast<std::int32_t>(id));
}

}  // namespace
}  // namespace fathom
