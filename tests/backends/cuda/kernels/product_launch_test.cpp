// How products are launched on devices that need not be here: everything fits, and small steps use many blocks.
#include "fathom/backends/cuda/kernels/product_launch.h"
#include "fathom/backends/cuda/kernels/launch.cuh"
#include "fathom/backends/cuda/kernels/lone_experts.h"

#include <gtest/gtest.h>

#include <cstring>
#include <tuple>
#include <vector>

#include <algorithm>
#include <initializer_list>

#include "tests/backends/cuda/kernels/product_support.h"

namespace fathom::cuda {
namespace {

constexpr ProductDevice kA100 = {
    .capability = 80, .multiprocessors = 108, .shared_of_block = 166912, .shared_of_multiprocessor = 167936};
constexpr ProductDevice kRtx5090 = {
    .capability = 120, .multiprocessors = 170, .shared_of_block = 101376, .shared_of_multiprocessor = 102400};

struct Case {
  TileKind kind;
  Operand operand;
};
constexpr Case kCases[] = {{TileKind::fp4, Operand::e4m3},
                           {TileKind::fp4, Operand::f16},
                           {TileKind::fp8, Operand::e4m3},
                           {TileKind::fp8, Operand::f16},
                           {TileKind::f16, Operand::f16}};

TEST(ProductLaunch, EveryShapeFitsEveryDevice) {
  for (const ProductDevice& device : {kH200, kA100, kRtx5090})
    for (const Case& of : kCases) {
      for (const int columns : {8, 16, 32})
        for (const int units : {1, 8, 32, 192, 3000})
          for (const auto& [blocks, parts] :
               {std::pair(1, 1), {2, 1}, {8, 1}, {32, 1}, {64, 1}, {128, 1}, {128, 2}, {256, 1}}) {
            const bool packs = columns == 8 && products_pack(device, 4, std::int64_t{128} * blocks / parts);
            const DecodeShape shape = decode_shape(device, {.kind = of.kind,
                                                            .operand = of.operand,
                                                            .columns = columns,
                                                            .units = units,
                                                            .blocks = blocks,
                                                            .rows = columns,
                                                            .packs = packs});
            EXPECT_LE(shape.cluster, blocks);
            EXPECT_GE(shape.stages, std::min(2, blocks)) << "two blocks are at work at a time";
            const int kept = kept_bytes(of.operand, shape, blocks);
            EXPECT_EQ((shape.stages * decode_stage_bytes(of.kind, of.operand, columns, packs) + kept) % 16, 0)
                << "packed rows and a barrier follow";
            EXPECT_LT(kept, 1 << 20) << "a barrier counts no more bytes";
            EXPECT_EQ(shape.own_blocks, packs ? (blocks + shape.cluster - 1) / shape.cluster : 0);
            EXPECT_LE(shared_bytes(shape.stages, decode_stage_bytes(of.kind, of.operand, columns, packs),
                                   kept + shape.own_blocks * block_bytes(of.operand, columns)),
                      device.shared_of_block);
          }
      for (const int pairs : {1, 16, 256})
        for (const int chunks : {1, 2, 4, 128}) {
          const PrefillShape shape = prefill_shape(device, of.kind, of.operand, pairs, chunks);
          EXPECT_GE(shape.stages, 2) << "the next block of inputs comes while this one is used";
          const int beside = device.capability == 90 && writes_fours(of.kind, of.operand) ? kFoursBytes : 0;
          EXPECT_LE(shared_bytes(shape.stages, prefill_stage_bytes(of.kind, of.operand, shape.chunks), beside),
                    device.shared_of_block);
        }
    }
}

// One block of a cluster keeps what all 128 outputs are made of.
TEST(ProductLaunch, ShapesThatLeaveRowsPackedAreClustersOrNone) {
  for (const ProductDevice& device : {kH200, kA100, kRtx5090})
    for (const Operand operand : {Operand::e4m3, Operand::f16})
      for (const int units : {1, 8, 64, 3000})
        for (const int blocks : {1, 8, 32, 64})
          for (const int rows : {1, 4}) {
            const DecodeShape shape = decode_shape(device, {.kind = TileKind::fp8,
                                                            .operand = operand,
                                                            .columns = 8,
                                                            .units = units,
                                                            .blocks = blocks,
                                                            .rows = rows,
                                                            .packs = true,
                                                            .leaves_packed = true});
            EXPECT_TRUE(shape.stages > 0 || blocks == 1 || operand != Operand::e4m3 ||
                        device.multiprocessors != kH200.multiprocessors);
            if (shape.stages == 0) continue;
            EXPECT_GT(shape.cluster, 1);
            EXPECT_EQ(shape.keepers, 1);
            EXPECT_LE(shared_bytes(shape.stages, decode_stage_bytes(TileKind::fp8, operand, 8, true),
                                   kept_bytes(operand, shape, blocks) + shape.own_blocks * block_bytes(operand, 8)),
                      device.shared_of_block);
          }
}

// What waits long for its rows asks for no more at once than the bus brings, where the block need not copy rows as
// well.
TEST(ProductLaunch, WeightsAheadOfRowsComeAtTheBusesPace) {
  DecodeSize size = {.kind = TileKind::fp8,
                     .operand = Operand::e4m3,
                     .columns = 8,
                     .units = 64,
                     .blocks = 32,
                     .rows = 1,
                     .packs = true,
                     .waits_long = true,
                     .leaves_packed = true};
  const DecodeShape shape = decode_shape(kH200, size);
  EXPECT_GT(shape.sent_for, 0);
  EXPECT_GT(shape.pace, 500);  // cycles
  EXPECT_LT(shape.pace, 5000);
  size.waits_long = false;
  EXPECT_EQ(decode_shape(kH200, size).pace, 0);
  size.waits_long = true;
  size.packs = false;
  EXPECT_EQ(decode_shape(kH200, size).pace, 0);
}

// A slice of a GPU, or one whose parts are too small for large clusters.
TEST(ProductLaunch, NoClusterIsChosenThatFindsNoRoom) {
  for (const int multiprocessors : {1, 3, 8, 16})
    for (const int large : {-1, 0}) {
      ProductDevice device = kH200;
      device.multiprocessors = multiprocessors;
      device.clusters_of_four = large;
      device.clusters_of_eight = large;
      for (const int units : {1, 32, 320}) {
        const DecodeShape shape = decode_shape(
            device,
            {.kind = TileKind::fp8, .operand = Operand::e4m3, .columns = 8, .units = units, .blocks = 32, .rows = 1});
        EXPECT_GE(shape.cluster, 1);
        EXPECT_LE(shape.cluster, large == 0 ? 2 : multiprocessors) << units << " units";
      }
    }
}

// What the code was compiled for decides, also where a device could do more (probe.h): 91 is 9.0 without its own.
TEST(ProductLaunch, WarpgroupsAndFp8AreAskedOfCodeThatHasThem) {
  for (const auto& [capability, chunks, operand] : {std::tuple(80, 2, Operand::f16),
                                                    {89, 2, Operand::e4m3},
                                                    {90, 4, Operand::e4m3},
                                                    {91, 2, Operand::e4m3},
                                                    {100, 2, Operand::e4m3}}) {
    ProductDevice device = kH200;
    device.capability = capability;
    EXPECT_EQ(product_operand(device, Activations::fp8, TileKind::fp8), operand) << capability;
    EXPECT_LE(prefill_shape(device, TileKind::fp8, Operand::e4m3, 16, 128).chunks, chunks) << capability;
  }
}

TEST(ProductLaunch, AStepOfOneTokenFillsTheDevice) {
  for (const auto& [units, blocks] :
       {std::pair<int, int>{32, 64}, {16, 32}, {64, 32}}) {  // Flash's wo_b, shared w1, wo_a
    const DecodeShape shape = decode_shape(
        kH200,
        {.kind = TileKind::fp8, .operand = Operand::f16, .columns = 8, .units = units, .blocks = blocks, .rows = 1});
    EXPECT_GE(units * shape.cluster, 64) << units;
  }
}

// Flash's wo_a, wo_b, wq_b with the indexer's, the shared expert's w2 beside the choice, the experts' w1 and w3, w2: a
// block that finds no room at once begins when the others end.
TEST(ProductLaunch, AStepOfOneTokenHasRoomAtOnce) {
  struct Product {
    TileKind kind;
    int units, blocks, clusters_beside;
    bool packs;
  };
  for (const auto& [kind, units, blocks, beside, packs] :
       {Product{TileKind::fp8, 64, 32, 0, true}, Product{TileKind::fp8, 32, 64, 0, false},
        Product{TileKind::fp8, 320, 8, 0, true}, Product{TileKind::fp8, 32, 16, 1, true},
        Product{TileKind::fp4, 192, 32, 0, true}, Product{TileKind::fp4, 192, 16, 0, true}})
    for (const int clusters_of_four : {-1, 30, 33}) {
      ProductDevice device = kH200;
      device.clusters_of_four = clusters_of_four;
      device.clusters_of_eight = clusters_of_four < 0 ? -1 : clusters_of_four / 2;
      const DecodeShape shape = decode_shape(device, {.kind = kind,
                                                      .operand = Operand::e4m3,
                                                      .columns = 8,
                                                      .units = units,
                                                      .blocks = blocks,
                                                      .rows = 1,
                                                      .packs = packs,
                                                      .clusters_beside = beside});
      const int shared =
          shared_bytes(shape.stages, decode_stage_bytes(kind, Operand::e4m3, 8, packs),
                       kept_bytes(Operand::e4m3, shape, blocks) + shape.own_blocks * block_bytes(Operand::e4m3, 8));
      const int resident = std::min(resident_blocks(kind, Operand::e4m3, 8), device.shared_of_multiprocessor / shared);
      const int clusters = shape.cluster > 2 && clusters_of_four >= 0 ? clusters_of_four * 4 / shape.cluster
                                                                      : device.multiprocessors / shape.cluster;
      EXPECT_LE(units + beside, clusters * resident) << units << " units of " << blocks;
    }
}

// Blocks of a lone token's experts wait for one another: none may be left without a place.
TEST(ProductLaunch, EveryBlockOfALoneTokensExpertsHasAMultiprocessor) {
  const ExpertTables flash = {.kind = TileKind::fp4, .experts = 256, .channels = 4096, .expert_dim = 2048};
  ProductDevice wanting = kH200;
  wanting.lone_experts = true;
  EXPECT_EQ(lone_shape(kH200, flash, Operand::e4m3).blocks, 0) << "only where it is asked for";
  const LoneShape shape = lone_shape(wanting, flash, Operand::e4m3);
  EXPECT_EQ(shape.group_items, 2);
  EXPECT_EQ(shape.blocks, 128);
  EXPECT_GE(shape.stages, 4);
  EXPECT_LE(shape.shared_bytes, kH200.shared_of_block);
  for (const std::int64_t channels : {512, 1536, 4096, 7168})
    for (const std::int64_t dim : {512, 1024, 3072})
      for (int multiprocessors = 1; multiprocessors < 200; ++multiprocessors) {
        ProductDevice device = wanting;
        device.multiprocessors = multiprocessors;
        const ExpertTables experts = {.kind = TileKind::fp4, .experts = 384, .channels = channels, .expert_dim = dim};
        EXPECT_LE(lone_shape(device, experts, Operand::e4m3).blocks, multiprocessors);
      }
  EXPECT_EQ(lone_shape(wanting, flash, Operand::f16).blocks, 0);
  EXPECT_EQ(lone_shape(kA100, flash, Operand::f16).blocks, 0);
  ExpertTables odd = flash;
  odd.expert_dim = 2048 + 128;
  EXPECT_EQ(lone_shape(wanting, odd, Operand::e4m3).blocks, 0);
}

// Flash's: the shared expert beside the gate, products of x where the ratio is 4 and 128; and sizes that are odd.
TEST(ProductLaunch, TwoThatShareALaunchAreThereAtOnce) {
  struct Two {
    std::int64_t fp8_units, half_units;
    int blocks;
    bool fit;
  };
  for (const auto& [fp8_units, half_units, blocks, fit] :
       {Two{32, 2, 32, true}, Two{12, 21, 32, true}, Two{12, 8, 32, true}, Two{3, 5, 2, true}, Two{1, 1, 1, true},
        Two{7, 300, 32, false}})
    for (const std::int64_t rows : {1, 4}) {
      const auto size = [&](TileKind kind, Operand operand, std::int64_t units) {
        return DecodeSize{.kind = kind,
                          .operand = operand,
                          .columns = 8,
                          .units = units,
                          .blocks = blocks,
                          .rows = rows,
                          .packs = true};
      };
      const DecodeSize sizes[] = {size(TileKind::fp8, Operand::e4m3, fp8_units),
                                  size(TileKind::f16, Operand::f16, half_units)};
      const auto shapes = shapes_beside(kH200, sizes[0], sizes[1]);
      EXPECT_TRUE(rows > 1 || (shapes[0].stages > 0) == fit);  // the kept sums of four may leave no room
      if (shapes[0].stages == 0) continue;
      EXPECT_EQ(shapes[1].cluster % shapes[0].cluster, 0) << "whole units in a cluster";
      EXPECT_TRUE(fp8_units != 32 || rows != 1 || shapes[0].cluster < shapes[1].cluster) << "two units in a cluster";
      EXPECT_EQ(fp8_units * shapes[0].cluster % shapes[1].cluster, 0) << "whole clusters of units";
      EXPECT_LE(fp8_units * shapes[0].cluster + half_units * shapes[1].cluster, 2 * kH200.multiprocessors);
      for (const int of : {0, 1}) {
        EXPECT_GE(shapes[of].stages, std::min(2, blocks));
        EXPECT_LE(2 * shared_bytes(shapes[of].stages, decode_stage_bytes(sizes[of].kind, sizes[of].operand, 8, true),
                                   kept_bytes(sizes[of].operand, shapes[of], blocks) +
                                       shapes[of].own_blocks * block_bytes(sizes[of].operand, 8)),
                  kH200.shared_of_multiprocessor);
      }
    }
}

TEST(ProductLaunch, AsManyColumnsAsTheRowsNeed) {
  EXPECT_EQ(block_columns(1, Operand::e4m3), 8);
  EXPECT_EQ(block_columns(9, Operand::e4m3), 16);
  EXPECT_EQ(block_columns(5, Operand::f16), 16);
  EXPECT_EQ(block_columns(16, Operand::f16), 32);
  EXPECT_EQ(block_columns(17, Operand::f16), kPrefillColumns);
  EXPECT_EQ(block_columns(8192, Operand::e4m3), kPrefillColumns);
}

struct Kept final : KernelSink {
  void launch(const KernelCall& call) override {
    for (const auto argument : call.arguments) bytes.assign(argument.begin(), argument.end());
  }
  std::vector<std::byte> bytes;
};

void takes_work(ProductWork /*work*/) {}

// Clearing padding has cleared a pointer once (launch.cuh).
TEST(ProductLaunch, EveryFieldOfTheWorkArrives) {
  ProductWork work;
  std::uint8_t tiles = 0;
  float out = 0.0F;
  const ExpertItem item = {};
  for (ProductTarget& target : work.targets)
    target = {.tiles = &tiles, .x = &tiles, .out = &out, .row_stride = 7, .out_rows = 5, .skipped = 3, .first_pair = 2};
  work.target_count = kMaxTargets;
  work.adds = 1;
  work.items = &item;
  std::uint64_t numbers = 0;
  const std::uint32_t first = 0;
  work.own.norm = &out;
  work.own.aligned = 1;
  work.own.awaited = {.numbers = &numbers, .first = &first, .launch = 9};
  Kept kept;
  launch(Stream(nullptr, &kept), "takes_work", {}, takes_work, work);
  ASSERT_EQ(kept.bytes.size(), sizeof(ProductWork));
  ProductWork arrived;
  std::memcpy(&arrived, kept.bytes.data(), sizeof(arrived));
  for (const ProductTarget& target : arrived.targets) {
    EXPECT_EQ(target.tiles, &tiles);
    EXPECT_EQ(target.expert_tiles, nullptr);
    EXPECT_EQ(target.x, &tiles);
    EXPECT_EQ(target.out, &out);
    EXPECT_EQ(target.row_stride, 7);
    EXPECT_EQ(target.out_rows, 5);
    EXPECT_EQ(target.skipped, 3);
    EXPECT_EQ(target.first_pair, 2);
  }
  EXPECT_EQ(arrived.target_count, kMaxTargets);
  EXPECT_EQ(arrived.adds, 1);
  EXPECT_EQ(arrived.items, &item);
  EXPECT_EQ(arrived.own.norm, &out);
  EXPECT_EQ(arrived.own.aligned, 1);
  EXPECT_EQ(arrived.own.awaited.numbers, &numbers);
  EXPECT_EQ(arrived.own.awaited.first, &first);
  EXPECT_EQ(arrived.own.awaited.launch, 9);
}

}  // namespace
}  // namespace fathom::cuda
