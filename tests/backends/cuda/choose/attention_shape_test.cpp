#include "fathom/backends/cuda/choose/attention_shape.h"

#include <gtest/gtest.h>

namespace fathom::cuda {
namespace {

constexpr DeviceSize kHopper{.multiprocessors = 132, .shared_bytes = 227 * 1024, .capability = 90};
constexpr std::int64_t kScratchFloats = std::int64_t{1} << 25;
const EntryFormat kReleased{CacheStorage::released, 512, 64};
const EntryFormat kSmall{CacheStorage::released, 72, 8};

AttentionShape shape_of(const EntryFormat& format, std::int64_t tokens, std::int64_t heads, std::int64_t keys) {
  return attention_shape({.format = format, .tokens = tokens, .heads = heads, .most_keys = keys}, kHopper);
}

// How a number is computed may depend on the format and the mode, never on how many there are.
TEST(AttentionShape, TheFormatAndTheModeChooseTheMethod) {
  const auto method = [](const EntryFormat& format, bool rounded, std::int64_t tokens, std::int64_t keys) {
    return attention_shape({.format = format, .rounded = rounded, .tokens = tokens, .heads = 64, .most_keys = keys},
                           kHopper)
        .method;
  };
  for (const std::int64_t tokens : {1, 64, 8192})
    for (const std::int64_t keys : {1, 640, 262'272})
      for (const bool rounded : {false, true}) {
        EXPECT_EQ(method(kReleased, rounded, tokens, keys),
                  rounded ? AttentionMethod::warpgroups : AttentionMethod::tiles);
        EXPECT_EQ(method(kSmall, rounded, tokens, keys), AttentionMethod::chains);
        EXPECT_EQ(method({CacheStorage::float32, 512, 64}, rounded, tokens, keys), AttentionMethod::chains);
        EXPECT_EQ(method({CacheStorage::released, 512, 32}, rounded, tokens, keys), AttentionMethod::chains);
      }
}

TEST(AttentionShape, ADeviceOfLittleSharedMemoryTakesChains) {
  const AttentionSize size{.format = kReleased, .rounded = true, .tokens = 1, .heads = 64, .most_keys = 640};
  const auto method = [&](const DeviceSize& device) { return attention_shape(size, device).method; };
  EXPECT_EQ(method({.multiprocessors = 142, .shared_bytes = 99 * 1024, .capability = 89}), AttentionMethod::chains);
  EXPECT_EQ(method({.multiprocessors = 108, .shared_bytes = 163 * 1024, .capability = 80}), AttentionMethod::tiles);
}

// Warpgroups' instructions are those of 9.0 alone.
TEST(AttentionShape, OtherCapabilitiesTakeTilesInEveryMode) {
  const AttentionSize size{.format = kReleased, .rounded = true, .tokens = 1, .heads = 64, .most_keys = 640};
  for (const int capability : {80, 89, 91, 100}) {
    const DeviceSize other{.multiprocessors = 148, .shared_bytes = 227 * 1024, .capability = capability};
    EXPECT_EQ(attention_shape(size, other).method, AttentionMethod::tiles) << capability;
  }
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

// Keys are widened before where they are used again and again, and where that takes little memory.
TEST(AttentionShape, ManyTokensWidenTheirKeys) {
  const auto rows = [](std::int64_t tokens, std::int64_t keys, std::int64_t own_rows, bool rounded = true) {
    return attention_shape({.format = kReleased,
                            .rounded = rounded,
                            .tokens = tokens,
                            .heads = 64,
                            .most_keys = keys,
                            .own_rows = own_rows},
                           kHopper)
        .widened_rows;
  };
  EXPECT_EQ(rows(8192, 640, 128 + 2048), 8192 + 128 + 2048);
  EXPECT_EQ(rows(8192, 256, 128), 8192 + 128);
  EXPECT_EQ(rows(8192, 640, 128 + 2048, false), 0);
  EXPECT_EQ(rows(1, 640, 128 + 2048), 0);
  EXPECT_EQ(rows(300, 768, std::int64_t{300} * (128 + 2048)), 0) << "a sequence a token";
  EXPECT_EQ(rows(8192, 768, 128 + 262'144), 0) << "too many rows";
}

// Where all clusters find room at once, and on devices that were asked.
TEST(AttentionShape, FewTilesOfFewTokensAreJoinedByAcluster) {
  DeviceSize device = kHopper;
  device.attention_clusters = {32, 16, 8, 8};
  const auto cluster = [&](std::int64_t tokens, std::int64_t keys, bool rounded = true) {
    return attention_shape({.format = kReleased, .rounded = rounded, .tokens = tokens, .heads = 64, .most_keys = keys},
                           device)
        .cluster;
  };
  EXPECT_EQ(cluster(1, 256), 4);
  EXPECT_EQ(cluster(1, 700), 11);
  EXPECT_EQ(cluster(2, 768), 12);
  EXPECT_EQ(cluster(3, 768), 0) << "twelve clusters, room for eight";
  EXPECT_EQ(cluster(8, 256), 4);
  EXPECT_EQ(cluster(9, 256), 0) << "a block takes more heads";
  EXPECT_EQ(cluster(1, 1024), 16);
  EXPECT_EQ(cluster(1, 1025), 0) << "more tiles than a cluster has";
  EXPECT_EQ(cluster(1, 256, false), 0) << "another kernel";
  device.attention_clusters = {};
  EXPECT_EQ(cluster(1, 256), 0);
}

TEST(AttentionShape, ChainsTakeLargeTilesWhenTheDeviceIsFull) {
  EXPECT_FALSE(shape_of(kSmall, 1, 64, 640).large_tiles);
  EXPECT_TRUE(shape_of(kSmall, 8192, 64, 640).large_tiles);
}

TEST(AttentionShape, NothingIsStillAShape) { EXPECT_EQ(shape_of(kSmall, 0, 0, 0).tokens, 1); }

}  // namespace
}  // namespace fathom::cuda
