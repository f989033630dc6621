#include "fathom/tokenizer/unicode_class.h"

#include <gtest/gtest.h>

namespace fathom {
namespace {

// hugging_face_test.cpp holds all code points against the real engine; here are the borders.
TEST(UnicodeClasses, Borders) {
  const UnicodeClasses classes;
  EXPECT_EQ(classes.of('a'), CharClass::kLetter);
  EXPECT_EQ(classes.of(0x301), CharClass::kLetter);
  EXPECT_EQ(classes.of('0'), CharClass::kNumber);
  EXPECT_EQ(classes.of(0x3007), CharClass::kNumber);
  EXPECT_EQ(classes.of(' '), CharClass::kSpace);
  EXPECT_EQ(classes.of(0x85), CharClass::kSpace);
  EXPECT_EQ(classes.of(0x1C), CharClass::kOther);
  EXPECT_EQ(classes.of(0x180E), CharClass::kOther);
  EXPECT_EQ(classes.of('\n'), CharClass::kNewline);
  EXPECT_EQ(classes.of('\r'), CharClass::kNewline);
  EXPECT_EQ(classes.of(0xFFFD), CharClass::kPunctuation);
  EXPECT_EQ(classes.of(0x303F), CharClass::kPunctuation);
  EXPECT_EQ(classes.of(0x3040), CharClass::kCjkOther);
  EXPECT_EQ(classes.of(0x3041), CharClass::kCjkLetter);
  EXPECT_EQ(classes.of(0x30FB), CharClass::kCjkPunctuation);
  EXPECT_EQ(classes.of(0x30FF), CharClass::kCjkLetter);
  EXPECT_EQ(classes.of(0x3100), CharClass::kOther);
  EXPECT_EQ(classes.of(0x4DFF), CharClass::kPunctuation);
  EXPECT_EQ(classes.of(0x4E00), CharClass::kCjkLetter);
  EXPECT_EQ(classes.of(0x9FA5), CharClass::kCjkLetter);
  EXPECT_EQ(classes.of(0x9FA6), CharClass::kLetter);
  EXPECT_EQ(classes.of(0x10FFFF), CharClass::kOther);
  EXPECT_EQ(classes.of(0x110000), CharClass::kOther);
  EXPECT_EQ(classes.of(0xFFFFFFFF), CharClass::kOther);
}

TEST(UnicodeClasses, AsciiTableIsTheSame) {
  const UnicodeClasses classes;
  int punctuation = 0;
  for (unsigned char byte = 0; byte < 128; ++byte) {
    EXPECT_EQ(classes.of_ascii(byte), classes.of(byte)) << int{byte};
    punctuation += classes.of_ascii(byte) == CharClass::kPunctuation ? 1 : 0;
  }
  EXPECT_EQ(punctuation, 32);
}

TEST(UnicodeClasses, Words) {
  const UnicodeClasses classes;
  for (const char32_t word :
       {U'a', U'_', U'7', U'é', U'中', char32_t{0x301}, char32_t{0x200D}, char32_t{0x2167}, char32_t{0x24B6}})
    EXPECT_TRUE(classes.is_word(word)) << std::hex << std::uint32_t{word};
  for (const char32_t other : {U' ', U'-', U'½', U'€', char32_t{0xFFFD}, char32_t{0x110000}})
    EXPECT_FALSE(classes.is_word(other)) << std::hex << std::uint32_t{other};
}

}  // namespace
}  // namespace fathom
