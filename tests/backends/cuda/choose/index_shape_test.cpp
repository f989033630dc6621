#include "fathom/backends/cuda/choose/index_shape.h"

#include <gtest/gtest.h>

namespace fathom::cuda {
namespace {

TEST(IndexShape, BlocksShareATokensKeysUntilTheDeviceIsFull) {
  EXPECT_EQ(index_score_shape(1, 262'144, 132).blocks_per_token, 528);  // four for each multiprocessor
  EXPECT_EQ(index_score_shape(1, 600, 132).blocks_per_token, 19);       // few keys: as many blocks as have 32
  EXPECT_EQ(index_score_shape(1, 600, 132).shares_heads, 1);
  EXPECT_EQ(index_score_shape(64, 600, 132).blocks_per_token, 3);  // no more than there are tiles of 256 keys
  EXPECT_EQ(index_score_shape(64, 600, 132).shares_heads, 0);
  EXPECT_EQ(index_score_shape(1, 0, 132).blocks_per_token, 1);
  const IndexScoreShape prefill = index_score_shape(8192, 2048, 132);
  EXPECT_EQ(prefill.blocks_per_token, 1);
  EXPECT_EQ(prefill.tokens, 8192);
}

TEST(IndexShape, ScoresFitTheirScratch) {
  const IndexScoreShape shape = index_score_shape(8192, 262'144, 132);
  EXPECT_EQ(shape.tokens, (1 << 25) / 262'144);
}

TEST(IndexShape, EveryLevelLeavesTheBestOfItsParts) {
  EXPECT_EQ(top_k_candidates(262'144, 512), 32 * 512);
  EXPECT_EQ(top_k_candidates(8193, 512), 512 + 1);
  EXPECT_EQ(top_k_candidates(8192 + 700, 512), 512 + 512);
  EXPECT_EQ(top_k_candidates(100, 512), 100);
}

TEST(IndexShape, LevelsEndWhereOnePartHoldsAll) {
  EXPECT_EQ(top_k_levels(0, 512), 1);
  EXPECT_EQ(top_k_levels(8192, 512), 1);
  EXPECT_EQ(top_k_levels(8193, 512), 2);
  EXPECT_EQ(top_k_levels(131'072, 512), 2);  // 16 parts leave 8,192
  EXPECT_EQ(top_k_levels(262'144, 512), 3);
  EXPECT_EQ(top_k_levels(262'144, 1024), 3);
  for (std::int64_t top_k = 1; top_k <= kMostTopK; top_k *= 2) EXPECT_LE(top_k_levels(1 << 22, top_k), 8) << top_k;
}

}  // namespace
}  // namespace fathom::cuda
