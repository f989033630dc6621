// Dense products on a CUDA device against double precision, and against themselves among other rows, bit for bit.
#include "fathom/backends/cuda/kernels/products.h"

#include "tests/backends/cuda/kernels/product_support.h"

namespace fathom::cuda {
namespace {

class CudaProducts : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!has_device()) GTEST_SKIP() << "no CUDA device: products were not run";
    device = product_device(0);
  }

  std::vector<Operand> operands(const ProductWeight& weight) const {
    std::vector<Operand> all = {Operand::f16};
    if (product_operand(device, Activations::fp8, weight.kind) == Operand::e4m3) all.push_back(Operand::e4m3);
    return all;
  }

  void check_against_doubles(const TestWeight& weight, std::int64_t rows) {
    const DeviceWeight prepared(weight);
    const ExactWeight values(weight);
    const std::int64_t in = weight.shape().in;
    const std::vector<float> x = random_rows(random, rows, in);
    for (const Operand operand : operands(prepared.product())) {
      const std::vector<float> found = product_of(device, prepared.product(), x, rows, operand);
      std::vector<double> expected;
      std::vector<double> magnitude;
      for (std::int64_t row = 0; row < rows; ++row) {
        const auto rounded = rounded_row(std::span(x).subspan(row * in, in), operand);
        for (std::int64_t output = 0; output < weight.shape().out; ++output) {
          const ExactSum exact = values.sum(output, rounded);
          expected.push_back(exact.sum);
          magnitude.push_back(exact.magnitude);
        }
      }
      op_test::expect_close(found, expected, magnitude, operand == Operand::e4m3 ? kFp8Tolerance : kFloat32Tolerance,
                            weight.shape().name() + " times " + std::to_string(rows) + " rows as " +
                                (operand == Operand::e4m3 ? "e4m3" : "binary16"));
    }
  }

  void check_bits_among_others(const TestWeight& weight) {
    const DeviceWeight prepared(weight);
    const std::int64_t out = weight.shape().out;
    const std::int64_t in = weight.shape().in;
    const std::int64_t most = 2100;
    const std::vector<float> x = random_rows(random, most, in);
    for (const Operand operand : operands(prepared.product())) {
      const std::vector<float> all = product_of(device, prepared.product(), x, most, operand);
      for (const std::int64_t rows : {1, 2, 4, 5, 7, 8, 9, 16, 17, 31, 32, 33, 64, 65, 129, 257, 1000}) {
        const std::int64_t first = random.below(most - rows + 1);
        const std::vector<float> some =
            product_of(device, prepared.product(), std::span(x).subspan(first * in, rows * in), rows, operand);
        op_test::expect_same_bits(
            some, std::span(all).subspan(first * out, rows * out),
            weight.shape().name() + ", " + std::to_string(rows) + " rows of " + std::to_string(most));
      }
    }
  }

  ProductDevice device;
  Random random{11};
};

TEST_F(CudaProducts, EveryFormatAtOddSizes) {
  const std::pair<std::int64_t, std::int64_t> sizes[] = {{1, 1}, {3, 2}, {15, 9}, {65, 257}, {130, 300}, {200, 32}};
  for (const auto& [out, in] : sizes)
    for (const WeightShape& shape : op_test::weight_shapes(out, in)) {
      const TestWeight weight(shape, random);
      for (const std::int64_t rows : {1, 2, 7}) check_against_doubles(weight, rows);
    }
}

TEST_F(CudaProducts, EveryKernelsRows) {
  for (const WeightShape& shape : op_test::weight_shapes(70, 390)) {
    const TestWeight weight(shape, random);
    for (const std::int64_t rows : {3, 5, 9, 17, 33, 65, 140, 300}) check_against_doubles(weight, rows);
  }
}

TEST_F(CudaProducts, ReleasedFormatsInDepth) {
  for (const WeightShape& shape :
       {WeightShape{WeightFormat::fp4_group, 192, 4096, 1, 32},
        WeightShape{WeightFormat::fp8_block, 256, 4096, 128, 128}, WeightShape{WeightFormat::bf16, 64, 4096},
        WeightShape{WeightFormat::f32, 24, 8192}}) {
    const TestWeight weight(shape, random);
    for (const std::int64_t rows : {1, 12, 40}) check_against_doubles(weight, rows);
  }
}

// Rows with a single one: the weight's own values come out, each in its place, without any rounding.
TEST_F(CudaProducts, OneInputAtATime) {
  const std::int64_t in = 160;
  for (const WeightShape& shape :
       {WeightShape{WeightFormat::fp4_group, 130, in, 1, 32}, WeightShape{WeightFormat::fp8_block, 130, in, 128, 128},
        WeightShape{WeightFormat::bf16, 130, in}}) {
    const TestWeight weight(shape, random);
    const DeviceWeight prepared(weight);
    for (const Operand operand : operands(prepared.product()))
      for (const std::int64_t together : {8, 160}) {
        int wrong = 0;
        for (std::int64_t first = 0; first < in; first += together) {
          std::vector<float> x(together * in, 0.0F);
          for (std::int64_t row = 0; row < together; ++row) x[row * in + first + row] = 1.0F;
          const std::vector<float> found = product_of(device, prepared.product(), x, together, operand);
          for (std::int64_t row = 0; row < together; ++row)
            for (std::int64_t output = 0; output < 130; ++output)
              if (found[row * 130 + output] != weight.at(output, first + row) && ++wrong <= 3)
                ADD_FAILURE() << shape.name() << ", output " << output << ", input " << first + row << ", "
                              << (operand == Operand::e4m3 ? "e4m3" : "binary16") << ": " << found[row * 130 + output]
                              << " is not " << weight.at(output, first + row);
        }
        EXPECT_EQ(wrong, 0) << shape.name();
      }
  }
}

TEST_F(CudaProducts, NoRowsAndNoInputs) {
  const TestWeight weight({WeightFormat::fp8_block, 64, 128, 128, 128}, random);
  const DeviceWeight prepared(weight);
  EXPECT_TRUE(product_of(device, prepared.product(), {}, 0, Operand::f16).empty());
}

// Groups of FP4 far below the largest of their 128 inputs: 2^11 and 2^25 below still count, each in its operand.
TEST_F(CudaProducts, Fp4ScalesFarApart) {
  TestWeight weight({WeightFormat::fp4_group, 128, 256, 1, 32}, random);
  for (std::size_t group = 0; group < weight.scale().size(); ++group)
    weight.scale()[group] = std::byte(static_cast<std::uint8_t>(group % 4 == 0 ? 140 : 140 - 11));
  check_against_doubles(weight, 5);
  std::vector<float> x(256, 0.0F);
  for (int input = 0; input < 32; ++input) x[32 + input] = 1.0F;  // the low groups alone
  for (std::size_t group = 0; group < weight.scale().size(); ++group)
    weight.scale()[group] = std::byte(static_cast<std::uint8_t>(group % 4 == 0 ? 140 : 140 - 25));
  const DeviceWeight prepared(weight);
  const std::vector<float> found = product_of(device, prepared.product(), x, 1, Operand::f16);
  const ExactWeight values(weight);
  for (std::int64_t output = 0; output < 128; ++output) {
    const ExactSum exact = values.sum(output, std::vector<double>(x.begin(), x.end()));
    EXPECT_NEAR(found[output], exact.sum, kFloat32Tolerance * exact.magnitude);
  }
}

TEST_F(CudaProducts, NotANumberStaysInItsRow) {
  const TestWeight weight({WeightFormat::fp8_block, 64, 256, 128, 128}, random);
  const DeviceWeight prepared(weight);
  std::vector<float> x = random_rows(random, 9, 256);
  x[3 * 256 + 200] = std::nanf("");
  x[5 * 256 + 10] = HUGE_VALF;
  x[7 * 256 + 80] = 0x1p100F;  // as e4m3 the same as infinity (pack_values.cuh)
  x[8 * 256 + 80] = 0x1p99F;
  for (const Operand operand : operands(prepared.product())) {
    const std::vector<float> found = product_of(device, prepared.product(), x, 9, operand);
    for (std::int64_t row = 0; row < 9; ++row)
      for (std::int64_t output = 0; output < 64; ++output)
        EXPECT_EQ(std::isfinite(found[row * 64 + output]),
                  row != 3 && row != 5 && (row != 7 || operand == Operand::f16))
            << row << ", " << output;
  }
}

// A row by itself, in a step, in a prefill: the same bits, in every kernel, cluster and width of columns.
TEST_F(CudaProducts, ARowHasTheSameBitsAmongAnyOthers) {
  for (const auto& [out, in] : {std::pair<std::int64_t, std::int64_t>{200, 1100}, {70, 4096}, {4100, 512}})
    for (const WeightShape& shape :
         {WeightShape{WeightFormat::fp4_group, out, in, 1, 32}, WeightShape{WeightFormat::fp8_block, out, in, 128, 128},
          WeightShape{WeightFormat::bf16, out, in}, WeightShape{WeightFormat::f32, out, in}})
      check_bits_among_others(TestWeight(shape, random));
}

// FP4 whose row tiles are even, and that leave their rows' powers of two for the end in a prefill, beside tiles that
// are not: one group far below its row, one far above 1, a row of nothing.
TEST_F(CudaProducts, EvenAndUnevenTilesHaveTheSameBits) {
  TestWeight weight({WeightFormat::fp4_group, 400, 1024, 1, 32}, random);
  for (const auto& [row, exponent] : {std::pair<int, int>{70, 100}, {130, 135}, {350, 60}, {351, 130}})
    weight.scale()[row * 32 + 9] = std::byte(static_cast<std::uint8_t>(exponent));
  for (int byte = 0; byte < 512; ++byte) weight.data()[5 * 512 + byte] = std::byte{0x08};
  for (int group = 0; group < 32; ++group) weight.scale()[200 * 32 + group] = std::byte{87};
  check_bits_among_others(weight);
}

TEST_F(CudaProducts, RowsPackedTwiceAtOnceAreThosePackedOneByOne) {
  if (device.capability < 89) GTEST_SKIP() << "no e4m3";
  for (const auto& [rows, in] :
       {std::pair<std::int64_t, std::int64_t>{33, 384}, {64, 1280}, {65, 128}, {97, 640}, {200, 1024}, {70, 200}}) {
    std::vector<float> x = random_rows(random, rows, in);
    x[5] = INFINITY;
    x[in + 3] = NAN;
    std::fill_n(x.begin() + 2 * in, in, 0.0F);
    for (const std::int64_t offset : {0, 1}) {
      const DeviceArray<float> on_device(std::span<const float>(x), offset);
      const RowsOfX of = {.x = on_device.data(), .rows = rows, .in = in, .row_stride = in};
      std::vector<DeviceArray<std::uint8_t>> blocks;
      for (const Operand operand : {Operand::e4m3, Operand::f16, Operand::e4m3, Operand::f16})
        blocks.emplace_back(packed_rows_bytes(rows, in, 1, operand));
      pack_rows_twice(device, of, blocks[0].data(), blocks[1].data(), nullptr);
      pack_rows(device, of, PackedBy::launch, Operand::e4m3, blocks[2].data(), nullptr);
      pack_rows(device, of, PackedBy::launch, Operand::f16, blocks[3].data(), nullptr);
      cuda_check(cudaDeviceSynchronize(), "pack_rows_twice");
      EXPECT_EQ(blocks[0].host(), blocks[2].host()) << rows << " rows of " << in << " as e4m3";
      EXPECT_EQ(blocks[1].host(), blocks[3].host()) << rows << " rows of " << in << " as halves";
    }
  }
}

TEST_F(CudaProducts, SeveralWeightsInOneLaunch) {
  std::vector<TestWeight> weights;
  std::vector<DeviceWeight> prepared;
  std::vector<DeviceArray<float>> outs;
  std::vector<ProductOutput> outputs;
  const std::int64_t rows = 11;
  for (const std::int64_t out : {1024, 512, 70, 1}) {
    weights.emplace_back(WeightShape{WeightFormat::fp8_block, out, 384, 128, 128}, random);
    prepared.emplace_back(weights.back());
    outs.emplace_back(rows * out);
  }
  for (std::size_t index = 0; index < outs.size(); ++index)
    outputs.push_back({&prepared[index].product(), outs[index].data(), weights[index].shape().out});
  const std::vector<float> x = random_rows(random, rows, 384);
  const DeviceArray<float> on_device{std::span<const float>(x)};
  DeviceArray<std::uint8_t> workspace(packed_rows_bytes(rows, 384, 1, Operand::f16));
  const PackedRows packed = pack_rows(device, {.x = on_device.data(), .rows = rows, .in = 384, .row_stride = 384},
                                      PackedBy::launch, Operand::f16, workspace.data(), nullptr);
  multiply(device, outputs, packed, nullptr);
  for (std::size_t index = 0; index < outs.size(); ++index)
    op_test::expect_same_bits(outs[index].host(), product_of(device, prepared[index].product(), x, rows, Operand::f16),
                              "weight " + std::to_string(index) + " of a launch");
}

TEST_F(CudaProducts, AddsToWhatIsThere) {
  const std::int64_t out = 200;
  const std::int64_t in = 300;
  const TestWeight weight({WeightFormat::fp8_block, out, in, 128, 128}, random);
  const DeviceWeight prepared(weight);
  for (const std::int64_t rows : {1, 20, 70, 300}) {
    const std::vector<float> x = random_rows(random, rows, in);
    const std::vector<float> before = random_rows(random, rows, out);
    for (const Operand operand : operands(prepared.product())) {
      std::vector<float> expected = product_of(device, prepared.product(), x, rows, operand);
      for (std::size_t place = 0; place < expected.size(); ++place) expected[place] = before[place] + expected[place];
      const DeviceArray<float> on_device{std::span<const float>(x)};
      const DeviceArray<float> sums{std::span<const float>(before)};
      DeviceArray<std::uint8_t> workspace(packed_rows_bytes(rows, in, 1, operand));
      const PackedRows packed = pack_rows(device, {.x = on_device.data(), .rows = rows, .in = in, .row_stride = in},
                                          PackedBy::launch, operand, workspace.data(), nullptr);
      const ProductOutput output = {&prepared.product(), sums.data(), out};
      multiply(device, {&output, 1}, packed, nullptr, true);
      op_test::expect_same_bits(sums.host(), expected, std::to_string(rows) + " rows added");
    }
  }
}

// Each group is the product of its own rows; groups need not begin at a tile.
TEST_F(CudaProducts, Groups) {
  for (const std::int64_t latent : {64, 37, 150})
    for (const std::int64_t rows : {1, 6, 70}) {
      const std::int64_t groups = 5;
      const std::int64_t in = 200;
      const TestWeight weight({WeightFormat::bf16, groups * latent, in}, random);
      const DeviceWeight prepared(weight);
      const ExactWeight values(weight);
      const std::vector<float> x = random_rows(random, rows * groups, in);
      const DeviceArray<float> on_device(std::span<const float>(x), 1);
      DeviceArray<std::uint8_t> workspace(packed_rows_bytes(rows, in, groups, Operand::f16));
      const PackedRows packed = pack_rows(device,
                                          {.x = on_device.data(),
                                           .rows = rows,
                                           .in = in,
                                           .row_stride = groups * in,
                                           .groups = groups,
                                           .group_stride = in},
                                          PackedBy::products, Operand::f16, workspace.data(), nullptr);
      const DeviceArray<float> out(rows * groups * latent);
      multiply_groups(device, prepared.product(), packed, out.data(), nullptr);
      std::vector<double> expected;
      std::vector<double> magnitude;
      for (std::int64_t row = 0; row < rows * groups; ++row)
        for (std::int64_t output = 0; output < latent; ++output) {
          const std::vector<double> wide(x.begin() + row * in, x.begin() + (row + 1) * in);
          const ExactSum exact = values.sum(row % groups * latent + output, wide);
          expected.push_back(exact.sum);
          magnitude.push_back(exact.magnitude);
        }
      op_test::expect_close(out.host(), expected, magnitude, kFloat32Tolerance,
                            std::to_string(groups) + " groups of " + std::to_string(latent));
    }
}

TEST_F(CudaProducts, RefusesWhatDoesNotFit) {
  const TestWeight weight({WeightFormat::bf16, 64, 128}, random);
  const DeviceWeight prepared(weight);
  DeviceArray<float> out(64);
  const ProductOutput output = {&prepared.product(), out.data(), 64};
  const PackedRows narrow = {.operand = Operand::f16, .columns = 8, .rows = 1, .in = 64, .blocks = nullptr};
  op_test::expect_names(op_test::fault_of([&] {
                          multiply(device, {&output, 1}, narrow, nullptr);
                        }),
                        {"inputs of a product's weight", "128", "64"});
  const PackedRows rounded = {.operand = Operand::e4m3, .columns = 8, .rows = 1, .in = 128, .blocks = nullptr};
  op_test::expect_names(op_test::fault_of([&] { multiply(device, {&output, 1}, rounded, nullptr); }), {"binary16"});
}

}  // namespace
}  // namespace fathom::cuda
