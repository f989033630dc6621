#include "fathom/tokenizer/piece_cache.h"

#include <gtest/gtest.h>

#include <map>
#include <random>

namespace fathom {
namespace {

TEST(PieceCache, KeyIsThePieceWhereverItStands) {
  const std::string text = std::string(30, 'x') + "abcdefghijklmnopqrstuvwxyz" + std::string(30, 'y');
  for (std::size_t length = 1; length <= PieceCache::kBytes; ++length) {
    const PieceCache::Key inside = PieceCache::key(text, 30, length);
    const std::string alone = text.substr(30, length);
    const PieceCache::Key at_the_end = PieceCache::key(alone, 0, length);
    EXPECT_EQ(inside.words, at_the_end.words) << length;
    EXPECT_EQ(inside.slot, at_the_end.slot) << length;
    EXPECT_EQ(inside.length, length);
  }
}

TEST(PieceCache, ZerosCount) {
  PieceCache cache;
  const std::string zeros(8, '\0');
  const std::int32_t id = 1;
  cache.put(PieceCache::key(zeros, 0, 1), &id, 1);
  EXPECT_NE(cache.find(PieceCache::key(zeros, 0, 1)), nullptr);
  EXPECT_EQ(cache.find(PieceCache::key(zeros, 0, 2)), nullptr);
}

TEST(PieceCache, GivesBackWhatWasPutOrNothing) {
  std::mt19937 generator(29);
  PieceCache cache;
  std::map<std::string, std::vector<std::int32_t>> put;
  std::size_t found = 0;
  for (int round = 0; round < 200000; ++round) {
    std::string piece;
    for (std::size_t length = 1 + generator() % PieceCache::kBytes; length > 0; --length)
      piece += static_cast<char>('a' + generator() % 2);
    const PieceCache::Key key = PieceCache::key(piece, 0, piece.size());
    if (const PieceCache::Entry* entry = cache.find(key)) {
      ++found;
      EXPECT_EQ(std::vector<std::int32_t>(entry->ids.begin(), entry->ids.begin() + entry->count), put.at(piece));
      continue;
    }
    std::vector<std::int32_t> ids(generator() % (PieceCache::kIds + 3), static_cast<std::int32_t>(generator()));
    cache.put(key, ids.data(), ids.size());
    put[piece] = ids;
    EXPECT_EQ(cache.find(key) != nullptr, ids.size() <= PieceCache::kIds);
  }
  EXPECT_GT(found, 1000U);
}

}  // namespace
}  // namespace fathom
