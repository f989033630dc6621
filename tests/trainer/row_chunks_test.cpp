#include "fathom/trainer/row_chunks.h"

#include <gtest/gtest.h>

namespace fathom::train {
namespace {

// Every token of every row once, in order, in parts of whole blocks.
void expect_cover(const RowChunkPlan& plan) {
  std::int64_t row = 0;
  std::int64_t token = 0;
  for (const RowChunk& chunk : row_chunks(plan)) {
    EXPECT_EQ(chunk.row, row);
    EXPECT_EQ(chunk.token, token);
    EXPECT_EQ(chunk.token % plan.multiple, 0);
    EXPECT_GT(chunk.rows * chunk.tokens, 0);
    if (chunk.rows > 1) {
      EXPECT_EQ(chunk.tokens, plan.length);
    }
    token += chunk.tokens;
    if (token < plan.length) continue;
    EXPECT_EQ(token, plan.length);
    token = 0;
    row += chunk.rows;
  }
  EXPECT_EQ(row, plan.rows);
}

TEST(TrainerRowChunks, CoverEveryTokenOnce) {
  for (const std::int64_t rows : {1, 3, 17})
    for (const std::int64_t length : {128, 4096})
      for (const std::int64_t scores : {0, 1, 500, 30'000, 40'000'000})
        expect_cover({.rows = rows, .length = length, .multiple = 64, .token_scores = scores});
}

TEST(TrainerRowChunks, EntriesReachAsFarAsTheQueries) {
  const torch::Tensor entries = torch::zeros({2, 32, 3});
  const RowChunk chunk{.row = 1, .rows = 1, .token = 64, .tokens = 32};
  EXPECT_EQ(chunk.of_entries(entries, 4).sizes(), (torch::IntArrayRef{1, 24, 3}));
  EXPECT_EQ(chunk.of_entries(entries, 1).size(1), 32);
}

}  // namespace
}  // namespace fathom::train
