#include "fathom/corpus/tokenizer_writer.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "fathom/corpus/special_tokens.h"
#include "fathom/tokenizer/tokenizer.h"

namespace fathom {
namespace {

constexpr std::int64_t kVocab = 320;

std::string small_json() {
  const std::vector<AddedToken> added = small_vocabulary_tokens();
  PieceCounter counter(added);
  counter.add(
      "the quick brown fox jumps over the lazy dog, then over the other dog: 12 12 12 12 12 12\n\n\tthe end\n\n", 2);
  return write_tokenizer_json(
      train_bpe(counter.counted(), {.vocab = kVocab, .first_id = static_cast<std::int32_t>(added.size())}), added);
}

const Tokenizer& small() {
  static const Tokenizer tokenizer = Tokenizer::parse(small_json(), "small");
  return tokenizer;
}

TEST(TokenizerWriter, IsReadByOurTokenizer) {
  const Tokenizer& tokenizer = small();
  EXPECT_EQ(tokenizer.vocab(), kVocab);
  for (std::int32_t id = 0; id < kVocab; ++id) {
    EXPECT_FALSE(tokenizer.piece(id).empty()) << id;
    EXPECT_EQ(tokenizer.is_added(id), id < 47) << id;
  }
  EXPECT_EQ(tokenizer.added_token("<｜end▁of▁sentence｜>"), 1);
  EXPECT_EQ(tokenizer.encode("<｜User｜> the<｜end▁of▁sentence｜>"),
            (std::vector<std::int32_t>{6, tokenizer.encode(" the").at(0), 1}));
  EXPECT_EQ(tokenizer.encode(" the").size(), 1U);
}

TEST(TokenizerWriter, DigitsStaySingle) {
  EXPECT_EQ(small().encode("121212").size(), 6U);
  EXPECT_EQ(small().decode(small().encode("121212")), "121212");
}

TEST(TokenizerWriter, WritesTheSameTwice) { EXPECT_EQ(small_json(), small_json()); }

RC_GTEST_PROP(TokenizerWriter, AnyBytesComeBack, (const std::string& text)) {
  RC_ASSERT(small().decode(small().encode(text)) == text);
}

}  // namespace
}  // namespace fathom
