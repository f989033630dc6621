// Products of few rows have the same bits however a launch is cut: as it would be for devices with other
// multiprocessors, clusters and shared memory. And what leaves a product as rows of the next one is what a launch
// packs.
#include <set>

#include "fathom/backends/cuda/kernels/product_launch.h"
#include "fathom/backends/cuda/kernels/products.h"
#include "tests/backends/cuda/kernels/product_support.h"

namespace fathom::cuda {
namespace {

constexpr int kLittleShared = 90 * 1024;  // rows are packed by a launch then

// What a device could be, whose blocks all run on the one that is there.
std::vector<ProductDevice> pretended(const ProductDevice& device) {
  std::vector<ProductDevice> others;
  for (const int multiprocessors : {1, 9, 33, 132})
    for (const bool large_clusters : {true, false})
      for (const int shared : {device.shared_of_block, std::min(device.shared_of_block, kLittleShared)}) {
        ProductDevice other = device;
        other.multiprocessors = multiprocessors;
        if (!large_clusters) other.clusters_of_four = other.clusters_of_eight = 0;
        other.shared_of_block = shared;
        others.push_back(other);
      }
  return others;
}

// Outputs, inputs: one block of inputs, odd and even numbers of them, a second tile that is not there.
constexpr std::pair<std::int64_t, std::int64_t> kSizes[] = {{64, 128}, {130, 384}, {256, 4096}, {200, 2176}, {70, 896}};

DecodeShape shape_of(const ProductDevice& device, std::int64_t out, std::int64_t in, std::int64_t rows) {
  return decode_shape(device, {.kind = TileKind::fp8,
                               .operand = Operand::e4m3,
                               .columns = block_columns(rows, Operand::e4m3),
                               .units = pieces_of(out, 2 * kTileRows),
                               .blocks = static_cast<int>(pieces_of(in, kBlockInputs)),
                               .rows = rows,
                               .packs = products_pack(device, rows, in)});
}

// Else the test below would hold less than it says.
TEST(ProductShapes, PretendedDevicesTakeEveryCluster) {
  std::set<int> clusters;
  std::set<int> stages;
  ProductDevice device = kH200;
  device.clusters_of_four = 32;
  device.clusters_of_eight = 16;
  for (const ProductDevice& other : pretended(device))
    for (const auto& [out, in] : kSizes) {
      const DecodeShape shape = shape_of(other, out, in, 1);
      clusters.insert(shape.cluster);
      stages.insert(shape.stages);
    }
  EXPECT_EQ(clusters, (std::set<int>{1, 2, 4, 8}));
  EXPECT_GE(stages.size(), 2U) << "as many stages everywhere: " << *stages.begin();
}

class CudaProductShapes : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!has_device()) GTEST_SKIP() << "no CUDA device: products were not run";
    device = product_device(0);
  }

  ProductDevice device;
  Random random{17};
};

TEST_F(CudaProductShapes, OfOtherDevicesHaveTheSameBits) {
  for (const auto& [out, in] : kSizes)
    for (const WeightShape& shape :
         {WeightShape{WeightFormat::fp8_block, out, in, 128, 128}, WeightShape{WeightFormat::fp4_group, out, in, 1, 32},
          WeightShape{WeightFormat::bf16, out, in}, WeightShape{WeightFormat::f32, out, in}}) {
      const TestWeight weight(shape, random);
      const DeviceWeight prepared(weight);
      for (const Activations activations : {Activations::float32, Activations::fp8}) {
        const Operand operand = product_operand(device, activations, prepared.product().kind);
        for (const std::int64_t rows : {1, 3, 4, 8, 9, 16}) {
          const std::vector<float> x = random_rows(random, rows, in);
          const std::vector<float> expected = product_of(device, prepared.product(), x, rows, operand);
          for (const ProductDevice& other : pretended(device))
            op_test::expect_same_bits(product_of(other, prepared.product(), x, rows, operand), expected,
                                      shape.name() + ", " + std::to_string(rows) + " rows, cut for " +
                                          std::to_string(other.multiprocessors) + " multiprocessors with " +
                                          std::to_string(other.clusters_of_eight) + " clusters of eight and " +
                                          std::to_string(other.shared_of_block) + " bytes");
        }
      }
    }
}

// A row's operands and scales, block by block of its inputs.
std::vector<std::uint8_t> packed_row(const std::vector<std::uint8_t>& blocks, Operand operand, std::int64_t row) {
  const int bytes = kBlockInputs * operand_bytes(operand);
  std::vector<std::uint8_t> values;
  for (std::size_t block = 0; block < blocks.size(); block += block_bytes(operand, kOwnColumns))
    for (int part = 0; part < columns_of_row(operand); ++part) {
      const int column = static_cast<int>(row) + part * (kOwnColumns / columns_of_row(operand));
      for (int byte = 0; byte < bytes; ++byte) values.push_back(blocks[block + block_offset(operand, column, byte)]);
      for (int byte = 0; byte < 4; ++byte) values.push_back(blocks[block + kOwnColumns * bytes + 4 * column + byte]);
    }
  return values;
}

TEST_F(CudaProductShapes, RowsThatLeavePackedAreThoseOfALaunch) {
  constexpr std::int64_t kGroups = 2;
  int left_packed = 0;
  for (const auto& [latent, in] : {std::pair<std::int64_t, std::int64_t>{128, 256}, {256, 2176}, {128, 4096}}) {
    const std::int64_t out = kGroups * latent;
    const TestWeight weight({WeightFormat::fp8_block, out, in, 128, 128}, random);
    const DeviceWeight prepared(weight);
    for (const Activations activations : {Activations::float32, Activations::fp8}) {
      const Operand operand = product_operand(device, activations, TileKind::fp8);
      for (const std::int64_t rows : {1, 2, 4}) {
        const std::vector<float> x = random_rows(random, rows, kGroups * in);
        const DeviceArray<float> on_device(std::span<const float>(x), 1);
        const RowsOfX of_x = {.x = on_device.data(),
                              .rows = rows,
                              .in = in,
                              .row_stride = kGroups * in,
                              .groups = kGroups,
                              .group_stride = in};
        DeviceArray<std::uint8_t> workspace(packed_rows_bytes(rows, in, kGroups, operand));
        const PackedRows packed = pack_rows(device, of_x, PackedBy::products, operand, workspace.data(), nullptr);
        const DeviceArray<float> floats(rows * out);
        multiply_groups(device, prepared.product(), packed, floats.data(), nullptr);
        DeviceArray<std::uint8_t> expected(packed_rows_bytes(rows, out, 1, operand));
        pack_rows(device, {.x = floats.data(), .rows = rows, .in = out, .row_stride = out}, PackedBy::launch, operand,
                  expected.data(), nullptr);
        for (const int multiprocessors : {20, 60, device.multiprocessors}) {
          ProductDevice other = device;
          other.multiprocessors = multiprocessors;
          DeviceArray<std::uint8_t> found(packed_rows_bytes(rows, out, 1, operand));
          if (!multiply_few_groups_packed(other, prepared.product(), packed, found.data(), nullptr)) continue;
          cuda_check(cudaDeviceSynchronize(), "multiply_few_groups_packed");
          ++left_packed;
          for (std::int64_t row = 0; row < rows; ++row)
            EXPECT_EQ(packed_row(found.host(), operand, row), packed_row(expected.host(), operand, row))
                << out << " outputs of " << in << " inputs, row " << row << " of " << rows << ", cut for "
                << multiprocessors << " multiprocessors";
        }
      }
    }
  }
  EXPECT_TRUE(left_packed > 0 || device.capability < 90);
}

}  // namespace
}  // namespace fathom::cuda
