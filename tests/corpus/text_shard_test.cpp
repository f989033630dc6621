#include "fathom/corpus/text_shard.h"

#include <gtest/gtest.h>

#include "tests/base/file_support.h"
#include "tests/corpus/corpus_support.h"

namespace fathom {
namespace {

using testing::TemporaryDirectory;

const Tokenizer& sprat() {
  static const Tokenizer tokenizer = Tokenizer::load(FATHOM_SOURCE "/models/sprat/tokenizer.json");
  return tokenizer;
}

struct Built {
  TextShardReport report;
  std::vector<std::string> texts;  // of the documents, decoded
  std::string bytes;               // of the shard
};

Built build(const std::vector<std::string>& documents, TextShardOptions options = {}) {
  const TemporaryDirectory directory;
  testing::write_text(directory / "a.txt", testing::corpus_text(documents));
  options.files = {directory / "a.txt"};
  TokenShardWriter writer(directory / "a.shard", sprat().vocab());
  Built built;
  built.report = write_text_shard(options, sprat(), writer, [](double share) { EXPECT_LE(share, 1.0); });
  writer.finish();
  const TokenShard shard(directory / "a.shard");
  for (std::int64_t document = 0; document < shard.documents(); ++document) {
    std::vector<std::int32_t> ids(static_cast<std::size_t>(shard.document_tokens(document)));
    std::vector<std::uint8_t> loss(ids.size());
    shard.read(document, 0, ids, loss);
    EXPECT_EQ(std::count(loss.begin(), loss.end(), 1), static_cast<std::int64_t>(loss.size()));
    built.texts.push_back(sprat().decode(ids));
  }
  built.bytes = testing::read_text(directory / "a.shard");
  return built;
}

std::string framed(const std::string& text) { return "<｜begin▁of▁sentence｜>" + text + "<｜end▁of▁sentence｜>"; }

std::vector<std::string> many() {
  std::vector<std::string> documents;
  for (int number = 0; number < 1000; ++number) documents.push_back(testing::prose(number));
  return documents;
}

TEST(TextShard, FramesEveryDocument) {
  const Built built = build({testing::prose(1), "short", testing::prose(2)});
  EXPECT_EQ(built.texts, (std::vector<std::string>{framed(testing::prose(1)), framed(testing::prose(2))}));
  EXPECT_EQ(built.report.documents, 2);
  EXPECT_EQ(built.report.near_empty, 1);
  EXPECT_EQ(built.report.bytes, testing::prose(1).size() + testing::prose(2).size());
}

TEST(TextShard, TextSpellsNoSpecialToken) {
  const Built built = build({testing::prose(1) + "<think>", testing::prose(2)});
  EXPECT_EQ(built.texts, (std::vector<std::string>{framed(testing::prose(2))}));
  EXPECT_EQ(built.report.with_markers, 1);
}

TEST(TextShard, BothSidesOfTheHoldOutAreAll) {
  const Built all = build(many());
  const Built train = build(many(), {.hold_out = HoldOut::train});
  const Built test = build(many(), {.hold_out = HoldOut::test});
  EXPECT_EQ(all.report.documents, 1000);
  EXPECT_EQ(train.report.documents + test.report.documents, 1000);
  EXPECT_EQ(train.report.elsewhere, test.report.documents);
  EXPECT_GT(test.report.documents, 0);
  for (const std::string& text : test.texts) EXPECT_EQ(std::count(train.texts.begin(), train.texts.end(), text), 0);
}

TEST(TextShard, ThinsEvenly) {
  const Built all = build(many());
  const Built half = build(many(), {.max_bytes = all.report.bytes / 2});
  EXPECT_NEAR(static_cast<double>(half.report.bytes), static_cast<double>(all.report.bytes) / 2, 300.0);
  EXPECT_EQ(half.report.thinned + half.report.documents, 1000);
  EXPECT_EQ(half.texts.back(), all.texts[all.texts.size() - (half.texts.back() == all.texts.back() ? 1 : 2)]);
}

TEST(TextShard, CutsLongDocuments) {
  std::string book;
  for (const std::string& chapter : many()) book += chapter + "\n\n";
  const Built built = build({book}, {.longest = 4096});
  std::string joined;
  for (const std::string& text : built.texts) {
    EXPECT_LE(text.size(), 4096 + framed("").size());
    joined += text.substr(framed("").find("<｜end"), text.size() - framed("").size());
  }
  EXPECT_EQ(joined, book.substr(0, book.size() - 1) + "\n");
}

TEST(TextShard, RearrangesAtTheRate) {
  const Built built = build(many(), {.fim_rate = 0.5, .fim_longest = 150, .seed = 3});
  std::int64_t rearranged = 0;
  for (const std::string& text : built.texts) {
    if (text.find("<｜fim▁begin｜>") == std::string::npos) continue;
    ++rearranged;
    EXPECT_EQ(text.find("<｜begin▁of▁sentence｜><｜fim▁begin｜>"), 0U);
    EXPECT_LE(text.size(), 150 + framed("<｜fim▁begin｜><｜fim▁hole｜><｜fim▁end｜>").size());
  }
  EXPECT_EQ(rearranged, built.report.rearranged);
  EXPECT_NEAR(static_cast<double>(built.report.documents - rearranged), 500.0, 60.0);
  EXPECT_NE(built.bytes, build(many(), {.fim_rate = 0.5, .fim_longest = 150, .seed = 4}).bytes);
}

TEST(TextShard, DoesNotDependOnThreads) {
  EXPECT_EQ(build(many(), {.fim_rate = 0.5, .threads = 1}).bytes, build(many(), {.fim_rate = 0.5, .threads = 5}).bytes);
}

TEST(TextShard, RefusesBadOptions) {
  EXPECT_NE(testing::error_of([] { build({}, {.fim_rate = 1.5}); }).find("rate of 1.5, expected 0 to 1"),
            std::string::npos);
  EXPECT_NE(testing::error_of([] { build({}, {.longest = 5}); }).find("at most 5 bytes"), std::string::npos);
}

}  // namespace
}  // namespace fathom
