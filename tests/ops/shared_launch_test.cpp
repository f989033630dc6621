// Operations that share launches where there are few rows equal their parts, each by itself on the same backend.
#include <algorithm>

#include "tests/ops/weight_support.h"

namespace fathom::op_test {
namespace {

class SharedLaunchTest : public OperationTest {
 protected:
  static WeightShape shape(WeightFormat format, std::int64_t out, std::int64_t in) {
    const bool block = format == WeightFormat::fp8_block;
    return {format, out, in, block ? 128 : 1, block ? 128 : 32};
  }
};

// Weights of two kinds can share a launch: wide and narrow ones, more of one kind than of the other.
TEST_P(SharedLaunchTest, LinearsOfTwoKinds) {
  for (const std::int64_t in : {160, 1184})
    for (const std::int64_t rows : {1, 2, 4, 5}) {
      const Array<float> x = random.normals(rows * in);
      std::vector<TestWeight> weights;
      for (const std::int64_t out : {300, 8, 130}) weights.emplace_back(shape(WeightFormat::bf16, out, in), random);
      for (const std::int64_t out : {200, 700}) weights.emplace_back(shape(WeightFormat::fp8_block, out, in), random);
      std::int64_t columns = 0;
      for (const TestWeight& weight : weights) columns += weight.shape().out;
      const Array<float> together(rows * columns);
      const Array<float> apart(rows * columns);
      std::vector<std::unique_ptr<PreparedWeight>> prepared;
      std::vector<LinearOutput> outputs;
      std::int64_t place = 0;
      for (const TestWeight& weight : weights) {
        prepared.push_back(backend->prepare(weight.view()));
        const std::int64_t out = weight.shape().out;
        outputs.push_back({.weight = *prepared.back(), .out = View<float, 2>(together.data() + place, {rows, out})});
        backend->linear({.weight = *prepared.back(),
                         .x = x.view<2>({rows, in}),
                         .out = View<float, 2>(apart.data() + place, {rows, out})});
        place += rows * out;
      }
      backend->linears({.x = x.view<2>({rows, in}), .outputs = outputs});
      expect_same_bits(together, apart, std::to_string(rows) + " rows");
    }
}

// Every part of it alone, on the same backend. Sizes beyond tiles, clusters and the inputs that tensor cores begin at.
TEST_P(SharedLaunchTest, MixtureIsItsParts) {
  struct Size {
    std::int64_t channels, dim, experts, selected;
  };
  constexpr std::int64_t kStreams = 4;
  const bool fp8 = std::string_view(GetParam()) == "cuda_fp8";
  const Size sizes[] = {{192, 136, 5, 3}, {fp8 ? 1184 : 288, fp8 ? 1056 : 160, 9, 4}};
  for (const auto& [channels, dim, experts, selected] : sizes)
    for (const WeightFormat format : {WeightFormat::fp4_group, WeightFormat::fp8_block})
      for (const std::int64_t tokens : {1, 3, 4, 6}) {
        const TestWeight gate(shape(WeightFormat::bf16, experts, channels), random);
        std::vector<TestWeight> given;
        for (std::int64_t expert = 0; expert <= experts; ++expert) {
          const WeightFormat own = expert == experts ? WeightFormat::fp8_block : format;  // the last one is shared
          given.emplace_back(shape(own, dim, channels), random);
          given.emplace_back(shape(own, channels, dim), random);
          given.emplace_back(shape(own, dim, channels), random);
        }
        std::vector<ExpertWeights> prepared;
        for (std::size_t place = 0; place < given.size(); place += 3)
          prepared.push_back({backend->prepare(given[place].view()), backend->prepare(given[place + 1].view()),
                              backend->prepare(given[place + 2].view())});
        const ExpertWeights shared = std::move(prepared.back());
        prepared.pop_back();
        const auto prepared_gate = backend->prepare(gate.view());
        const Array<float> x = random.normals(tokens * channels);
        const Array<float> bias = random.normals(experts, 0.1F);
        const Array<float> post = random.normals(tokens * kStreams);
        const Array<float> comb = random.normals(tokens * kStreams * kStreams);
        const Array<float> start = random.normals(tokens * kStreams * channels);
        const auto run = [&](bool whole) {
          Arena arena(host_allocator());
          const Array<float> logits(tokens * experts);
          const Array<std::int32_t> chosen(tokens * selected);
          const Array<float> weights(tokens * selected);
          const Array<float> out(tokens * channels);
          const Array<float> streams(start.size());
          std::ranges::copy(start.span(), streams.data());
          const ExpandStreamsArgs into = {.y = out.view<2>({tokens, channels}),
                                          .post = post.view<2>({tokens, kStreams}),
                                          .comb = comb.view<3>({tokens, kStreams, kStreams}),
                                          .streams = streams.view<3>({tokens, kStreams, channels})};
          const auto rows = x.view<2>({tokens, channels});
          const RouteArgs route = {.logits = logits.view<2>({tokens, experts}),
                                   .bias = bias.view<1>({experts}),
                                   .hash = {},
                                   .ids = {},
                                   .route_scale = 1.5F,
                                   .selected = chosen.view<2>({tokens, selected}),
                                   .weights = weights.view<2>({tokens, selected})};
          if (whole) {
            backend->mixture({.x = rows,
                              .gate = *prepared_gate,
                              .logits = logits.view<2>({tokens, experts}),
                              .route = route,
                              .experts = prepared,
                              .shared = shared,
                              .limit = 2.0F,
                              .arena = arena,
                              .out = out.view<2>({tokens, channels}),
                              .into = into});
          } else {
            backend->linear({.weight = *prepared_gate, .x = rows, .out = logits.view<2>({tokens, experts})});
            backend->route(route);
            backend->experts({.x = rows,
                              .selected = route.selected,
                              .weights = route.weights,
                              .experts = prepared,
                              .limit = 2.0F,
                              .arena = arena,
                              .out = out.view<2>({tokens, channels})});
            backend->shared_expert(
                {.x = rows, .weights = shared, .limit = 2.0F, .arena = arena, .out = out.view<2>({tokens, channels})});
            backend->expand_streams(into);
          }
          std::vector<float> all = copy_of(streams);
          for (const float weight : weights.span()) all.push_back(weight);
          for (const std::int32_t expert : chosen.span()) all.push_back(static_cast<float>(expert));
          return all;
        };
        expect_same_bits(run(true), run(false), std::to_string(tokens) + " tokens");
      }
}

INSTANTIATE_TEST_SUITE_P(Backends, SharedLaunchTest, every_multiplier(), backend_name);

}  // namespace
}  // namespace fathom::op_test
