#include "fathom/corpus/text_documents.h"

#include <gtest/gtest.h>

#include "tests/base/file_support.h"
#include "tests/corpus/corpus_support.h"

namespace fathom {
namespace {

using testing::TemporaryDirectory;
using Strings = std::vector<std::string>;

template <typename Reader>
Strings read_all(std::string_view text) {
  const TemporaryDirectory directory;
  testing::write_text(directory / "a", text);
  Reader reader(directory / "a");
  Strings parts;
  for (std::string part; reader.next(part);) parts.push_back(part);
  return parts;
}

Strings documents(std::string_view text) { return read_all<TextDocuments>(text); }
Strings lines(std::string_view text) { return read_all<TextLines>(text); }

TEST(TextDocuments, LieBetweenLinesOfAFormFeed) {
  EXPECT_EQ(documents("one\n\f\ntwo\nlines\n\f\n"), (Strings{"one", "two\nlines"}));
  EXPECT_EQ(documents("one\n\f\ntwo"), (Strings{"one", "two"}));
  EXPECT_EQ(documents("one\n\f"), (Strings{"one"}));
  EXPECT_EQ(documents("one\n\n\f\n\ntwo\n\n"), (Strings{"one\n", "\ntwo\n"}));
  EXPECT_EQ(documents("\f\n\f\nx"), (Strings{"", "", "x"}));
  EXPECT_EQ(documents(""), Strings{});
}

TEST(TextDocuments, AFormFeedInALineIsText) {
  EXPECT_EQ(documents("a\fb\n\f c\n\f\nd\f"), (Strings{"a\fb\n\f c", "d\f"}));
}

TEST(TextDocuments, ManyOfThemComeBackWherever) {
  Strings many;
  for (int number = 0; number < 100'000; ++number) many.push_back(testing::prose(number));
  many.push_back(std::string(3 << 20, 'x'));
  many.push_back("last");
  const std::string text = testing::corpus_text(many);
  EXPECT_EQ(documents(text), many);
  EXPECT_EQ(documents(testing::zstd_packed(text)), many);
}

TEST(TextDocuments, AreUtf8) {
  const std::string error = testing::error_of([] { documents("fine\n\f\nab\xC3("); });
  EXPECT_NE(error.find("document 1 is no UTF-8 at its byte 2 (0xc3)"), std::string::npos) << error;
}

TEST(TextLines, LoseTheirLineBreaks) {
  EXPECT_EQ(lines("one\n\ntwo\n"), (Strings{"one", "", "two"}));
  EXPECT_EQ(lines("one\ntwo"), (Strings{"one", "two"}));
  EXPECT_EQ(lines(""), Strings{});
  const Strings many(3000, std::string(1000, 'y'));
  std::string text;
  for (const std::string& line : many) text += line + "\n";
  EXPECT_EQ(lines(text), many);
}

}  // namespace
}  // namespace fathom
