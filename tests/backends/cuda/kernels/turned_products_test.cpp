// Products that are turned around beside those that are not, and what leaves them beside the kernels of its own steps:
// bit for bit.
#include "fathom/backends/cuda/kernels/turned_products.h"

#include "fathom/backends/cuda/kernels/turned_launch.h"
#include "tests/backends/cuda/kernels/product_support.h"

namespace fathom::cuda {
namespace {

constexpr ProductDevice kDevice = {
    .capability = 90, .multiprocessors = 132, .shared_of_block = 232448, .shared_of_multiprocessor = 233472};

TEST(TurnedShape, UnitsFillTheDevice) {
  ProductWork work;
  for (const int out_rows : {1024, 512}) work.targets[work.target_count++].out_rows = out_rows;  // Flash's wq_a and wkv
  work.x_chunks = 128;
  const TurnedShape shape = turned_shape(kDevice, TileKind::fp8, Operand::e4m3, work);
  EXPECT_EQ(shape.units, 6 * 64);
  EXPECT_GE(shape.stages, 3) << "copies run ahead";
  EXPECT_LE(shape.stages, kMostStages);
  EXPECT_LE(shared_bytes(shape.stages, kTurnedStageBytes, 0), kDevice.shared_of_block);
  ProductDevice ampere = kDevice;
  ampere.capability = 80;
  EXPECT_EQ(turned_shape(ampere, TileKind::fp8, Operand::e4m3, work).stages, 0);
  EXPECT_EQ(turned_shape(kDevice, TileKind::fp8, Operand::f16, work).stages, 0);
  EXPECT_EQ(turned_shape(kDevice, TileKind::fp4, Operand::e4m3, work).stages, 0);
  work.x_chunks = 33;
  EXPECT_EQ(turned_shape(kDevice, TileKind::fp8, Operand::e4m3, work).stages, 0) << "102 units";
}

class TurnedProducts : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!has_device()) GTEST_SKIP() << "no CUDA device: products were not run";
    device = product_device(0);
    if (product_operand(device, Activations::fp8, TileKind::fp8) != Operand::e4m3) GTEST_SKIP() << "no e4m3";
  }

  ProductDevice device;
  Random random{12};
};

// So many that units of 128 rows by 256 outputs fill the device: whole ones and odd ends, on boundaries and off them,
// groups that do not begin at a tile, beside 64 rows at a time.
TEST_F(TurnedProducts, ManyRowsOfFp8HaveTheBitsOfFew) {
  constexpr std::int64_t kFew = 64;
  const std::int64_t in = 300;
  struct Shape {
    std::int64_t groups, latent, rows;
    int offset;  // of the result, in floats
    bool adds;
  };
  for (const Shape& shape :
       {Shape{1, 1024, 4260, 0, false}, Shape{1, 1024, 4260, 0, true}, Shape{1, 1000, 4260, 1, true},
        Shape{5, 150, 3500, 0, false}, Shape{4, 256, 4300, 0, false}, Shape{5, 37, 3400, 1, false}}) {
    const auto& [groups, latent, rows, offset, adds] = shape;
    const std::int64_t out = groups * latent;
    const TestWeight weight({WeightFormat::fp8_block, out, in, 128, 128}, random);
    const DeviceWeight prepared(weight);
    const std::vector<float> x = random_rows(random, rows * groups, in);
    const std::vector<float> before = random_rows(random, rows, out);
    const DeviceArray<float> on_device{std::span<const float>(x)};
    DeviceArray<std::uint8_t> workspace(packed_rows_bytes(rows, in, groups, Operand::e4m3));
    const auto run = [&](std::int64_t count, std::int64_t at_once) {
      const DeviceArray<float> results(std::span<const float>(before), offset);
      for (std::int64_t first = 0; first < count; first += at_once) {
        const RowsOfX of = {.x = on_device.data() + first * groups * in,
                            .rows = std::min(at_once, count - first),
                            .in = in,
                            .row_stride = groups * in,
                            .groups = groups,
                            .group_stride = in};
        const PackedRows packed = pack_rows(device, of, PackedBy::launch, Operand::e4m3, workspace.data(), nullptr);
        float* to = results.data() + first * out;
        const ProductOutput output = {&prepared.product(), to, out};
        groups == 1 ? multiply(device, {&output, 1}, packed, nullptr, adds)
                    : multiply_groups(device, prepared.product(), packed, to, nullptr);
      }
      return results.host();
    };
    op_test::expect_same_bits(run(rows, rows), run(rows, kFew),
                              std::to_string(groups) + " groups of " + std::to_string(latent));
  }
}

// SwiGLU of two weights packed by their product, beside a launch of its own.
TEST_F(TurnedProducts, SwigluLeavesAProductPacked) {
  const std::int64_t in = 390;
  for (const auto& [rows, out] : {std::pair<std::int64_t, std::int64_t>{4230, 512}, {2048, 1152}, {300, 128}}) {
    const TestWeight weights[] = {TestWeight({WeightFormat::fp8_block, out, in, 128, 128}, random),
                                  TestWeight({WeightFormat::fp8_block, out, in, 128, 128}, random)};
    const DeviceWeight gate(weights[0]);
    const DeviceWeight up(weights[1]);
    std::vector<float> x = random_rows(random, rows, in);
    x[7 * in + 3] = std::nanf("");
    x[70 * in + 5] = HUGE_VALF;
    std::fill_n(x.begin() + 9 * in, in, 0.0F);
    const DeviceArray<float> on_device{std::span<const float>(x)};
    const std::int64_t bytes = packed_rows_bytes(rows, out, 1, Operand::e4m3);
    DeviceArray<std::uint8_t> workspace(packed_rows_bytes(rows, in, 1, Operand::e4m3));
    DeviceArray<std::uint8_t> found(bytes);
    DeviceArray<std::uint8_t> expected(bytes);
    const PackedRows packed = pack_rows(device, {.x = on_device.data(), .rows = rows, .in = in, .row_stride = in},
                                        PackedBy::launch, Operand::e4m3, workspace.data(), nullptr);
    const auto result = multiply_swiglu(device, gate.product(), up.product(), packed, 10.0F, found.data(), nullptr);
    EXPECT_EQ(result.has_value(), device.capability == 90 && rows > 300);
    if (!result) continue;
    const DeviceArray<float> gates(rows * out);
    const DeviceArray<float> ups(rows * out);
    const ProductOutput outputs[] = {{&gate.product(), gates.data(), out}, {&up.product(), ups.data(), out}};
    multiply(device, outputs, packed, nullptr);
    pack_swiglu(device,
                {.gate = gates.data(), .up = ups.data(), .weights = nullptr, .rows = rows, .in = out, .limit = 10.0F},
                Operand::e4m3, expected.data(), nullptr);
    EXPECT_EQ(found.host(), expected.host()) << rows << " rows of " << out;
  }
}

// Groups side by side, packed by their product, beside a launch of its own.
TEST_F(TurnedProducts, GroupsLeaveAProductPacked) {
  const std::int64_t in = 260;
  struct Shape {
    std::int64_t groups, latent, rows;
    bool turned;
  };
  for (const auto& [groups, latent, rows, turned] :
       {Shape{4, 512, 2240, true}, {3, 256, 5800, true}, {4, 384, 4300, false}, {2, 256, 300, false}}) {
    const std::int64_t out = groups * latent;
    const TestWeight weight({WeightFormat::fp8_block, out, in, 128, 128}, random);
    const DeviceWeight prepared(weight);
    const std::vector<float> x = random_rows(random, rows * groups, in);
    const DeviceArray<float> on_device{std::span<const float>(x)};
    DeviceArray<std::uint8_t> workspace(packed_rows_bytes(rows, in, groups, Operand::e4m3));
    const std::int64_t bytes = packed_rows_bytes(rows, out, 1, Operand::e4m3);
    DeviceArray<std::uint8_t> found(bytes);
    DeviceArray<std::uint8_t> expected(bytes);
    const RowsOfX of = {
        .x = on_device.data(), .rows = rows, .in = in, .row_stride = groups * in, .groups = groups, .group_stride = in};
    const PackedRows packed = pack_rows(device, of, PackedBy::launch, Operand::e4m3, workspace.data(), nullptr);
    const auto result = multiply_groups_packed(device, prepared.product(), packed, found.data(), nullptr);
    EXPECT_EQ(result.has_value(), device.capability == 90 && turned);
    if (!result) continue;
    const DeviceArray<float> latents(rows * out);
    multiply_groups(device, prepared.product(), packed, latents.data(), nullptr);
    pack_rows(device, {.x = latents.data(), .rows = rows, .in = out, .row_stride = out}, PackedBy::launch,
              Operand::e4m3, expected.data(), nullptr);
    EXPECT_EQ(found.host(), expected.host()) << rows << " rows of " << groups << " groups of " << latent;
  }
}

// Queries from their product beside the kernel that norms and turns rows of float32; rows that are no number stay by
// themselves.
TEST_F(TurnedProducts, QueriesLeaveTheirProductRounded) {
  const std::int64_t in = 384;
  for (const auto& [rows, heads] : {std::pair<std::int64_t, std::int64_t>{1100, 9}, {130, 40}, {300, 5}}) {
    const std::int64_t out = heads * 512;
    const TestWeight weight({WeightFormat::fp8_block, out, in, 128, 128}, random);
    const DeviceWeight prepared(weight);
    std::vector<float> x = random_rows(random, rows, in);
    x[40 * in + 3] = HUGE_VALF;
    std::fill_n(x.begin() + 41 * in, in, 0.0F);
    const DeviceArray<float> on_device{std::span<const float>(x)};
    const DeviceArray<float> cosine{std::span<const float>(random_rows(random, rows, 32))};
    const DeviceArray<float> sine{std::span<const float>(random_rows(random, rows, 32))};
    DeviceArray<std::uint8_t> workspace(packed_rows_bytes(rows, in, 1, Operand::e4m3));
    DeviceArray<std::uint8_t> kept(queries_workspace_bytes(device));
    DeviceArray<std::uint32_t> found(rows * heads * 256);
    DeviceArray<std::uint32_t> expected(rows * heads * 256);
    const DeviceArray<float> queries(rows * out);
    RoundedQueriesKernel kernel = {.queries = {.x = queries.data(),
                                               .weight = nullptr,
                                               .cosine = cosine.data(),
                                               .sine = sine.data(),
                                               .encoded = nullptr,
                                               .format = {},
                                               .rows = rows,
                                               .heads = heads,
                                               .head_dim = 512,
                                               .pairs = 32,
                                               .eps = 1e-6F},
                                   .out = found.data()};
    const PackedRows packed = pack_rows(device, {.x = on_device.data(), .rows = rows, .in = in, .row_stride = in},
                                        PackedBy::launch, Operand::e4m3, workspace.data(), nullptr);
    const bool turned = multiply_queries(device, prepared.product(), packed, kernel, kept.data(), nullptr);
    EXPECT_EQ(turned, device.capability == 90 && rows * heads > 300 * 5);
    if (!turned) continue;
    const ProductOutput output = {&prepared.product(), queries.data(), out};
    multiply(device, {&output, 1}, packed, nullptr);
    kernel.out = expected.data();
    launch_rounded_queries(kernel, nullptr);
    EXPECT_EQ(found.host(), expected.host()) << rows << " rows of " << heads << " heads";
  }
}

}  // namespace
}  // namespace fathom::cuda
