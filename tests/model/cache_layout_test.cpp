#include "fathom/model/cache_layout.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "fathom/spec/kv_size.h"

namespace fathom {
namespace {

struct Region {
  std::int64_t offset = 0;
  std::int64_t bytes = 0;
  std::string what;
};

void add_tail(std::vector<Region>& regions, const BlockCacheLayout& place, const CompressorTail& tail,
              const std::string& what) {
  regions.push_back({tail.kv_offset, place.tail_rows * tail.columns * 4, what + " kv"});
  regions.push_back({tail.gate_offset, place.tail_rows * tail.columns * 4, what + " gate"});
}

std::vector<Region> state_regions(const CacheLayout& layout) {
  std::vector<Region> regions;
  for (std::size_t block = 0; block < layout.blocks.size(); ++block) {
    const BlockCacheLayout& place = layout.blocks[block];
    const std::string name = fmt::format("block {}", block);
    regions.push_back({place.window_offset, layout.window_rows * layout.entry.row_bytes(), name + " window"});
    if (place.kind != AttentionKind::sliding) add_tail(regions, place, place.tail, name + " tail");
    if (place.kind == AttentionKind::csa) add_tail(regions, place, place.index_tail, name + " index tail");
  }
  return regions;
}

std::vector<Region> page_regions(const CacheLayout& layout) {
  std::vector<Region> regions;
  for (std::size_t block = 0; block < layout.blocks.size(); ++block) {
    const BlockCacheLayout& place = layout.blocks[block];
    if (place.kind == AttentionKind::sliding) continue;
    regions.push_back({place.entries_offset, place.entries_per_page * layout.entry.row_bytes(),
                       fmt::format("block {} entries", block)});
    if (place.kind == AttentionKind::csa)
      regions.push_back({place.index_keys_offset, place.entries_per_page * layout.index_key.row_bytes(),
                         fmt::format("block {} index keys", block)});
  }
  return regions;
}

void expect_disjoint(std::vector<Region> regions, std::int64_t bytes) {
  std::sort(regions.begin(), regions.end(), [](const Region& a, const Region& b) { return a.offset < b.offset; });
  std::int64_t end = 0;
  for (const Region& region : regions) {
    EXPECT_EQ(region.offset % 64, 0) << region.what;
    EXPECT_GE(region.offset, end) << region.what << " overlaps what lies before it";
    EXPECT_GT(region.bytes, 0) << region.what;
    end = region.offset + region.bytes;
  }
  EXPECT_LE(end, bytes);
}

std::int64_t sum_of(const std::vector<Region>& regions, std::string_view what) {
  std::int64_t sum = 0;
  for (const Region& region : regions)
    if (region.what.find(what) != std::string::npos) sum += region.bytes;
  return sum;
}

TEST(CacheLayout, EntriesAreTheReleasedSizes) {
  const CacheLayout layout = make_cache_layout(preset_model_config("deepseek-v4-flash"), CacheStorage::released);
  EXPECT_EQ(layout.entry.row_bytes(), 584);
  EXPECT_EQ(layout.index_key.row_bytes(), 68);
  EXPECT_EQ(layout.page_tokens, 128);
  const CacheLayout wide = make_cache_layout(preset_model_config("deepseek-v4-flash"), CacheStorage::float32);
  EXPECT_EQ(wide.entry.row_bytes(), 512 * 4);
  EXPECT_EQ(wide.index_key.row_bytes(), 128 * 4);
}

// Report 4.1: bytes per token and per request. The last block is MTP's, whose window comes on top of the trunk's.
TEST(CacheLayout, FlashKeepsAsMuchAsTheReportSays) {
  const ModelConfig config = preset_model_config("deepseek-v4-flash");
  const CacheLayout layout = make_cache_layout(config, CacheStorage::released);
  const auto pages = page_regions(layout);
  EXPECT_EQ(sum_of(pages, ""), 449824);  // 3514.25 bytes for each of 128 tokens
  EXPECT_EQ(static_cast<double>(sum_of(pages, "")) / 128.0, kv_bytes_per_token(config));
  EXPECT_LE(layout.page_bytes - sum_of(pages, ""), 20 * 56) << "padding: HCA's one entry of 584 fills 640 bytes";
  const auto state = state_regions(layout);
  EXPECT_EQ(sum_of(state, "window"), 44 * 128 * 584);
  EXPECT_EQ(sum_of(state, "window") - 128 * 584, window_bytes(config));
  EXPECT_EQ(window_bytes(config), 3214336);    // 3.21 MB
  EXPECT_EQ(sum_of(state, "tail"), 12206080);  // 12.2 MB
}

TEST(CacheLayout, ProKeepsAsMuchAsTheReportSays) {
  const ModelConfig config = preset_model_config("deepseek-v4-pro");
  const CacheLayout layout = make_cache_layout(config, CacheStorage::released);
  const auto pages = page_regions(layout);
  EXPECT_EQ(static_cast<double>(sum_of(pages, "")) / 128.0, kv_bytes_per_token(config));
  EXPECT_EQ(sum_of(pages, "") / 128, 5031);
  const auto state = state_regions(layout);
  EXPECT_EQ(sum_of(state, "window") - 128 * 584, 4559872);  // 4.56 MB
  EXPECT_EQ(sum_of(state, "tail"), 18710528);               // 18.7 MB
}

TEST(CacheLayout, TailsHoldTheBlocksThatPoolingReads) {
  const ModelConfig config = preset_model_config("deepseek-v4-flash");
  const CacheLayout layout = make_cache_layout(config, CacheStorage::released, 3);
  EXPECT_EQ(layout.window_rows, 131);
  const BlockCacheLayout& csa = layout.blocks[2];
  EXPECT_EQ(csa.kind, AttentionKind::csa);
  EXPECT_EQ(csa.tail_rows, 2 * 4 + 3);  // this block and the one before it
  EXPECT_EQ(csa.tail.columns, 1024);
  EXPECT_EQ(csa.index_tail.columns, 256);
  EXPECT_EQ(csa.entries_per_page, 32);
  const BlockCacheLayout& hca = layout.blocks[3];
  EXPECT_EQ(hca.kind, AttentionKind::hca);
  EXPECT_EQ(hca.tail_rows, 128 + 3);
  EXPECT_EQ(hca.tail.columns, 512);
  EXPECT_EQ(hca.index_tail.columns, 0);
  EXPECT_EQ(hca.entries_per_page, 1);
  EXPECT_EQ(layout.blocks.back().kind, AttentionKind::sliding);
  EXPECT_EQ(layout.blocks.size(), 44U);
}

TEST(CacheLayout, WithoutCompressionThereAreNoPages) {
  ModelConfig config = preset_model_config("deepseek-v4-flash");
  config.layers = 2;
  config.compress_ratios = {0, 0, 0};
  const CacheLayout layout = make_cache_layout(config, CacheStorage::released);
  EXPECT_EQ(layout.page_bytes, 0);
  EXPECT_EQ(layout.state_bytes, 3 * 128 * 584);
}

TEST(CacheLayout, RegionsAreAlignedAndApartForAnyConfig) {
  std::mt19937_64 random(1);
  const auto between = [&](std::int64_t low, std::int64_t high) {
    return std::uniform_int_distribution<std::int64_t>(low, high)(random);
  };
  for (int round = 0; round < 300; ++round) {
    ModelConfig config;
    config.layers = between(1, 9);
    config.mtp_layers = between(0, 2);
    config.rope_dim = 2 * between(1, 40);
    config.head_dim = config.rope_dim + between(1, 300);
    config.index_dim = std::int64_t{1} << between(1, 8);
    config.window = between(1, 200);
    for (std::int64_t block = 0; block < config.blocks(); ++block)
      config.compress_ratios.push_back(std::vector<std::int64_t>{0, 1, 4, 6, 7, 128, 300}[random() % 7]);
    const auto storage = random() % 2 == 0 ? CacheStorage::released : CacheStorage::float32;
    const std::int64_t rollback = between(0, 20);
    const CacheLayout layout = make_cache_layout(config, storage, rollback);
    SCOPED_TRACE(fmt::format("round {}", round));
    ASSERT_EQ(std::ssize(layout.blocks), config.blocks());
    expect_disjoint(state_regions(layout), layout.state_bytes);
    expect_disjoint(page_regions(layout), layout.page_bytes);
    EXPECT_EQ(layout.window_rows, config.window + rollback);
    for (std::int64_t block = 0; block < config.blocks(); ++block) {
      const BlockCacheLayout& place = layout.blocks[static_cast<std::size_t>(block)];
      EXPECT_EQ(place.ratio, config.ratio(block));
      if (place.ratio == 0) continue;
      EXPECT_EQ(layout.page_tokens % place.ratio, 0) << "a page holds whole blocks";
      EXPECT_EQ(place.entries_per_page * place.ratio, layout.page_tokens);
    }
  }
}

}  // namespace
}  // namespace fathom
