#include "fathom/chat/utf8_stream.h"

#include <gtest/gtest.h>

#include <random>

#include "fathom/tokenizer/utf8.h"

namespace fathom {
namespace {

TEST(Utf8Stream, NeverGivesHalfACharacter) {
  Utf8Stream stream;
  std::string out;
  const std::string text = "a汉🙂é";
  for (const char byte : text) {
    stream.push(std::string_view(&byte, 1), out);
    EXPECT_EQ(utf8_lossy(out), out);
  }
  stream.finish(out);
  EXPECT_EQ(out, text);
}

TEST(Utf8Stream, IsLossyDecodingHoweverTheBytesAreCut) {
  std::mt19937 random(1);
  for (int round = 0; round < 20000; ++round) {
    std::string bytes;
    constexpr std::string_view alphabet = "a\x80\xbf\xc2\xe0\xa0\xed\x9f\xf0\x90\xf4\x8f\xff\xef\xbd";
    for (std::size_t length = random() % 12; length > 0; --length) bytes += alphabet[random() % alphabet.size()];
    Utf8Stream stream;
    std::string out;
    for (std::size_t start = 0; start < bytes.size();) {
      const std::size_t length = random() % 4;
      stream.push(std::string_view(bytes).substr(start, length), out);
      start += length;
    }
    stream.finish(out);
    ASSERT_EQ(out, utf8_lossy(bytes));
  }
}

}  // namespace
}  // namespace fathom
