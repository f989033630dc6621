// The CUDA kernels against the same equations in float64 through plain operations and autograd. Skipped without a GPU.
#include "fathom/trainer/kernels/device.h"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include <tuple>

#include "fathom/trainer/sinkhorn.h"

namespace fathom::train {
namespace {

using torch::Tensor;

class DeviceKernels : public ::testing::TestWithParam<std::tuple<torch::ScalarType, std::int64_t>> {
 protected:
  void SetUp() override {
    if (!torch::cuda::is_available() || !device::takes(random({1, 8})))
      GTEST_SKIP() << "no GPU, or a build without CUDA: the kernels were not run";
    torch::manual_seed(3);
  }
  static torch::ScalarType type() { return std::get<0>(GetParam()); }
  static std::int64_t channels() { return std::get<1>(GetParam()); }

  static Tensor random(torch::IntArrayRef sizes) {
    return torch::randn(sizes, torch::TensorOptions().device(torch::kCUDA)).to(type());
  }
  static Tensor random_wide(torch::IntArrayRef sizes) {
    return torch::randn(sizes, torch::TensorOptions().device(torch::kCUDA));
  }
  // A float64 leaf with x's values.
  static Tensor leaf(const Tensor& x) { return x.detach().to(torch::kFloat64).requires_grad_(true); }

  static void expect_near(const Tensor& found, const Tensor& expected, const char* what) {
    ASSERT_EQ(found.sizes(), expected.sizes()) << what;
    const double bound = found.scalar_type() == torch::kBFloat16 ? 4e-3 : 2e-6;
    const double error = (found.to(torch::kFloat64) - expected).norm().item<double>();
    EXPECT_LE(error, bound * (expected.norm().item<double>() + 1e-3)) << what;
  }
};

constexpr std::int64_t kTokens = 77;

TEST_P(DeviceKernels, Sinkhorn) {
  const Tensor logits = random_wide({kTokens, 4, 4});
  const Tensor gradient = random_wide({kTokens, 4, 4});
  const Tensor exact = leaf(logits);
  const Tensor expected = sinkhorn(exact, 20, 1e-6);
  expected.backward(gradient.to(torch::kFloat64));
  expect_near(device::sinkhorn(logits, 20, 1e-6), expected, "forward");
  const Tensor found = device::sinkhorn_backward(logits, gradient, 20, 1e-6);
  EXPECT_LE((found.to(torch::kFloat64) - exact.grad()).abs().max().item<double>(), 1e-4);
}

TEST_P(DeviceKernels, Expand) {
  const Tensor post = random_wide({kTokens, 4});
  const Tensor comb = random_wide({kTokens, 4, 4});
  const Tensor y = random({kTokens, channels()});
  const Tensor streams = random({kTokens, 4, channels()});
  const Tensor gradient = random({kTokens, 4, channels()});
  const Tensor exact[] = {leaf(post), leaf(comb), leaf(y), leaf(streams)};
  const Tensor expected =
      exact[0].unsqueeze(2) * exact[2].unsqueeze(1) + torch::bmm(exact[1].transpose(1, 2), exact[3]);
  expected.backward(gradient.to(torch::kFloat64));
  expect_near(device::expand(post, comb, y, streams), expected, "forward");
  const auto found = device::expand_backward(post, comb, y, streams, gradient);
  expect_near(found.post, exact[0].grad(), "post");
  expect_near(found.comb, exact[1].grad(), "comb");
  expect_near(found.y, exact[2].grad(), "y");
  expect_near(found.streams, exact[3].grad(), "streams");
}

TEST_P(DeviceKernels, Collapse) {
  const Tensor pre = random_wide({kTokens, 4});
  const Tensor streams = random({kTokens, 4, channels()});
  const Tensor gradient = random({kTokens, channels()});
  const Tensor exact[] = {leaf(pre), leaf(streams)};
  const Tensor expected = (exact[0].unsqueeze(2) * exact[1]).sum(1);
  expected.backward(gradient.to(torch::kFloat64));
  expect_near(device::collapse(pre, streams), expected, "forward");
  const auto found = device::collapse_backward(pre, streams, gradient);
  expect_near(found.pre, exact[0].grad(), "pre");
  expect_near(found.streams, exact[1].grad(), "streams");
}

TEST_P(DeviceKernels, Norm) {
  for (const std::int64_t rows : {std::int64_t{1}, kTokens, std::int64_t{20000}}) {
    const Tensor x = random({rows, channels()});
    const Tensor gradient = random({rows, channels()});
    for (const bool weighted : {true, false}) {
      const Tensor weight = weighted ? random_wide({channels()}) : Tensor();
      const Tensor exact = leaf(x);
      const Tensor exact_weight = weighted ? leaf(weight) : torch::ones({channels()}, exact.options());
      const Tensor expected = exact * (exact.square().mean(-1, true) + 1e-6).rsqrt() * exact_weight;
      expected.backward(gradient.to(torch::kFloat64));
      const auto found = device::norm(x, weight, 1e-6);
      expect_near(found.out, expected, "forward");
      const auto gradients = device::norm_backward(x, weight, found.inverse, gradient);
      expect_near(gradients.x, exact.grad(), "x");
      if (weighted) expect_near(gradients.weight, exact_weight.grad(), "weight");
    }
  }
}

TEST_P(DeviceKernels, Rotate) {
  const std::int64_t pairs = channels() / 4;
  const Tensor x = random({kTokens, 3, channels()});
  const Tensor angles = random_wide({kTokens, pairs});
  const Tensor turns = torch::complex(angles.cos(), angles.sin());
  for (const bool inverse : {false, true}) {
    const Tensor sine = (inverse ? -angles.sin() : angles.sin()).to(torch::kFloat64).unsqueeze(1);
    const Tensor cosine = angles.cos().to(torch::kFloat64).unsqueeze(1);
    Tensor expected = x.to(torch::kFloat64).clone();
    const Tensor last = x.to(torch::kFloat64).narrow(2, channels() - 2 * pairs, 2 * pairs).view({kTokens, 3, pairs, 2});
    const Tensor real = last.select(3, 0) * cosine - last.select(3, 1) * sine;
    const Tensor imaginary = last.select(3, 0) * sine + last.select(3, 1) * cosine;
    expected.narrow(2, channels() - 2 * pairs, 2 * pairs)
        .copy_(torch::stack({real, imaginary}, 3).view({kTokens, 3, 2 * pairs}));
    expect_near(device::rotate(x, turns, inverse), expected, "rotate");
  }
}

TEST_P(DeviceKernels, Swiglu) {
  const Tensor gate = random({kTokens, channels()});
  const Tensor up = random({kTokens, channels()});
  const Tensor gradient = random({kTokens, channels()});
  for (const double limit : {0.0, 1.0})
    for (const bool weighted : {true, false}) {
      const Tensor weight = weighted ? random_wide({kTokens}) : Tensor();
      const Tensor exact[] = {leaf(gate), leaf(up)};
      const Tensor exact_weight = weighted ? leaf(weight) : torch::ones({kTokens}, exact[0].options());
      const Tensor clamped_gate = limit > 0 ? exact[0].clamp_max(limit) : exact[0];
      const Tensor clamped_up = limit > 0 ? exact[1].clamp(-limit, limit) : exact[1];
      const Tensor expected = torch::silu(clamped_gate) * clamped_up * exact_weight.unsqueeze(1);
      expected.backward(gradient.to(torch::kFloat64));
      expect_near(device::swiglu(gate, up, weight, limit), expected, "forward");
      const auto found = device::swiglu_backward(gate, up, weight, limit, gradient);
      expect_near(found.gate, exact[0].grad(), "gate");
      expect_near(found.up, exact[1].grad(), "up");
      if (weighted) expect_near(found.weight, exact_weight.grad(), "weight");
    }
}

INSTANTIATE_TEST_SUITE_P(Types, DeviceKernels,
                         ::testing::Combine(::testing::Values(torch::kFloat32, torch::kBFloat16),
                                            ::testing::Values(64, 320)));

}  // namespace
}  // namespace fathom::train
