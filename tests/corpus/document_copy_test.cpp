#include "fathom/corpus/document_copy.h"

#include <gtest/gtest.h>

#include <set>

#include "fathom/corpus/text_documents.h"
#include "tests/base/file_support.h"

namespace fathom {
namespace {

using testing::TemporaryDirectory;

class DocumentCopyTest : public ::testing::Test {
 protected:
  DocumentCopyTest() {
    std::string text;
    for (int number = 0; number < 2000; ++number)
      text += "Document " + std::to_string(number) + std::string(static_cast<std::size_t>(30 + number % 50), 'x') +
              "\n\f\n";
    testing::write_text(directory_ / "text", text + "tiny\n\f\n");
  }
  std::vector<std::string> copy(DocumentCopyOptions options, DocumentCopyReport* report = nullptr) {
    options.files = {directory_ / "text"};
    std::string text;
    const DocumentCopyReport found = copy_documents(options, [&](std::string_view stretch) { text += stretch; });
    if (report != nullptr) *report = found;
    testing::write_text(directory_ / "copy", text);
    std::vector<std::string> copied;
    TextDocuments documents(directory_ / "copy");
    for (std::string document; documents.next(document);) copied.push_back(document);
    return copied;
  }
  const TemporaryDirectory directory_;
};

TEST_F(DocumentCopyTest, BothSidesTogetherAreAll) {
  const auto all = copy({});
  EXPECT_EQ(all.size(), 2000U) << "what is near to empty is left out";
  const auto train = copy({.hold_out = HoldOut::train});
  const auto test = copy({.hold_out = HoldOut::test});
  EXPECT_EQ(train.size() + test.size(), all.size());
  EXPECT_GT(test.size(), 5U);
  EXPECT_LT(test.size(), 60U);
  std::set<std::string> both(train.begin(), train.end());
  both.insert(test.begin(), test.end());
  EXPECT_EQ(both.size(), all.size());
  for (const std::string& document : test) EXPECT_TRUE(is_held_out(document));
}

TEST_F(DocumentCopyTest, LengthsAndThinning) {
  for (const std::string& document : copy({.shortest = 50, .longest = 60})) {
    EXPECT_GE(document.size(), 50U);
    EXPECT_LE(document.size(), 60U);
  }
  DocumentCopyReport report;
  const auto thinned = copy({.max_bytes = 10000}, &report);
  EXPECT_EQ(report.documents, std::ssize(thinned));
  EXPECT_EQ(report.documents + report.left_out, 2001);
  EXPECT_NEAR(static_cast<double>(report.bytes), 10000.0, 100.0);
  EXPECT_NE(thinned.front().find("Document"), std::string::npos);
  EXPECT_NE(thinned.back().find("Document 19"), std::string::npos) << "spread to the end";
}

TEST_F(DocumentCopyTest, NothingChosenNothingWritten) {
  EXPECT_TRUE(copy({.shortest = 1000}).empty());
  EXPECT_NE(testing::error_of([] {
              copy_documents({.files = {"/no/such/text"}}, [](std::string_view) {});
            }).find("/no/such/text"),
            std::string::npos);
}

}  // namespace
}  // namespace fathom
