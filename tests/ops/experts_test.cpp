#include "tests/ops/definition_support.h"
#include "tests/ops/weight_support.h"

namespace fathom::op_test {
namespace {

class ExpertsTest : public OperationTest {
 protected:
  struct Layer {
    std::int64_t channels;
    std::vector<TestWeight> w1;
    std::vector<TestWeight> w2;
    std::vector<TestWeight> w3;
  };
  struct Tokens {
    std::int64_t count;
    std::int64_t selected;
    Array<float> x;
    Array<std::int32_t> experts;
    Array<float> weights;
  };

  Layer layer(std::int64_t experts, std::int64_t channels, std::int64_t dim, WeightFormat format) {
    const std::int64_t rows = format == WeightFormat::fp8_block ? 128 : 1;
    const std::int64_t columns = format == WeightFormat::fp8_block ? 128 : 32;
    Layer result{channels, {}, {}, {}};
    for (std::int64_t expert = 0; expert < experts; ++expert) {
      result.w1.emplace_back(WeightShape{format, dim, channels, rows, columns}, random);
      result.w2.emplace_back(WeightShape{format, channels, dim, rows, columns}, random);
      result.w3.emplace_back(WeightShape{format, dim, channels, rows, columns}, random);
    }
    return result;
  }

  Tokens tokens(const Layer& layer, std::int64_t count, std::int64_t selected) {
    Tokens result{count, selected, random.normals(count * layer.channels), Array<std::int32_t>(count * selected),
                  random.normals(count * selected)};
    for (std::int64_t token = 0; token < count; ++token) {
      std::vector<std::int32_t> all;
      for (std::int32_t expert = 0; expert < std::ssize(layer.w1); ++expert) all.push_back(expert);
      while (std::ssize(all) > selected) all.erase(all.begin() + random.below(std::ssize(all)));
      std::copy(all.begin(), all.end(), result.experts.data() + token * selected);
    }
    return result;
  }

  static std::vector<ExpertWeights> prepare(Backend& with, const Layer& layer) {
    std::vector<ExpertWeights> result;
    for (std::size_t expert = 0; expert < layer.w1.size(); ++expert)
      result.push_back({with.prepare(layer.w1[expert].view()), with.prepare(layer.w2[expert].view()),
                        with.prepare(layer.w3[expert].view())});
    return result;
  }

  static std::vector<float> run(Backend& with, const Layer& layer, const Tokens& given, std::int64_t first = 0,
                                std::int64_t count = -1) {
    if (count < 0) count = given.count;
    const std::vector<ExpertWeights> experts = prepare(with, layer);
    Arena arena(host_allocator());
    const Array<float> out(count * layer.channels);
    with.experts({.x = given.x.view<2>({given.count, layer.channels}).rows(first, count),
                  .selected = given.experts.view<2>({given.count, given.selected}).rows(first, count),
                  .weights = given.weights.view<2>({given.count, given.selected}).rows(first, count),
                  .experts = experts,
                  .limit = 2.0F,
                  .arena = arena,
                  .out = out.view<2>({count, layer.channels})});
    return copy_of(out);
  }
};

constexpr WeightFormat kFormats[] = {WeightFormat::f32, WeightFormat::bf16, WeightFormat::fp8_block,
                                     WeightFormat::fp4_group};

TEST_P(ExpertsTest, AgainstTheFormula) {
  for (const WeightFormat format : kFormats) {
    const Layer given = layer(5, 22, 14, format);
    const Tokens some = tokens(given, 7, 3);
    std::vector<double> expected(static_cast<std::size_t>(7 * 22));
    std::vector<double> magnitude(expected.size());
    for (std::int64_t token = 0; token < 7; ++token)
      for (std::int64_t slot = 0; slot < 3; ++slot) {
        const std::int32_t expert = some.experts[token * 3 + slot];
        std::vector<double> hidden;
        for (std::int64_t row = 0; row < 14; ++row) {
          double gate = 0.0;
          double up = 0.0;
          for (std::int64_t column = 0; column < 22; ++column) {
            const double x = static_cast<double>(some.x[token * 22 + column]);
            gate += static_cast<double>(given.w1[expert].at(row, column)) * x;
            up += static_cast<double>(given.w3[expert].at(row, column)) * x;
          }
          gate = std::min(gate, 2.0);
          hidden.push_back(gate / (1.0 + std::exp(-gate)) * std::clamp(up, -2.0, 2.0) *
                           static_cast<double>(some.weights[token * 3 + slot]));
        }
        for (std::int64_t channel = 0; channel < 22; ++channel)
          for (std::int64_t row = 0; row < 14; ++row) {
            const double term = static_cast<double>(given.w2[expert].at(channel, row)) * hidden[row];
            expected[token * 22 + channel] += term;
            magnitude[token * 22 + channel] += std::fabs(term);
          }
      }
    expect_close(run(*backend, given, some), expected, magnitude, kExperts, given.w1[0].shape().name());
  }
}

// Tensor cores take experts' activations from SwiGLU to w2 without float32 between: near the definition, not equal.
void expect_as_defined(const std::string& backend, std::span<const float> found, std::span<const float> expected,
                       const std::string& what) {
  if (backend != "cuda_tensor_cores") return expect_same_bits(found, expected, what);
  double largest = 0.0;
  for (const float value : expected) largest = std::max(largest, std::fabs(static_cast<double>(value)));
  for (std::size_t element = 0; element < expected.size(); ++element)
    ASSERT_NEAR(found[element], expected[element], 2e-6 * largest) << what << ", element " << element;
}

TEST_P(ExpertsTest, EqualsItsDefinitionToTheLastBit) {
  for (const WeightFormat format : kFormats)
    for (const std::int64_t count : {1, 2, 30}) {
      const Layer given = layer(7, 96, 68, format);
      const Tokens some = tokens(given, count, 4);
      Definitions definition(*backend);
      expect_as_defined(GetParam(), run(*backend, given, some), run(definition, given, some),
                        given.w1[0].shape().name());
    }
}

TEST_P(ExpertsTest, OneExpertForMoreTokensThanAProductTakes) {
  const Layer given = layer(2, 32, 20, WeightFormat::fp4_group);
  const Tokens some = tokens(given, 401, 1);
  Definitions definition(*backend);
  expect_as_defined(GetParam(), run(*backend, given, some), run(definition, given, some), "401 tokens");
}

// The route's weight enters before w2: out = w2 (h * weight), not (w2 h) * weight, which differs in the last bits.
TEST_P(ExpertsTest, TheWeightEntersBeforeW2) {
  const Layer given = layer(1, 64, 48, WeightFormat::bf16);
  const Tokens some = tokens(given, 20, 1);
  const auto w1 = backend->prepare(given.w1[0].view());
  const auto w2 = backend->prepare(given.w2[0].view());
  const auto w3 = backend->prepare(given.w3[0].view());
  const Array<float> gate(20 * 48);
  const Array<float> up(20 * 48);
  const Array<float> out(20 * 64);
  const auto x = some.x.view<2>({20, 64});
  backend->linear({.weight = *w1, .x = x, .out = gate.view<2>({20, 48})});
  backend->linear({.weight = *w3, .x = x, .out = up.view<2>({20, 48})});
  backend->swiglu({.gate = gate.view<2>({20, 48}),
                   .up = up.view<2>({20, 48}),
                   .limit = 2.0F,
                   .weight = some.weights.view<1>({20}),
                   .out = gate.view<2>({20, 48})});
  backend->linear({.weight = *w2, .x = gate.view<2>({20, 48}), .out = out.view<2>({20, 64})});
  expect_as_defined(GetParam(), run(*backend, given, some), out.span(), "weight before w2");
}

TEST_P(ExpertsTest, ATokenDoesNotKnowItsCompany) {
  for (const WeightFormat format : kFormats) {
    const Layer given = layer(6, 160, 96, format);
    const Tokens some = tokens(given, 25, 3);
    const std::vector<float> all = run(*backend, given, some);
    expect_same_bits(run(*other, given, some), all, "other threads");
    for (const std::int64_t token : {0, 11, 24})
      expect_same_bits(run(*alone, given, some, token, 1), std::span(all).subspan(token * 160, 160), "a token alone");
  }
}

TEST_P(ExpertsTest, NoTokensAreNoWork) {
  const Layer given = layer(2, 8, 4, WeightFormat::f32);
  const Tokens none = tokens(given, 0, 1);
  EXPECT_TRUE(run(*backend, given, none).empty());
}

TEST_P(ExpertsTest, AnExpertThatDoesNotExistIsAFault) {
  const Layer given = layer(2, 8, 4, WeightFormat::f32);
  Tokens some = tokens(given, 1, 1);
  for (const std::int32_t expert : {-1, 2}) {
    some.experts[0] = expert;
    EXPECT_ANY_THROW(run(*backend, given, some));
  }
}

INSTANTIATE_TEST_SUITE_P(Backends, ExpertsTest, every_multiplier(), backend_name);

}  // namespace
}  // namespace fathom::op_test
