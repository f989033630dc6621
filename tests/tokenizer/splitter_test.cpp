#include "fathom/tokenizer/splitter.h"

#include <gtest/gtest.h>
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include <algorithm>

#include "fathom/base/error.h"
#include "fathom/tokenizer/split_patterns.h"
#include "fathom/tokenizer/utf8.h"
#include "tests/tokenizer/tokenizer_support.h"

namespace fathom {
namespace {

using Pieces = std::vector<std::string>;

Pieces split(std::string_view text) {
  static const Splitter splitter;
  Pieces pieces;
  for (std::size_t start = 0; start < text.size();) {
    const std::size_t end = splitter.piece_end(text, start);
    if (end <= start || end > text.size()) throw InternalError("piece_end({}) is {}", start, end);
    pieces.emplace_back(text.substr(start, end - start));
    start = end;
  }
  return pieces;
}

// One pattern with PCRE2: its matches and what lies between them.
class Pattern {
 public:
  explicit Pattern(std::string_view pattern) {
    int error = 0;
    std::size_t place = 0;
    code_ = pcre2_compile(reinterpret_cast<PCRE2_SPTR>(pattern.data()), pattern.size(), PCRE2_UTF | PCRE2_UCP, &error,
                          &place, nullptr);
    if (code_ == nullptr) throw InternalError("PCRE2 refuses {} at {}", pattern, place);
    pcre2_jit_compile(code_, PCRE2_JIT_COMPLETE);
    match_ = pcre2_match_data_create_from_pattern(code_, nullptr);
  }
  ~Pattern() {
    pcre2_match_data_free(match_);
    pcre2_code_free(code_);
  }
  Pattern(const Pattern&) = delete;
  Pattern& operator=(const Pattern&) = delete;

  void split(const std::string& text, Pieces& pieces) const {
    std::size_t done = 0;
    while (done < text.size() && pcre2_match(code_, reinterpret_cast<PCRE2_SPTR>(text.data()), text.size(), done,
                                             PCRE2_NO_UTF_CHECK, match_, nullptr) > 0) {
      const std::size_t* range = pcre2_get_ovector_pointer(match_);
      if (range[0] > done) pieces.push_back(text.substr(done, range[0] - done));
      pieces.push_back(text.substr(range[0], range[1] - range[0]));
      done = range[1];
    }
    if (done < text.size()) pieces.push_back(text.substr(done));
  }

 private:
  pcre2_code* code_ = nullptr;
  pcre2_match_data* match_ = nullptr;
};

Pieces split_by_pcre2(const std::string& text) {
  static const auto patterns = split_patterns();
  static const Pattern numbers(patterns[0]);
  static const Pattern cjk(patterns[1]);
  static const Pattern words(patterns[2]);
  Pieces pieces{text};
  for (const Pattern* pattern : {&numbers, &cjk, &words}) {
    Pieces finer;
    for (const std::string& piece : pieces) pattern->split(piece, finer);
    pieces = std::move(finer);
  }
  return pieces;
}

TEST(Splitter, Examples) {
  EXPECT_EQ(split("Hello world"), (Pieces{"Hello", " world"}));
  EXPECT_EQ(split("1234 56"), (Pieces{"123", "4", " ", "56"}));
  EXPECT_EQ(split("don't"), (Pieces{"don", "'t"}));
  EXPECT_EQ(split("!!hello !a ..b"), (Pieces{"!!", "hello", " !", "a", " ..", "b"}));
  EXPECT_EQ(split("a  b"), (Pieces{"a", " ", " b"}));
  EXPECT_EQ(split("a  1"), (Pieces{"a", "  ", "1"}));
  EXPECT_EQ(split("a  中"), (Pieces{"a", "  ", "中"}));
  EXPECT_EQ(split("a \n\n  b"), (Pieces{"a", " \n\n", " ", " b"}));
  EXPECT_EQ(split("a.\r\n\tb"), (Pieces{"a", ".\r\n", "\tb"}));
  EXPECT_EQ(split("カ・タ"), (Pieces{"カ", "・", "タ"}));
  EXPECT_EQ(split("・\n"), (Pieces{"・", "\n"}));
  EXPECT_EQ(split("中!文"), (Pieces{"中", "!", "文"}));
  EXPECT_EQ(split(std::string("\0\0a\0", 4)),
            (Pieces{std::string(1, '\0'), std::string("\0a", 2), std::string(1, '\0')}));
  EXPECT_EQ(split("\u3040\u3040カ\u3040"), (Pieces{"\u3040", "\u3040カ", "\u3040"}));
  EXPECT_EQ(split("一\u0301"), (Pieces{"一", "\u0301"}));
  EXPECT_EQ(split(""), Pieces{});
}

TEST(Splitter, AgreesWithPcre2) {
  std::mt19937 generator(11);
  for (int round = 0; round < 30000; ++round) {
    const std::string text = random_text(generator, 1 + generator() % 24);
    ASSERT_EQ(split(text), split_by_pcre2(text)) << text;
  }
}

// Each pair and triple of symbols of different classes, so that no transition is left to chance.
TEST(Splitter, AgreesWithPcre2OnAllShortTexts) {
  const Pieces symbols = {"a",      "é",  "\u0301", " ",  "\t",     "\u3000", "\n",
                          "\r",     "1",  "\u0661", "!",  "«",      "$",      std::string(1, '\0'),
                          "\u200b", "中", "カ",     "・", "\u3040", "\u3099", "。"};
  for (const std::string& first : symbols)
    for (const std::string& second : symbols)
      for (const std::string& third : symbols)
        for (const std::string& fourth : symbols) {
          const std::string text = first + second + third + fourth;
          ASSERT_EQ(split(text), split_by_pcre2(text)) << text;
        }
}

TEST(Splitter, BrokenBytesSplitAsTheLossyTextDoes) {
  std::mt19937 generator(12);
  for (int round = 0; round < 20000; ++round) {
    std::string text;
    for (int part = 0; part < 6; ++part)
      text += generator() % 2 == 0 ? random_bytes(generator, generator() % 4) : random_text(generator, generator() % 4);
    Pieces pieces = split(text);
    for (std::string& piece : pieces) piece = utf8_lossy(piece);
    ASSERT_EQ(pieces, split(utf8_lossy(text)));
  }
}

TEST(Splitter, LongRunsTakeOnePass) {
  constexpr std::size_t kLength = 10'000'000;
  EXPECT_EQ(split(std::string(kLength, 'a')).size(), 1U);
  EXPECT_EQ(split(std::string(kLength, ' ')).size(), 1U);
  EXPECT_EQ(split(std::string(kLength, ' ') + "a").size(), 2U);
  EXPECT_EQ(split(std::string(kLength, '\0') + "a").size(), 2U);
  EXPECT_EQ(split(std::string(kLength, '\xFF')).size(), 1U);
  EXPECT_EQ(split(std::string(kLength, '1')).size(), (kLength + 2) / 3);
}

}  // namespace
}  // namespace fathom
