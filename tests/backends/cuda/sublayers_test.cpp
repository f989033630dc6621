// A sublayer's end and the next one's beginning are one launch of few tokens: the bits are those of the two apart.
#include <gtest/gtest.h>

#include <bit>
#include <numeric>
#include <vector>

#include "fathom/backends/cuda/cuda_backend.h"
#include "fathom/ops/downloaded.h"
#include "tests/ops/weight_support.h"

namespace fathom {
namespace {

using op_test::Random;
using op_test::TestWeight;

constexpr std::int64_t kStreams = 4;
constexpr std::int64_t kMixes = (2 + kStreams) * kStreams;
constexpr std::int64_t kOutputs = std::int64_t{1} << 21;

class SublayersTest : public ::testing::TestWithParam<CudaProducts> {
 protected:
  void SetUp() override {
    const std::string obstacle = cuda_obstacle({});
    if (!obstacle.empty()) GTEST_SKIP() << obstacle;
    cuda_ = make_cuda_backend({.products = GetParam(), .tensor_core_inputs = 128});
    arena_ = std::make_unique<Arena>(cuda_->allocator());
    outputs_ = std::make_unique<Arena>(cuda_->allocator());
    outputs_->take<float, 1>({kOutputs});  // memory that is asked for later would come between
    outputs_->clear();
  }

  template <std::size_t Rank>
  View<float, Rank> normals(const std::array<std::int64_t, Rank>& shape) {
    const auto view = arena_->take<float, Rank>(shape);
    const auto values = random_.normals(view.size());
    cuda_->upload(std::as_bytes(values.span()), reinterpret_cast<std::byte*>(view.data()));
    return view;
  }
  template <std::size_t Rank>
  View<float, Rank> copy_of(View<const float, Rank> from) {
    const auto view = arena_->take<float, Rank>(from.shape());
    cuda_->copy(std::as_bytes(from.span()), reinterpret_cast<std::byte*>(view.data()));
    return view;
  }
  std::unique_ptr<PreparedWeight> weight(WeightFormat format, std::int64_t out, std::int64_t in) {
    const bool block = format == WeightFormat::fp8_block;
    return cuda_->prepare(TestWeight({format, out, in, block ? 128 : 1, block ? 128 : 32}, random_).view());
  }

  HyperConnectionArgs beginning(const PreparedWeight& fn, View<const float, 3> streams, View<const float, 1> norm) {
    const auto [tokens, count, channels] = streams.shape();
    outputs_->clear();
    Arena& arena = *outputs_;
    return {.streams = streams,
            .fn = fn,
            .scale = norm.rows(0, 3),
            .base = norm.rows(0, kMixes),
            .iterations = 20,
            .eps = 1e-6F,
            .norm_eps = 1e-6F,
            .norm = norm,
            .arena = arena,
            .pre = arena.take<float, 2>({tokens, kStreams}),
            .post = arena.take<float, 2>({tokens, kStreams}),
            .comb = arena.take<float, 3>({tokens, kStreams, kStreams}),
            .out = arena.take<float, 2>({tokens, channels})};
  }

  // Everything that the beginning and the end before it wrote.
  std::vector<float> written(const HyperConnectionArgs& args) {
    std::vector<float> all;
    const auto add = [&](auto view) {
      for (const float value : downloaded(*cuda_, view)) all.push_back(value);
    };
    add(args.streams);
    add(args.pre);
    add(args.post);
    add(args.comb);
    add(args.out);
    return all;
  }

  static void expect_same(const std::vector<float>& found, const std::vector<float>& expected,
                          const std::string& what) {
    ASSERT_EQ(found.size(), expected.size()) << what;
    for (std::size_t index = 0; index < found.size(); ++index)
      ASSERT_EQ(std::bit_cast<std::uint32_t>(found[index]), std::bit_cast<std::uint32_t>(expected[index]))
          << what << ", value " << index;
  }

  // Of few tokens and of too many.
  void expect_expansions(std::int64_t channels) {
    for (const std::int64_t tokens : {1, 2, 3, 8, 9}) {
      const auto fn = weight(WeightFormat::f32, kMixes, kStreams * channels);
      const auto norm = normals<1>({channels});
      const auto y = normals<2>({tokens, channels});
      const auto post = normals<2>({tokens, kStreams});
      const auto comb = normals<3>({tokens, kStreams, kStreams});
      const auto start = normals<3>({tokens, kStreams, channels});
      const auto run = [&](bool apart) {
        const auto streams = copy_of<3>(start);
        const HyperConnectionArgs next = beginning(*fn, streams, norm);
        const ExpandStreamsArgs into = {.y = y, .post = post, .comb = comb, .streams = streams};
        cuda_->between_sublayers({.into = into, .next = apart ? nullptr : &next});
        if (apart) cuda_->hyper_connection(next);
        return written(next);
      };
      const std::vector<float> apart = run(true);
      expect_same(run(false), apart, std::to_string(tokens) + " of " + std::to_string(channels));
    }
  }

  std::unique_ptr<Backend> cuda_;
  std::unique_ptr<Arena> arena_;
  std::unique_ptr<Arena> outputs_;  // of the next sublayer's beginning
  Random random_{20261130};
};

TEST_P(SublayersTest, AnExpansionAndTheNextBeginningOf1024) { expect_expansions(1024); }
TEST_P(SublayersTest, AnExpansionAndTheNextBeginningOf4096) { expect_expansions(4096); }
TEST_P(SublayersTest, AnExpansionAndTheNextBeginningOf5120) { expect_expansions(5120); }
TEST_P(SublayersTest, AnExpansionAndTheNextBeginningOf1536) { expect_expansions(1536); }
TEST_P(SublayersTest, AnExpansionAndTheNextBeginningOf512) { expect_expansions(512); }
TEST_P(SublayersTest, AnExpansionAndTheNextBeginningOf640) { expect_expansions(640); }  // no whole groups

TEST_P(SublayersTest, AMixtureAndTheNextBeginning) {
  constexpr std::int64_t kDim = 136;
  for (const std::int64_t channels : {1024, 1536})
    for (const auto& [experts, selected] : {std::pair<std::int64_t, std::int64_t>{9, 6}, {24, 11}, {24, 12}})
      for (const std::int64_t tokens : {1, 2, 5, 8, 20, 70}) {
        std::vector<ExpertWeights> all;
        for (std::int64_t expert = 0; expert <= experts; ++expert) {
          const auto format = expert == experts ? WeightFormat::fp8_block : WeightFormat::fp4_group;
          all.push_back(
              {weight(format, kDim, channels), weight(format, channels, kDim), weight(format, kDim, channels)});
        }
        const ExpertWeights shared = std::move(all.back());
        all.pop_back();
        const auto gate = weight(WeightFormat::bf16, experts, channels);
        const auto fn = weight(WeightFormat::f32, kMixes, kStreams * channels);
        const auto norm = normals<1>({channels});
        const auto x = normals<2>({tokens, channels});
        const auto bias = normals<1>({experts});
        const auto post = normals<2>({tokens, kStreams});
        const auto comb = normals<3>({tokens, kStreams, kStreams});
        const auto start = normals<3>({tokens, kStreams, channels});
        enum class As : std::uint8_t { one, apart, parts };
        const auto run = [&](As as) {
          const auto streams = copy_of<3>(start);
          Arena arena(cuda_->allocator());
          const auto logits = arena.take<float, 2>({tokens, experts});
          const auto out = arena.take<float, 2>({tokens, channels});
          const HyperConnectionArgs next = beginning(*fn, streams, norm);
          const RouteArgs route = {.logits = logits,
                                   .bias = bias,
                                   .hash = {},
                                   .ids = {},
                                   .route_scale = 1.5F,
                                   .selected = arena.take<std::int32_t, 2>({tokens, selected}),
                                   .weights = arena.take<float, 2>({tokens, selected})};
          const ExpandStreamsArgs into = {.y = out, .post = post, .comb = comb, .streams = streams};
          if (as == As::parts) {
            cuda_->linear({.weight = *gate, .x = x, .out = logits});
            cuda_->route(route);
            cuda_->feed_forward({.experts = {.x = x,
                                             .selected = route.selected,
                                             .weights = route.weights,
                                             .experts = all,
                                             .limit = 2.0F,
                                             .arena = arena,
                                             .out = out},
                                 .shared = shared,
                                 .into = into,
                                 .next = nullptr});
          } else {
            cuda_->mixture({.x = x,
                            .gate = *gate,
                            .logits = logits,
                            .route = route,
                            .experts = all,
                            .shared = shared,
                            .limit = 2.0F,
                            .arena = arena,
                            .out = out,
                            .into = into,
                            .next = as == As::apart ? nullptr : &next});
          }
          if (as != As::one) cuda_->hyper_connection(next);
          return written(next);
        };
        const auto together = run(As::one);
        for (const As as : {As::apart, As::parts})
          expect_same(together, run(as),
                      std::to_string(tokens) + " of " + std::to_string(channels) + ", " + std::to_string(selected));
      }
}

INSTANTIATE_TEST_SUITE_P(Products, SublayersTest, ::testing::Values(CudaProducts::float32, CudaProducts::fp8),
                         [](const auto& products) {
                           return products.param == CudaProducts::fp8 ? std::string("fp8") : std::string("float32");
                         });

}  // namespace
}  // namespace fathom
