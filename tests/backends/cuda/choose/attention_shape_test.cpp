#include "fathom/backends/cuda/choose/attention_shape.h"

#include <gtest/gtest.h>

namespace fathom::cuda {
namespace {

constexpr DeviceSize kHopper{.multiprocessors = 132, .shared_bytes = 227 * 1024};
constexpr std::int64_t kScratchFloats = std::int64_t{1} << 25;
const EntryFormat kReleased{CacheStorage::released, 512, 64};
const EntryFormat kSmall{CacheStorage::released, 72, 8};

AttentionShape shape_of(const EntryFormat& format, std::int64_t tokens, std::int64_t heads, std::int64_t keys) {
  return attention_shape({.format = format, .tokens = tokens, .heads = heads, .most_keys = keys}, kHopper);
}

// How a number is computed may depend on the format, never on how many there are.
TEST(AttentionShape, TheFormatAloneChoosesTheMethod) {
  for (const std::int64_t tokens : {1, 64, 8192})
    for (const std::int64_t keys : {1, 640, 262'272}) {
      EXPECT_TRUE(shape_of(kReleased, tokens, 64, keys).tiled);
      EXPECT_FALSE(shape_of(kSmall, tokens, 64, keys).tiled);
      EXPECT_FALSE(shape_of({CacheStorage::float32, 512, 64}, tokens, 64, keys).tiled);
      EXPECT_FALSE(shape_of({CacheStorage::released, 512, 32}, tokens, 64, keys).tiled);
    }
}

TEST(AttentionShape, ADeviceOfLittleSharedMemoryTakesChains) {
  const AttentionSize size{.format = kReleased, .tokens = 1, .heads = 64, .most_keys = 640};
  EXPECT_FALSE(attention_shape(size, {.multiprocessors = 142, .shared_bytes = 99 * 1024}).tiled);
  EXPECT_TRUE(attention_shape(size, {.multiprocessors = 108, .shared_bytes = 163 * 1024}).tiled);
}

TEST(AttentionShape, DecodeSplitsOverTilesOfKeys) {
  const AttentionShape shape = shape_of(kReleased, 1, 64, 8320);
  EXPECT_TRUE(shape.split);
  EXPECT_EQ(shape.tokens, 1);
  EXPECT_EQ(shape.floats, 130 * 64 * 514);  // of each tile and head the values, the largest score, the sum
}

TEST(AttentionShape, PrefillKeepsNothingBetweenKernels) {
  const AttentionShape shape = shape_of(kReleased, 8192, 64, 640);
  EXPECT_FALSE(shape.split);
  EXPECT_EQ(shape.tokens, 8192);
  EXPECT_EQ(shape.floats, 0);
}

TEST(AttentionShape, ScratchIsBounded) {
  for (const EntryFormat& format : {kReleased, kSmall})
    for (const std::int64_t tokens : {1, 7, 60, 8192})
      for (const std::int64_t keys : {640, 1152, 8320, 262'272}) {
        const AttentionShape shape = shape_of(format, tokens, 64, keys);
        EXPECT_GE(shape.tokens, 1);
        EXPECT_LE(shape.tokens, tokens);
        if (shape.tokens == 1) continue;
        EXPECT_LE(shape.floats, kScratchFloats) << tokens << " tokens, " << keys << " keys";
      }
}

TEST(AttentionShape, ChainsTakeLargeTilesWhenTheDeviceIsFull) {
  EXPECT_FALSE(shape_of(kSmall, 1, 64, 640).large_tiles);
  EXPECT_TRUE(shape_of(kSmall, 8192, 64, 640).large_tiles);
}

TEST(AttentionShape, NothingIsStillAShape) { EXPECT_EQ(shape_of(kSmall, 0, 0, 0).tokens, 1); }

}  // namespace
}  // namespace fathom::cuda
