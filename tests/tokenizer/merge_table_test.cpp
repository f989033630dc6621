#include "fathom/tokenizer/merge_table.h"

#include <gtest/gtest.h>

#include <map>
#include <numeric>
#include <random>

#include "fathom/tokenizer/tokenizer_json.h"

namespace fathom {
namespace {

std::array<std::int32_t, 256> bytes_from(std::int32_t first) {
  std::array<std::int32_t, 256> ids{};
  std::iota(ids.begin(), ids.end(), first);
  return ids;
}

TEST(MergeTable, Empty) {
  const MergeTable table({}, bytes_from(0));
  EXPECT_EQ(table.rank(0, 0), MergeTable::kNone);
  EXPECT_EQ(table.rank_of_bytes('a', 'b'), MergeTable::kNone);
  EXPECT_EQ(table.byte_id(200), 200);
}

TEST(MergeTable, KnowsItsMergesAndNoOthers) {
  std::mt19937 generator(5);
  std::map<std::pair<std::int32_t, std::int32_t>, std::uint32_t> expected;
  std::vector<Merge> merges;
  const auto id = [&] { return static_cast<std::int32_t>(generator() % (generator() % 2 == 0 ? 300 : kTokenLimit)); };
  for (std::uint32_t rank = 0; rank < 20000; ++rank) {
    merges.push_back({id(), id(), static_cast<std::int32_t>(rank % 777)});
    expected[{merges.back().left, merges.back().right}] = rank;  // a pair given twice: the later rank holds
  }
  const MergeTable table(merges, bytes_from(3));
  for (const auto& [pair, rank] : expected) {
    EXPECT_EQ(table.rank(pair.first, pair.second), rank);
    EXPECT_EQ(table.product(rank), static_cast<std::int32_t>(rank % 777));
  }
  for (int round = 0; round < 20000; ++round) {
    const std::pair pair{id(), id()};
    const auto place = expected.find(pair);
    EXPECT_EQ(table.rank(pair.first, pair.second), place == expected.end() ? MergeTable::kNone : place->second);
  }
  for (int left = 0; left < 256; ++left)
    for (int right = 0; right < 256; ++right)
      ASSERT_EQ(table.rank_of_bytes(static_cast<unsigned char>(left), static_cast<unsigned char>(right)),
                table.rank(left + 3, right + 3));
}

TEST(MergeTable, HoldsTheLargestIds) {
  const auto last = static_cast<std::int32_t>(kTokenLimit - 1);
  const MergeTable table(std::vector<Merge>{{last, last, last}, {0, last, 1}}, bytes_from(0));
  EXPECT_EQ(table.rank(last, last), 0U);
  EXPECT_EQ(table.rank(0, last), 1U);
  EXPECT_EQ(table.rank(last, 0), MergeTable::kNone);
}

}  // namespace
}  // namespace fathom
