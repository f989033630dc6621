// The sums of docs/invariance.md, written out one term at a time: the kernels must give these bits on every instruction
// set.
#include "fathom/ops/released_arithmetic.h"
#include "tests/ops/cache_support.h"
#include "tests/ops/weight_support.h"

namespace fathom::op_test {
namespace {

class ChainsTest : public ::testing::TestWithParam<const char*> {
 private:
  TargetScope target_{GetParam()};

 protected:
  // sum + left * right, rounded twice.
  static float add_product(float left, float right, float sum) {
    const volatile float product = left * right;
    return sum + product;
  }

  CpuBackend backend{CpuOptions{.threads = 2}};
  Random random{77};
};

TEST_P(ChainsTest, LinearIsOneChainFromZero) {
  for (const auto& [out, in] : {std::pair<std::int64_t, std::int64_t>{1, 1}, {37, 300}, {130, 77}, {20, 802}})
    for (const WeightShape& shape : weight_shapes(out, in)) {
      const TestWeight weight(shape, random);
      const auto prepared = backend.prepare(weight.view());
      for (const std::int64_t rows : {1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 13, 16, 17, 24, 25, 200}) {
        const Array<float> x = random.normals(rows * shape.in);
        std::vector<float> expected;
        for (std::int64_t row = 0; row < rows; ++row)
          for (std::int64_t output = 0; output < shape.out; ++output) {
            float sum = 0.0F;
            for (std::int64_t column = 0; column < shape.in; ++column)
              sum = add_product(x[row * shape.in + column], weight.at(output, column), sum);
            expected.push_back(sum);
          }
        const Array<float> found(rows * shape.out);
        backend.linear(
            {.weight = *prepared, .x = x.view<2>({rows, shape.in}), .out = found.view<2>({rows, shape.out})});
        expect_same_bits(found, expected, shape.name() + " times " + std::to_string(rows));
      }
    }
}

// Zeros keep their sign and tiny products their place: the chain is exact down to the last subnormal.
TEST_P(ChainsTest, LinearAtTheEdgeOfTheFormat) {
  for (const WeightShape& shape : weight_shapes(18, 64)) {
    const TestWeight weight(shape, random);
    const auto prepared = backend.prepare(weight.view());
    for (const float size : {1e-44F, 1e-38F, 1e-20F, 1e30F}) {
      const Array<float> x = random.normals(shape.in, size);
      std::vector<float> expected;
      for (std::int64_t output = 0; output < shape.out; ++output) {
        float sum = 0.0F;
        for (std::int64_t column = 0; column < shape.in; ++column)
          sum = add_product(x[column], weight.at(output, column), sum);
        expected.push_back(sum);
      }
      const Array<float> found(shape.out);
      backend.linear({.weight = *prepared, .x = x.view<2>({1, shape.in}), .out = found.view<2>({1, shape.out})});
      expect_same_bits(found, expected, shape.name());
    }
  }
}

TEST_P(ChainsTest, RmsNormSumsARowAsReleased) {
  for (const std::int64_t dim : {1, 5, 7, 8, 9, 31, 32, 33, 40, 100, 531, 4096, 5000}) {
    const Array<float> x = random.normals(dim);
    const Array<float> weight = random.normals(dim);
    const float scale = 1.0F / std::sqrt(sum_of_squares(x.data(), dim) / static_cast<float>(dim) + 1e-6F);
    std::vector<float> expected;
    for (std::int64_t column = 0; column < dim; ++column) expected.push_back(x[column] * scale * weight[column]);
    const Array<float> found(dim);
    backend.rms_norm(
        {.x = x.view<2>({1, dim}), .weight = weight.view<1>({dim}), .eps = 1e-6F, .out = found.view<2>({1, dim})});
    expect_same_bits(found, expected, "dim " + std::to_string(dim));
  }
}

TEST_P(ChainsTest, StreamsAscend) {
  constexpr std::int64_t kChannels = 37;
  const Array<float> x = random.normals(4 * kChannels);
  const Array<float> gate = random.normals(4);
  const Array<float> comb = random.normals(16);
  const Array<float> y = random.normals(kChannels);
  const Array<float> out(kChannels);
  std::vector<float> collapsed;
  std::vector<float> expanded(4 * kChannels);
  for (std::int64_t channel = 0; channel < kChannels; ++channel) {
    float sum = 0.0F;
    for (std::int64_t stream = 0; stream < 4; ++stream)
      sum = add_product(gate[stream], x[stream * kChannels + channel], sum);
    collapsed.push_back(sum);
    for (std::int64_t to = 0; to < 4; ++to) {
      float mixed = 0.0F;
      for (std::int64_t from = 0; from < 4; ++from)
        mixed = add_product(comb[from * 4 + to], x[from * kChannels + channel], mixed);
      expanded[to * kChannels + channel] = add_product(gate[to], y[channel], mixed);
    }
  }
  backend.collapse_streams(
      {.streams = x.view<3>({1, 4, kChannels}), .pre = gate.view<2>({1, 4}), .out = out.view<2>({1, kChannels})});
  expect_same_bits(out, collapsed, "collapsed");
  backend.expand_streams({.y = y.view<2>({1, kChannels}),
                          .post = gate.view<2>({1, 4}),
                          .comb = comb.view<3>({1, 4, 4}),
                          .streams = x.view<3>({1, 4, kChannels})});
  expect_same_bits(x, expanded, "expanded");
}

// Equal scores give every key the weight 1 / (keys + 1), the sink being one more: what is left is the values' chain.
TEST_P(ChainsTest, AttentionSumsKeysInOrder) {
  constexpr std::int64_t kKeys = 150;
  constexpr std::int64_t kHeads = 3;
  for (const std::int64_t dim : {21, 512}) {  // decoded keys of the first stay, most of the second's are decoded twice
    const EntryFormat format{CacheStorage::float32, dim, 4};
    const Array<float> q(kKeys * kHeads * dim);  // zeros: every score is 0
    const Array<float> keys = random.normals(kKeys * dim);
    const Array<float> sink(kHeads);
    const Array<float> out(kKeys * kHeads * dim);
    RingMemory memory(kKeys, format.row_bytes());
    const std::vector<fathom::Run> runs = {{0, kKeys, 0}};
    const std::vector<Ring> rings = {memory.ring()};
    backend.sparse_attention(
        {.q = q.view<3>({kKeys, kHeads, dim}),
         .format = format,
         .window = kKeys,
         .fresh = View<const std::byte, 2>(reinterpret_cast<const std::byte*>(keys.data()), {kKeys, 4 * dim}),
         .selected = {},
         .sink = sink.view<1>({kHeads}),
         .runs = runs,
         .windows = rings,
         .entries = {},
         .out = out.view<3>({kKeys, kHeads, dim})});
    std::vector<float> expected;
    for (std::int64_t token = 0; token < kKeys; ++token) {
      const float weight = 1.0F / static_cast<float>(token + 2);
      std::vector<float> sums(static_cast<std::size_t>(dim));
      for (std::int64_t key = 0; key <= token; ++key)
        for (std::int64_t column = 0; column < dim; ++column)
          sums[column] = add_product(weight, keys[key * dim + column], sums[column]);
      for (std::int64_t head = 0; head < kHeads; ++head) expected.insert(expected.end(), sums.begin(), sums.end());
    }
    expect_same_bits(out, expected, "attention");
  }
}

INSTANTIATE_TEST_SUITE_P(Targets, ChainsTest, ::testing::ValuesIn(and_narrower_targets({"cpu_2"})), backend_name);

}  // namespace
}  // namespace fathom::op_test
