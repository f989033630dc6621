#include "fathom/tokenizer/utf8.h"

#include <gtest/gtest.h>

#include <array>

#include "tests/tokenizer/tokenizer_support.h"

namespace fathom {
namespace {

TEST(Utf8, EncodesAndStepsBackForEveryCodePoint) {
  for (char32_t point = 0; point <= 0x10FFFF; ++point) {
    if (point >= 0xD800 && point <= 0xDFFF) continue;
    const std::string text = utf8_encode(point);
    const Utf8Step step = utf8_step(text, 0);
    ASSERT_TRUE(step.valid) << std::hex << std::uint32_t{point};
    ASSERT_EQ(step.code_point, point);
    ASSERT_EQ(static_cast<std::size_t>(step.length), text.size());
    ASSERT_EQ(utf8_cut_tail(text), 0U);
    for (std::size_t length = 1; length < text.size(); ++length) {
      const std::string cut = text.substr(0, length);
      ASSERT_EQ(utf8_cut_tail("x" + cut), length) << std::hex << std::uint32_t{point};
      ASSERT_TRUE(utf8_step(cut, 0).cut);
    }
  }
}

TEST(Utf8, EncodesNoSurrogatesAndNothingPastTheLast) {
  EXPECT_EQ(utf8_encode(0xD800), "\xEF\xBF\xBD");
  EXPECT_EQ(utf8_encode(0xDFFF), "\xEF\xBF\xBD");
  EXPECT_EQ(utf8_encode(0x110000), "\xEF\xBF\xBD");
}

// The table of the Unicode standard (section 3.9, tables 3-8 to 3-11).
TEST(Utf8, GroupsMaximalSubparts) {
  const std::string mark = "\xEF\xBF\xBD";
  const auto marks = [&](int count) {
    std::string text;
    for (int taken = 0; taken < count; ++taken) text += mark;
    return text;
  };
  EXPECT_EQ(utf8_lossy("\xC0\xAF\xE0\x80\xBF\xF0\x81\x82\x41"), marks(8) + "A");
  EXPECT_EQ(utf8_lossy("\xED\xA0\x80\xED\xBF\xBF\xED\xAF\x41"), marks(8) + "A");
  EXPECT_EQ(utf8_lossy("\xF4\x91\x92\x93\xFF\x41\x80\xBF\x42"), marks(5) + "A" + marks(2) + "B");
  EXPECT_EQ(utf8_lossy("\xE1\x80\xE2\xF0\x91\x92\xF1\xBF\x41"), marks(4) + "A");
  EXPECT_EQ(utf8_lossy("a\xE4\xB8"), "a" + mark);
  EXPECT_EQ(utf8_lossy(""), "");
}

// Every sequence of up to four of these bytes, hashed (FNV-1a over the results, a zero byte behind each). The number is
// Python's, from bytes(sequence).decode("utf-8", "replace").encode().
TEST(Utf8, AgreesWithPythonOnAllShortSequences) {
  constexpr std::array<unsigned char, 18> kBytes = {0x41, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC1,
                                                    0xC2, 0xDF, 0xE0, 0xE1, 0xED, 0xF0, 0xF1, 0xF4, 0xF5};
  std::uint32_t hash = 2166136261U;
  const auto add = [&](unsigned char byte) { hash = (hash ^ byte) * 16777619U; };
  std::string sequence;
  const auto visit = [&](const auto& self) -> void {
    for (const char byte : utf8_lossy(sequence)) add(static_cast<unsigned char>(byte));
    add(0);
    if (sequence.size() == 4) return;
    for (const unsigned char byte : kBytes) {
      sequence.push_back(static_cast<char>(byte));
      self(self);
      sequence.pop_back();
    }
  };
  visit(visit);
  EXPECT_EQ(hash, 0x8C4D50FFU);
}

TEST(Utf8, CutTailLeavesTheRestUnchanged) {
  std::mt19937 generator(7);
  for (int round = 0; round < 20000; ++round) {
    const std::string left = random_bytes(generator, generator() % 6);
    const std::string right = random_bytes(generator, generator() % 6);
    const std::size_t cut = utf8_cut_tail(left);
    ASSERT_LE(cut, 3U);
    const std::string whole = left + right;
    EXPECT_EQ(utf8_lossy(left.substr(0, left.size() - cut)) + utf8_lossy(left.substr(left.size() - cut) + right),
              utf8_lossy(whole));
  }
}

}  // namespace
}  // namespace fathom
