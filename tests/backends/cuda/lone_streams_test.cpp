// A lone token between sublayers: kernels that read one another's numbers before they end have the bits of kernels that
// wait, step after step, as graphs, with what is no number, and beside another backend.
#include <gtest/gtest.h>

#include <bit>
#include <limits>
#include <thread>
#include <vector>

#include "tests/backends/cuda/lone_token.h"

namespace fathom {
namespace {

constexpr int kSublayers = 7;  // of a step
constexpr std::int64_t kLogits = 40;

enum class As : std::uint8_t { awaited, apart };

// Sublayers that are a product each, of the kind that attention begins with, and every other one with a product of
// binary16 beside it. From one step to the next their number ahead of what is read changes, and so where graphs end;
// one in four is not recorded, and some differ in the middle from those before.
class Sublayers : op_test::LoneToken {
 public:
  Sublayers(std::int64_t channels, CudaProducts products, As as, std::uint64_t seed)
      : LoneToken({.products = products, .tensor_core_inputs = 128}, channels, seed), as_(as) {
    down_ = weight(WeightFormat::fp8_block, channels, channels);
    gate_ = weight(WeightFormat::bf16, kLogits, channels);
    y_ = arena_.take<float, 2>({1, channels});
    logits_ = arena_.take<float, 2>({1, kLogits});
  }

  // Bits of all that a step leaves.
  std::vector<std::uint32_t> step(float first, int number) {
    fill(streams_);
    upload(std::span<const float>(&first, 1), streams_.data() + 5);
    const HyperConnectionArgs begins = beginning();
    const ExpandStreamsArgs ends = {.y = y_, .post = post_, .comb = comb_, .streams = streams_};
    const std::vector<LinearOutput> both = {{.weight = *down_, .out = y_}, {.weight = *gate_, .out = logits_}};
    backend_->begin_step(static_cast<std::uint64_t>(number % 4));
    for (int ahead = 0; ahead < number % 4; ++ahead) copy_spare();
    backend_->hyper_connection(begins);
    for (int sublayer = 0; sublayer < kSublayers; ++sublayer) {
      const bool is_odd_one = number % 11 == 10 && sublayer == 2;
      if (is_odd_one) fill(spare_);
      backend_->linears({.x = x_, .outputs = std::span(both).first(sublayer % 2 == 0 && !is_odd_one ? 2 : 1)});
      backend_->between_sublayers({.into = ends, .next = as_ == As::awaited ? &begins : nullptr});
      if (as_ == As::apart) {
        backend_->hyper_connection(begins);
        copy_spare();
      }
    }
    backend_->linears({.x = x_, .outputs = both});
    backend_->end_step();
    std::vector<std::uint32_t> all;
    for (const View<const float, 1> view :
         {View<const float, 1>(streams_.data(), {streams_.size()}), View<const float, 1>(x_.data(), {x_.size()}),
          View<const float, 1>(y_.data(), {y_.size()}), View<const float, 1>(logits_.data(), {logits_.size()}),
          View<const float, 1>(comb_.data(), {comb_.size()}), View<const float, 1>(pre_.data(), {pre_.size()})})
      for (const float value : downloaded(*backend_, view)) all.push_back(std::bit_cast<std::uint32_t>(value));
    return all;
  }

 private:
  As as_;
  std::unique_ptr<PreparedWeight> down_, gate_;
  View<float, 2> y_, logits_;
};

class LoneStreams : public ::testing::TestWithParam<CudaProducts> {
 protected:
  void SetUp() override {
    if (const std::string obstacle = cuda_obstacle({}); !obstacle.empty()) GTEST_SKIP() << obstacle;
  }
};

TEST_P(LoneStreams, HaveTheBitsOfKernelsThatWait) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
  for (const std::int64_t channels : {1024, 1536, 4096, 5120, 512, 640}) {
    Sublayers awaited(channels, GetParam(), As::awaited, 3);
    Sublayers apart(channels, GetParam(), As::apart, 3);
    for (int step = 0; step < 60; ++step) {
      const float first = step == 45 ? kNan : step == 47 ? kInfinity : step == 50 ? -std::bit_cast<float>(~0U) : 0.5F;
      ASSERT_EQ(awaited.step(first, step), apart.step(first, step)) << channels << " channels, step " << step;
    }
  }
}

TEST_P(LoneStreams, OfTwoBackendsOnOneDevice) {
  constexpr int kSteps = 400;
  const auto all = [](As as, std::uint64_t seed) {
    Sublayers sublayers(1024, GetParam(), as, seed);
    std::vector<std::vector<std::uint32_t>> found;
    for (int step = 0; step < kSteps; ++step) found.push_back(sublayers.step(0.5F, step));
    return found;
  };
  std::vector<std::vector<std::uint32_t>> other;
  std::thread thread([&] { other = all(As::awaited, 5); });
  const auto one = all(As::awaited, 4);
  thread.join();
  EXPECT_EQ(one, all(As::apart, 4));
  EXPECT_EQ(other, all(As::apart, 5));
}

INSTANTIATE_TEST_SUITE_P(Products, LoneStreams, ::testing::Values(CudaProducts::float32, CudaProducts::fp8),
                         [](const auto& products) {
                           return products.param == CudaProducts::fp8 ? std::string("fp8") : std::string("float32");
                         });

}  // namespace
}  // namespace fathom
