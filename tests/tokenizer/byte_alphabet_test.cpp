#include "fathom/tokenizer/byte_alphabet.h"

#include <gtest/gtest.h>

#include "fathom/tokenizer/utf8.h"

namespace fathom {
namespace {

std::string bytes(std::string_view spelled) {
  std::string result = "before:";
  ByteAlphabet().append_bytes(spelled, result);
  return result.substr(7);
}

TEST(ByteAlphabet, SpellsKnownBytes) {
  const ByteAlphabet alphabet;
  EXPECT_EQ(alphabet.spelling(' '), U'Ġ');
  EXPECT_EQ(alphabet.spelling('\n'), U'Ċ');
  EXPECT_EQ(alphabet.spelling('a'), U'a');
  EXPECT_EQ(alphabet.spelling(0x7F), char32_t{0x121});
  EXPECT_EQ(alphabet.spelling(0xAD), char32_t{0x143});
  EXPECT_EQ(alphabet.spelling(0xFF), U'ÿ');
}

TEST(ByteAlphabet, GivesEveryByteBack) {
  const ByteAlphabet alphabet;
  std::string all;
  std::string spelled;
  for (int byte = 0; byte < 256; ++byte) {
    const std::string one = utf8_encode(alphabet.spelling(static_cast<unsigned char>(byte)));
    EXPECT_EQ(bytes(one), std::string(1, static_cast<char>(byte)));
    spelled += one;
    all += static_cast<char>(byte);
  }
  EXPECT_EQ(bytes(spelled), all);
}

TEST(ByteAlphabet, LeavesTextThatSpellsNoBytes) {
  EXPECT_EQ(bytes(""), "");
  EXPECT_EQ(bytes("Ġthe"), " the");
  EXPECT_EQ(bytes("Ġ<｜User｜>"), "Ġ<｜User｜>");
  EXPECT_EQ(bytes("a b"), "a b");
  EXPECT_EQ(bytes("\u0144"), "\u0144");
  EXPECT_EQ(bytes("Ġ\xFF"), "Ġ\xFF");
}

}  // namespace
}  // namespace fathom
