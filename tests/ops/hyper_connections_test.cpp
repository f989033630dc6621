#include "tests/ops/op_support.h"

namespace fathom::op_test {
namespace {

constexpr double kNormEps = 1e-5;

struct Gates {
  Array<float> pre;
  Array<float> post;
  Array<float> comb;
};

class HyperConnectionsTest : public OperationTest {
 protected:
  // Inputs of a few tokens.
  struct Inputs {
    std::int64_t tokens;
    std::int64_t streams;
    std::int64_t channels;
    float eps = 1e-6F;
    std::int64_t iterations = 20;
    Array<float> x{0};
    Array<float> mix{0};
    Array<float> scale{0};
    Array<float> base{0};

    std::int64_t parts() const { return (2 + streams) * streams; }
  };

  Inputs inputs(std::int64_t tokens, std::int64_t streams, std::int64_t channels) {
    Inputs result{.tokens = tokens, .streams = streams, .channels = channels};
    result.x = random.normals(tokens * streams * channels);
    result.mix = random.normals(tokens * result.parts(), 3.0F);
    result.scale = random.normals(3);
    result.base = random.normals(result.parts());
    return result;
  }

  static Gates gates(Backend& with, const Inputs& given) {
    const auto [tokens, streams, channels] = std::array{given.tokens, given.streams, given.channels};
    Gates result{Array<float>(tokens * streams), Array<float>(tokens * streams),
                 Array<float>(tokens * streams * streams)};
    with.hyper_connection_gates({.streams = given.x.view<3>({tokens, streams, channels}),
                                 .mix = given.mix.view<2>({tokens, given.parts()}),
                                 .scale = given.scale.view<1>({3}),
                                 .base = given.base.view<1>({given.parts()}),
                                 .iterations = given.iterations,
                                 .eps = given.eps,
                                 .norm_eps = static_cast<float>(kNormEps),
                                 .pre = result.pre.view<2>({tokens, streams}),
                                 .post = result.post.view<2>({tokens, streams}),
                                 .comb = result.comb.view<3>({tokens, streams, streams})});
    return result;
  }

  static double sigmoid(double x) { return 1.0 / (1.0 + std::exp(-x)); }
  static double r_of(const Inputs& given, std::int64_t token) {
    const std::int64_t size = given.streams * given.channels;
    double squares = 0.0;
    for (std::int64_t index = 0; index < size; ++index) squares += std::pow(given.x[token * size + index], 2.0);
    return 1.0 / std::sqrt(squares / static_cast<double>(size) + kNormEps);
  }
  static double z_of(const Inputs& given, std::int64_t token, std::int64_t index, std::int64_t part) {
    return static_cast<double>(given.mix[token * given.parts() + index]) * r_of(given, token) *
               static_cast<double>(given.scale[part]) +
           static_cast<double>(given.base[index]);
  }

  // The release's loop over comb[j][k]: softmax over k, + eps, sums over j; then sums over k and over j in turn.
  static std::vector<double> comb_of(const Inputs& given, std::int64_t token) {
    const std::int64_t streams = given.streams;
    const double eps = static_cast<double>(given.eps);
    std::vector<std::vector<double>> comb(streams, std::vector<double>(streams));
    for (std::int64_t old = 0; old < streams; ++old) {
      double sum = 0.0;
      for (std::int64_t fresh = 0; fresh < streams; ++fresh)
        sum += comb[old][fresh] = std::exp(z_of(given, token, 2 * streams + old * streams + fresh, 2));
      for (double& value : comb[old]) value = value / sum + eps;
    }
    for (std::int64_t iteration = 0; iteration < given.iterations; ++iteration) {
      if (iteration > 0)
        for (std::vector<double>& line : comb) {
          double sum = eps;
          for (const double value : line) sum += value;
          for (double& value : line) value /= sum;
        }
      for (std::int64_t fresh = 0; fresh < streams; ++fresh) {
        double sum = eps;
        for (std::int64_t old = 0; old < streams; ++old) sum += comb[old][fresh];
        for (std::int64_t old = 0; old < streams; ++old) comb[old][fresh] /= sum;
      }
    }
    std::vector<double> flat;
    for (const std::vector<double>& line : comb) flat.insert(flat.end(), line.begin(), line.end());
    return flat;
  }
};

TEST_P(HyperConnectionsTest, GatesAgainstTheRelease) {
  for (const std::int64_t streams : {1, 2, 4, 5})
    for (const std::int64_t channels : {1, 9, 40, 257}) {
      const Inputs given = inputs(3, streams, channels);
      const Gates found = gates(*backend, given);
      std::vector<double> pre;
      std::vector<double> post;
      std::vector<double> comb;
      for (std::int64_t token = 0; token < 3; ++token) {
        for (std::int64_t stream = 0; stream < streams; ++stream) {
          pre.push_back(sigmoid(z_of(given, token, stream, 0)) + static_cast<double>(given.eps));
          post.push_back(2.0 * sigmoid(z_of(given, token, streams + stream, 1)));
        }
        const std::vector<double> mixed = comb_of(given, token);
        comb.insert(comb.end(), mixed.begin(), mixed.end());
      }
      const std::string what = std::to_string(streams) + " streams";
      expect_close(found.pre.span(), pre, kHyperConnections, "pre, " + what);
      expect_close(found.post.span(), post, kHyperConnections, "post, " + what);
      expect_close(found.comb.span(), comb, 4 * kHyperConnections, "comb, " + what);
    }
}

// With z = 0: pre = 1/2 + eps, post = 1 exactly, comb = 1/streams.
TEST_P(HyperConnectionsTest, PreHasEpsAndPostIsTwiceASigmoidWithout) {
  Inputs given = inputs(1, 4, 8);
  for (float& value : given.mix.span()) value = 0.0F;
  for (float& value : given.base.span()) value = 0.0F;
  given.eps = 0.25F;
  const Gates found = gates(*backend, given);
  for (const float value : found.pre.span()) EXPECT_EQ(value, 0.75F);
  for (const float value : found.post.span()) EXPECT_EQ(value, 1.0F);
}

TEST_P(HyperConnectionsTest, SinkhornEndsOnColumns) {
  Inputs given = inputs(1, 4, 8);
  given.iterations = 2;
  const Gates found = gates(*backend, given);
  double farthest_row = 0.0;
  for (std::int64_t outer = 0; outer < 4; ++outer) {
    double column = 0.0;
    double row = 0.0;
    for (std::int64_t inner = 0; inner < 4; ++inner) {
      column += static_cast<double>(found.comb[inner * 4 + outer]);
      row += static_cast<double>(found.comb[outer * 4 + inner]);
    }
    EXPECT_NEAR(column, 1.0, 1e-5);
    farthest_row = std::max(farthest_row, std::fabs(row - 1.0));
  }
  EXPECT_GT(farthest_row, 1e-3);
}

// One iteration by hand: a softmax over each row, not an exponential of the whole; then columns. A row shifted as a
// whole stays what it was.
TEST_P(HyperConnectionsTest, SinkhornStartsWithASoftmax) {
  Inputs given = inputs(1, 2, 4);
  given.iterations = 1;
  given.eps = 0.0F;
  for (float& value : given.mix.span()) value = 0.0F;
  const float logits[] = {std::log(1.0F), std::log(3.0F), std::log(50.0F), std::log(50.0F)};
  std::copy_n(logits, 4, given.base.data() + 4);
  const Gates found = gates(*backend, given);  // rows (1/4, 3/4), (1/2, 1/2); columns sum to 3/4 and 5/4
  const double expected[] = {1.0 / 3, 3.0 / 5, 2.0 / 3, 2.0 / 5};
  for (std::int64_t index = 0; index < 4; ++index) EXPECT_NEAR(found.comb[index], expected[index], 1e-6);
}

TEST_P(HyperConnectionsTest, LargeLogitsDoNotOverflow) {
  Inputs given = inputs(2, 4, 8);
  for (float& value : given.base.span()) value *= 500.0F;
  const Gates found = gates(*backend, given);
  for (const Array<float>* part : {&found.pre, &found.post, &found.comb})
    for (const float value : part->span()) EXPECT_TRUE(std::isfinite(value));
}

TEST_P(HyperConnectionsTest, HeadGates) {
  for (const std::int64_t channels : {1, 30, 129}) {
    const Inputs given = inputs(4, 4, channels);
    const Array<float> mix = random.normals(16);
    const Array<float> pre(16);
    backend->hyper_connection_head({.streams = given.x.view<3>({4, 4, channels}),
                                    .mix = mix.view<2>({4, 4}),
                                    .scale = given.scale.view<1>({3}).rows(0, 1),
                                    .base = given.base.view<1>({24}).rows(0, 4),
                                    .eps = 0.125F,
                                    .norm_eps = static_cast<float>(kNormEps),
                                    .pre = pre.view<2>({4, 4})});
    std::vector<double> expected;
    for (std::int64_t index = 0; index < 16; ++index)
      expected.push_back(
          sigmoid(static_cast<double>(mix[index]) * r_of(given, index / 4) * static_cast<double>(given.scale[0]) +
                  static_cast<double>(given.base[index % 4])) +
          0.125);
    expect_close(pre.span(), expected, kHyperConnections, "head");
  }
}

TEST_P(HyperConnectionsTest, CollapseAndExpandAgainstTheFormula) {
  for (const std::int64_t streams : {1, 4, 6})
    for (const std::int64_t channels : {1, 7, 16, 50}) {
      const std::int64_t tokens = 3;
      const Array<float> x = random.normals(tokens * streams * channels);
      const Array<float> gate = random.normals(tokens * streams);
      const Array<float> comb = random.normals(tokens * streams * streams);
      const Array<float> y = random.normals(tokens * channels);
      const Array<float> out(tokens * channels);
      std::vector<double> collapsed(static_cast<std::size_t>(out.size()));
      std::vector<double> expanded;
      for (std::int64_t token = 0; token < tokens; ++token)
        for (std::int64_t fresh = 0; fresh < streams; ++fresh)
          for (std::int64_t channel = 0; channel < channels; ++channel) {
            const auto old_value = [&](std::int64_t old) {
              return static_cast<double>(x[(token * streams + old) * channels + channel]);
            };
            const double weight = static_cast<double>(gate[token * streams + fresh]);
            collapsed[token * channels + channel] += weight * old_value(fresh);
            double sum = weight * static_cast<double>(y[token * channels + channel]);
            for (std::int64_t old = 0; old < streams; ++old)
              sum += static_cast<double>(comb[(token * streams + old) * streams + fresh]) * old_value(old);
            expanded.push_back(sum);
          }
      backend->collapse_streams({.streams = x.view<3>({tokens, streams, channels}),
                                 .pre = gate.view<2>({tokens, streams}),
                                 .out = out.view<2>({tokens, channels})});
      expect_close(out.span(), collapsed, kHyperConnections, "collapsed");
      backend->expand_streams({.y = y.view<2>({tokens, channels}),
                               .post = gate.view<2>({tokens, streams}),
                               .comb = comb.view<3>({tokens, streams, streams}),
                               .streams = x.view<3>({tokens, streams, channels})});
      expect_close(x.span(), expanded, kHyperConnections, "expanded");
    }
}

// comb's row is the old stream, its column the new one: comb[0][1] carries stream 0 into stream 1.
TEST_P(HyperConnectionsTest, CombEntersTransposed) {
  const Array<float> x(2);
  const Array<float> y(1);
  const Array<float> post(2);
  const Array<float> comb(4);
  x[0] = 5.0F;
  x[1] = 7.0F;
  comb[0 * 2 + 1] = 1.0F;
  backend->expand_streams({.y = y.view<2>({1, 1}),
                           .post = post.view<2>({1, 2}),
                           .comb = comb.view<3>({1, 2, 2}),
                           .streams = x.view<3>({1, 2, 1})});
  EXPECT_EQ(x[0], 0.0F);
  EXPECT_EQ(x[1], 5.0F);
}

TEST_P(HyperConnectionsTest, ATokenDoesNotKnowItsCompany) {
  constexpr std::int64_t kTokens = 64;
  constexpr std::int64_t kChannels = 515;
  const Inputs given = inputs(kTokens, 4, kChannels);
  const Array<float> y = random.normals(kTokens * kChannels);
  const auto run = [&](Backend& with, std::int64_t first, std::int64_t tokens) {
    Inputs some{.tokens = tokens, .streams = 4, .channels = kChannels};
    some.x = Array<float>(tokens * 4 * kChannels);
    some.mix = Array<float>(tokens * 24);
    some.scale = Array<float>(3);
    some.base = Array<float>(24);
    std::copy_n(given.x.data() + first * 4 * kChannels, some.x.size(), some.x.data());
    std::copy_n(given.mix.data() + first * 24, some.mix.size(), some.mix.data());
    std::copy_n(given.scale.data(), 3, some.scale.data());
    std::copy_n(given.base.data(), 24, some.base.data());
    const Gates found = gates(with, some);
    const Array<float> out(tokens * kChannels);
    with.collapse_streams({.streams = some.x.view<3>({tokens, 4, kChannels}),
                           .pre = found.pre.view<2>({tokens, 4}),
                           .out = out.view<2>({tokens, kChannels})});
    with.expand_streams({.y = View<const float, 2>(y.data() + first * kChannels, {tokens, kChannels}),
                         .post = found.post.view<2>({tokens, 4}),
                         .comb = found.comb.view<3>({tokens, 4, 4}),
                         .streams = some.x.view<3>({tokens, 4, kChannels})});
    std::vector<float> all = copy_of(some.x);
    for (const Array<float>* part : {&out, &found.comb})
      all.insert(all.end(), part->span().begin(), part->span().end());
    return all;
  };
  const std::vector<float> all = run(*backend, 0, kTokens);
  expect_same_bits(run(*other, 0, kTokens), all, "other threads");
  for (const std::int64_t token : {0, 33, 63}) {
    const std::vector<float> one = run(*alone, token, 1);
    const std::span<const float> found(one);
    const std::span<const float> expected(all);
    const std::int64_t x = 4 * kChannels;
    expect_same_bits(found.first(x), expected.subspan(token * x, x), "streams");
    expect_same_bits(found.subspan(x, kChannels), expected.subspan(kTokens * x + token * kChannels, kChannels), "out");
    expect_same_bits(found.last(16), expected.subspan(kTokens * (x + kChannels) + token * 16, 16), "comb");
  }
}

INSTANTIATE_TEST_SUITE_P(Backends, HyperConnectionsTest, every_backend(), backend_name);

}  // namespace
}  // namespace fathom::op_test
