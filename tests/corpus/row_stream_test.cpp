#include "fathom/corpus/row_stream.h"

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

bool equal(const PackedRow& left, const PackedRow& right) {
  return left.ids == right.ids && left.targets == right.targets && left.documents == right.documents &&
         left.positions == right.positions;
}

std::vector<Document> random_documents(std::uint8_t flags = 2) {
  const auto lengths =
      *rc::gen::nonEmpty(rc::gen::container<std::vector<std::int64_t>>(rc::gen::inRange<std::int64_t>(1, 40)));
  std::vector<Document> documents = testing::counted_documents(lengths);
  for (Document& document : documents)
    document.loss =
        *rc::gen::container<std::vector<std::uint8_t>>(document.ids.size(), rc::gen::inRange<std::uint8_t>(0, flags));
  return documents;
}

TEST(RowStream, LaysDocumentsEndToEnd) {
  const TemporaryDirectory directory;
  const auto shard = testing::write_shard(directory / "a", {{.ids = {7, 8, 9}, .loss = {1, 0, 1}}}, 100);
  RowStream stream({.parts = {{.shard = shard}}, .length = 8});
  const PackedRow row = stream.next();
  EXPECT_EQ(row.ids, (std::vector<std::int32_t>{7, 8, 9, 7, 8, 9, 0, 0}));
  EXPECT_EQ(row.targets, (std::vector<std::int32_t>{-1, 9, -1, -1, 9, -1, -1, -1}));
  EXPECT_EQ(row.documents, (std::vector<std::int32_t>{0, 0, 0, 1, 1, 1, -1, -1}));
  EXPECT_EQ(row.positions, (std::vector<std::int32_t>{0, 1, 2, 0, 1, 2, 0, 0}));
}

TEST(RowStream, CutsLongDocumentsIntoDocuments) {
  const TemporaryDirectory directory;
  const auto shard = testing::write_shard(directory / "a", testing::counted_documents({5}), 100);
  RowStream stream({.parts = {{.shard = shard}}, .length = 4});
  const PackedRow row = stream.next();
  EXPECT_EQ(row.ids, (std::vector<std::int32_t>{0, 1, 2, 3}));
  EXPECT_EQ(row.targets, (std::vector<std::int32_t>{1, 2, 3, -1}));
  const PackedRow next = stream.next();
  EXPECT_EQ(next.positions, (std::vector<std::int32_t>{0, 0, 0, 0}));
  EXPECT_EQ(next.documents, (std::vector<std::int32_t>{0, 1, 2, 3}));
  EXPECT_EQ(next.ids, (std::vector<std::int32_t>{4, 4, 4, 4}));
}

// Whatever a row holds, its four arrays say the same of it.
RC_GTEST_PROP(RowStream, ArraysAgree, ()) {
  const TemporaryDirectory directory;
  const std::vector<Document> documents = random_documents();
  std::vector<std::uint8_t> flags;  // by id
  for (const Document& document : documents) flags.insert(flags.end(), document.loss.begin(), document.loss.end());
  RowStream stream({.parts = {{.shard = testing::write_shard(directory / "a", documents, 1 << 20)}},
                    .length = *rc::gen::inRange<std::int64_t>(1, 30),
                    .seed = *rc::gen::arbitrary<std::uint64_t>()});
  for (int count = 0; count < 10; ++count) {
    const PackedRow row = stream.next();
    for (std::size_t token = 0; token < row.ids.size(); ++token) {
      const bool padding = row.documents[token] < 0;
      if (padding) {
        RC_ASSERT(row.ids[token] == 0 && row.targets[token] == -1 && row.positions[token] == 0);
        RC_ASSERT((token + 1 == row.ids.size() || row.documents[token + 1] == -1));  // bare, || would not stop early
        continue;
      }
      const bool goes_on = token + 1 < row.ids.size() && row.documents[token + 1] == row.documents[token];
      if (goes_on) {
        RC_ASSERT(row.positions[token + 1] == row.positions[token] + 1);
        RC_ASSERT(row.ids[token + 1] == row.ids[token] + 1);  // as counted_documents() numbers them
        const bool learned = flags[static_cast<std::size_t>(row.ids[token + 1])] != 0;
        RC_ASSERT(row.targets[token] == (learned ? row.ids[token + 1] : -1));
      } else {
        RC_ASSERT(row.targets[token] == -1);
        if (token + 1 < row.ids.size() && row.documents[token + 1] >= 0) {
          RC_ASSERT(row.positions[token + 1] == 0 && row.documents[token + 1] == row.documents[token] + 1);
        }
      }
    }
  }
}

RC_GTEST_PROP(RowStream, RanksPartitionTheOneOrder, ()) {
  const TemporaryDirectory directory;
  RowStreamOptions options{
      .parts = {{.shard = testing::write_shard(directory / "a", random_documents(), 1 << 20)},
                {.shard = testing::write_shard(directory / "b", random_documents(), 1 << 20), .weight = 2.5}},
      .length = *rc::gen::inRange<std::int64_t>(1, 30),
      .seed = *rc::gen::arbitrary<std::uint64_t>()};
  RowStream all(options);
  options.ranks = *rc::gen::inRange<std::int64_t>(1, 5);
  std::vector<RowStream> ranks;
  for (options.rank = 0; options.rank < options.ranks; ++options.rank) ranks.emplace_back(options);
  for (int round = 0; round < 6; ++round) {
    for (RowStream& rank : ranks) RC_ASSERT(equal(rank.next(), all.next()));
    for (RowStream& rank : ranks) RC_ASSERT(rank.place() == all.place());
  }
}

RC_GTEST_PROP(RowStream, GoesOnFromItsPlaceToTheToken, ()) {
  const TemporaryDirectory directory;
  const RowStreamOptions options{
      .parts = {{.shard = testing::write_shard(directory / "a", random_documents(), 1 << 20)}},
      .length = *rc::gen::inRange<std::int64_t>(1, 30),
      .seed = *rc::gen::arbitrary<std::uint64_t>(),
      .rank = 1,
      .ranks = 2};
  RowStream stream(options);
  for (int row = *rc::gen::inRange(0, 20); row > 0; --row) stream.next();
  RowStream other(options);
  other.next();
  other.seek(stream.place());
  for (int row = 0; row < 20; ++row) RC_ASSERT(equal(other.next(), stream.next()));
}

// The tokens of the rows themselves, counted over some hundred of them.
TEST(RowStream, SharesOfTokensMatchTheWeights) {
  const TemporaryDirectory directory;
  const auto small = testing::write_shard(directory / "a", testing::counted_documents({3, 50, 20, 7}), 1 << 20);
  const auto large = testing::write_shard(
      directory / "b", testing::counted_documents(std::vector<std::int64_t>(200, 31), 1000), 1 << 20);
  RowStream stream({.parts = {{.shard = small, .weight = 1.0}, {.shard = large, .weight = 3.0}}, .length = 64});
  std::int64_t of_small = 0;
  std::int64_t of_both = 0;
  for (int count = 0; count < 2000; ++count) {
    const PackedRow row = stream.next();
    for (std::size_t token = 0; token < row.ids.size(); ++token) {
      of_both += row.documents[token] >= 0 ? 1 : 0;
      of_small += row.documents[token] >= 0 && row.ids[token] < 1000 ? 1 : 0;
    }
  }
  EXPECT_NEAR(static_cast<double>(of_small) / static_cast<double>(of_both), 0.25, 0.005);
}

TEST(RowStream, RefusesBadOptions) {
  const TemporaryDirectory directory;
  const auto shard = testing::write_shard(directory / "a", testing::counted_documents({5}), 100);
  const auto refusal = [&](auto change) {
    RowStreamOptions options{.parts = {{.shard = shard}}, .length = 4};
    change(options);
    return error_of([&] { RowStream{options}; });
  };
  EXPECT_EQ(refusal([](RowStreamOptions&) {}), "");
  EXPECT_EQ(refusal([](RowStreamOptions& options) { options.parts.clear(); }), "[rows] 0 shards, expected at least 1");
  EXPECT_EQ(refusal([](RowStreamOptions& options) { options.length = 0; }),
            "[rows] rows of 0 tokens, expected at least 1");
  EXPECT_EQ(refusal([](RowStreamOptions& options) { options.rank = 1; }), "[rows] rank 1 of 1, expected 0 to 0");
  EXPECT_NE(refusal([](RowStreamOptions& options) { options.parts[0].weight = 0.0; }).find("has the weight 0"),
            std::string::npos);
  const auto empty = testing::write_shard(directory / "b", {}, 100);
  EXPECT_NE(refusal([&](RowStreamOptions& options) { options.parts[0].shard = empty; }).find("has 0 documents"),
            std::string::npos);
}

TEST(RowStream, RefusesAPlaceInOtherShards) {
  const TemporaryDirectory directory;
  const auto shard = testing::write_shard(directory / "a", testing::counted_documents({5, 6}), 100);
  const auto other = testing::write_shard(directory / "b", testing::counted_documents({6, 5}), 100);
  RowStream stream({.parts = {{.shard = shard}}, .length = 4});
  RowStream elsewhere({.parts = {{.shard = other}}, .length = 4});
  EXPECT_NE(error_of([&] { elsewhere.seek(stream.place()); }).find("as checksum of part 0"), std::string::npos);
  EXPECT_NE(error_of([&] { stream.seek("{"); }).find("cannot be read"), std::string::npos);
}

}  // namespace
}  // namespace fathom
