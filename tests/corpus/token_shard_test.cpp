#include "fathom/corpus/token_shard.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "fathom/base/error.h"
#include "tests/base/file_support.h"
#include "tests/corpus/corpus_support.h"

namespace fathom {
namespace {

using testing::Document;
using testing::error_of;
using testing::TemporaryDirectory;

Document read_document(const TokenShard& shard, std::int64_t document) {
  const auto tokens = static_cast<std::size_t>(shard.document_tokens(document));
  Document read{.ids = std::vector<std::int32_t>(tokens), .loss = std::vector<std::uint8_t>(tokens)};
  shard.read(document, 0, read.ids, read.loss);
  return read;
}

TEST(TokenShard, KeepsDocumentsAndTheirFlags) {
  const TemporaryDirectory directory;
  for (const std::int64_t vocab : {8192, 129280}) {
    const std::int32_t last = static_cast<std::int32_t>(vocab - 1);
    const auto path = testing::write_shard(
        directory / "a",
        {{.ids = {1, 2, last}, .loss = {}}, {.ids = {7}, .loss = {0}}, {.ids = {5, 6}, .loss = {0, 1}}}, vocab);
    const TokenShard shard(path);
    EXPECT_EQ(shard.documents(), 3);
    EXPECT_EQ(shard.tokens(), 6);
    EXPECT_EQ(read_document(shard, 0).ids, (std::vector<std::int32_t>{1, 2, last}));
    EXPECT_EQ(read_document(shard, 0).loss, (std::vector<std::uint8_t>{1, 1, 1}));
    EXPECT_EQ(read_document(shard, 1).loss, (std::vector<std::uint8_t>{0}));
    EXPECT_EQ(read_document(shard, 2).loss, (std::vector<std::uint8_t>{0, 1}));
    std::vector<std::int32_t> id(1);
    std::vector<std::uint8_t> loss(1);
    shard.read(2, 1, id, loss);
    EXPECT_EQ(id[0], 6);
    EXPECT_EQ(loss[0], 1);
  }
  EXPECT_EQ(std::filesystem::file_size(directory / "a"), 40U + 4 * 8 + 6 * 4 + 1);
}

RC_GTEST_PROP(TokenShard, GivesBackWhatWasWritten, ()) {
  const std::int64_t vocab = *rc::gen::element<std::int64_t>(2, 65'536, 65'537, 129'280);
  const auto id = rc::gen::inRange<std::int32_t>(0, static_cast<std::int32_t>(vocab));
  std::vector<Document> documents;
  for (const auto& ids : *rc::gen::container<std::vector<std::vector<std::int32_t>>>(
           rc::gen::nonEmpty(rc::gen::container<std::vector<std::int32_t>>(id)))) {
    documents.push_back({.ids = ids, .loss = {}});
    if (*rc::gen::arbitrary<bool>())
      documents.back().loss =
          *rc::gen::container<std::vector<std::uint8_t>>(ids.size(), rc::gen::inRange<std::uint8_t>(0, 2));
  }
  const TemporaryDirectory directory;
  const TokenShard shard(testing::write_shard(directory / "a", documents, vocab));
  RC_ASSERT(shard.documents() == static_cast<std::int64_t>(documents.size()));
  for (std::size_t document = 0; document < documents.size(); ++document) {
    const Document read = read_document(shard, static_cast<std::int64_t>(document));
    RC_ASSERT(read.ids == documents[document].ids);
    const std::vector<std::uint8_t> all(read.ids.size(), 1);
    RC_ASSERT(read.loss == (documents[document].loss.empty() ? all : documents[document].loss));
  }
}

TEST(TokenShard, StandsUnderItsNameWhenItIsFinishedAlone) {
  const TemporaryDirectory directory;
  {
    TokenShardWriter writer(directory / "a", 10);
    writer.add(std::vector<std::int32_t>{1, 2});
    EXPECT_EQ(writer.tokens(), 2);
  }
  EXPECT_TRUE(std::filesystem::is_empty(directory.path()));
}

TEST(TokenShard, EqualDocumentsGiveEqualBytes) {
  const TemporaryDirectory directory;
  const std::vector<Document> documents = testing::counted_documents({3, 1, 4});
  const TokenShard left(testing::write_shard(directory / "a", documents, 100));
  const TokenShard right(testing::write_shard(directory / "b", documents, 100));
  EXPECT_EQ(testing::read_text(directory / "a"), testing::read_text(directory / "b"));
  EXPECT_EQ(left.checksum(), right.checksum());
  EXPECT_NE(left.checksum(), TokenShard(testing::write_shard(directory / "c", {documents[0]}, 100)).checksum());
}

TEST(TokenShard, AnEmptyOneIsAShard) {
  const TemporaryDirectory directory;
  const TokenShard shard(testing::write_shard(directory / "a", {}, 100));
  EXPECT_EQ(shard.documents(), 0);
  EXPECT_EQ(shard.tokens(), 0);
}

TEST(TokenShard, RefusesWhatIsOursToGetRight) {
  const TemporaryDirectory directory;
  TokenShardWriter writer(directory / "a", 10);
  EXPECT_THROW(writer.add({}), InternalError);
  EXPECT_THROW(writer.add(std::vector<std::int32_t>{10}), InternalError);
  EXPECT_THROW(writer.add(std::vector<std::int32_t>{-1}), InternalError);
  EXPECT_THROW(writer.add(std::vector<std::int32_t>{1}, std::vector<std::uint8_t>{1, 0}), InternalError);
  writer.add(std::vector<std::int32_t>{1, 2, 3});
  writer.finish();
  EXPECT_THROW(writer.finish(), InternalError);
  EXPECT_THROW(writer.add(std::vector<std::int32_t>{1}), InternalError);
  const TokenShard shard(directory / "a");
  std::vector<std::int32_t> ids(2);
  std::vector<std::uint8_t> loss(2);
  EXPECT_THROW(shard.read(1, 0, ids, loss), InternalError);
  EXPECT_THROW(shard.read(0, 2, ids, loss), InternalError);
  EXPECT_THROW(shard.read(0, -1, ids, loss), InternalError);
  EXPECT_NE(error_of([&] { TokenShardWriter(directory / "b", 0); }).find("0 tokens"), std::string::npos);
}

TEST(TokenShard, NamesTheFileThatIsNone) {
  const TemporaryDirectory directory;
  testing::write_text(directory / "a", "text");
  EXPECT_NE(error_of([&] { TokenShard{directory / "a"}; }).find("a is no token shard"), std::string::npos);
  EXPECT_NE(error_of([&] { TokenShard{directory / "b"}; }).find("cannot open"), std::string::npos);
}

}  // namespace
}  // namespace fathom
