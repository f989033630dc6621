// Where a sublayer ends and the next begins equals its parts, each by itself on the same backend. Many tokens of the
// released shape have a kernel of their own on CUDA.
#include <deque>
#include <optional>

#include "tests/ops/weight_support.h"

namespace fathom::op_test {
namespace {

struct Size {
  std::int64_t tokens, streams, channels;
};

class BetweenSublayersTest : public OperationTest {
 protected:
  // The last ones end within sixteen tokens, and on them.
  std::vector<Size> sizes() const {
    std::vector<Size> sizes = {{1, 4, 256},  {3, 3, 33},   {8, 4, 320}, {13, 4, 64},
                               {16, 4, 128}, {17, 4, 128}, {70, 4, 128}};
    if (std::string_view(GetParam()).starts_with("cuda"))
      for (const Size& size : {Size{331, 4, 4096}, {352, 4, 4096}, {321, 4, 1024}}) sizes.push_back(size);
    return sizes;
  }

  Array<float> normals(std::int64_t count, std::int64_t offset) {
    Array<float> values(count, offset);
    for (float& value : values.span()) value = random.normal();
    return values;
  }
  static Array<float> copied(const Array<float>& from, std::int64_t offset) {
    Array<float> copy(from.size(), offset);
    std::copy_n(from.data(), from.size(), copy.data());
    return copy;
  }

  // All that lies between two sublayers, and what it leaves. `end` ends the first, and may begin the second.
  void expect_same(const Size& size, std::int64_t offset,
                   const std::function<void(bool whole, const Array<float>& y, const ExpandStreamsArgs& into,
                                            const HyperConnectionArgs& next)>& end) {
    const auto [tokens, streams, channels] = size;
    const std::int64_t mixes = (2 + streams) * streams;
    const TestWeight fn({WeightFormat::f32, mixes, streams * channels, 1, 32}, random);
    const auto prepared = backend->prepare(fn.view());
    const Array<float> start = normals(tokens * streams * channels, 4);
    const Array<float> post = normals(tokens * streams, 4);
    const Array<float> comb = normals(tokens * streams * streams, 4);
    const Array<float> before = normals(tokens * channels, 4);
    const Array<float> scale = random.normals(3);
    const Array<float> base = random.normals(mixes);
    const Array<float> norm = random.normals(channels);
    const auto run = [&](bool whole) {
      Arena arena(host_allocator());
      const Array<float> mixed = copied(start, offset);
      const Array<float> y = copied(before, offset);
      const Array<float> pre(tokens * streams, 4);
      const Array<float> own_post = copied(post, 4);  // of both sublayers, as in a model
      const Array<float> own_comb = copied(comb, 4);
      const Array<float> out(tokens * channels, offset);
      const ExpandStreamsArgs into = {.y = y.view<2>({tokens, channels}),
                                      .post = own_post.view<2>({tokens, streams}),
                                      .comb = own_comb.view<3>({tokens, streams, streams}),
                                      .streams = mixed.view<3>({tokens, streams, channels})};
      end(whole, y, into,
          {.streams = into.streams,
           .fn = *prepared,
           .scale = scale.view<1>({3}),
           .base = base.view<1>({mixes}),
           .iterations = 20,
           .eps = 1e-6F,
           .norm_eps = 1e-6F,
           .norm = norm.view<1>({channels}),
           .arena = arena,
           .pre = pre.view<2>({tokens, streams}),
           .post = own_post.view<2>({tokens, streams}),
           .comb = own_comb.view<3>({tokens, streams, streams}),
           .out = out.view<2>({tokens, channels})});
      std::vector<float> all;
      for (const Array<float>* left : {&mixed, &pre, &own_post, &own_comb, &out})
        all.insert(all.end(), left->span().begin(), left->span().end());
      return all;
    };
    expect_same_bits(run(true), run(false), std::to_string(tokens) + " x " + std::to_string(channels));
  }
};

TEST_P(BetweenSublayersTest, IsItsParts) {
  for (const Size& size : sizes())
    for (const std::int64_t offset : {1, 4})  // off a boundary of sixteen bytes, and on it
      expect_same(size, offset,
                  [&](bool whole, const Array<float>&, const ExpandStreamsArgs& into, const HyperConnectionArgs& next) {
                    if (whole) return backend->between_sublayers({.into = into, .next = &next});
                    backend->expand_streams(into);
                    backend->hyper_connection(next);
                  });
}

TEST_P(BetweenSublayersTest, NothingNeedComeNext) {
  expect_same({70, 4, 128}, 4,
              [&](bool whole, const Array<float>&, const ExpandStreamsArgs& into, const HyperConnectionArgs&) {
                whole ? backend->between_sublayers({.into = into, .next = nullptr}) : backend->expand_streams(into);
              });
}

// Slots of many tokens are summed where they are mixed in.
TEST_P(BetweenSublayersTest, AfterAFeedForward) {
  constexpr std::int64_t kExperts = 9;
  constexpr std::int64_t kDim = 32;
  for (const Size& size : sizes())
    for (const std::int64_t selected : {6, 3}) {
      if (size.channels % 32 != 0) continue;
      const auto [tokens, streams, channels] = size;
      std::deque<TestWeight> weights;
      const auto prepared = [&](std::int64_t out, std::int64_t in) {
        return backend->prepare(
            weights.emplace_back(WeightShape{WeightFormat::fp4_group, out, in, 1, 32}, random).view());
      };
      std::vector<ExpertWeights> experts;
      for (std::int64_t expert = 0; expert <= kExperts; ++expert)  // and the shared one
        experts.push_back({prepared(kDim, channels), prepared(channels, kDim), prepared(kDim, channels)});
      const Array<float> x = random.normals(tokens * channels);
      const Array<float> route = random.normals(tokens * selected);
      Array<std::int32_t> chosen(tokens * selected);
      for (std::int64_t slot = 0; slot < chosen.size(); ++slot)
        chosen[slot] = static_cast<std::int32_t>((slot % selected + slot / selected) % kExperts);
      expect_same(
          size, 4,
          [&](bool whole, const Array<float>& y, const ExpandStreamsArgs& into, const HyperConnectionArgs& next) {
            const auto out = y.view<2>({tokens, channels});
            const ExpertsArgs of_experts = {.x = x.view<2>({tokens, channels}),
                                            .selected = chosen.view<2>({tokens, selected}),
                                            .weights = route.view<2>({tokens, selected}),
                                            .experts = std::span(experts).first(kExperts),
                                            .limit = 2.0F,
                                            .arena = next.arena,
                                            .out = out};
            if (whole)
              return backend->feed_forward(
                  {.experts = of_experts, .shared = experts.back(), .into = into, .next = &next});
            backend->experts(of_experts);
            backend->shared_expert(
                {.x = of_experts.x, .weights = experts.back(), .limit = 2.0F, .arena = next.arena, .out = out});
            backend->expand_streams(into);
            backend->hyper_connection(next);
          });
    }
}

INSTANTIATE_TEST_SUITE_P(Backends, BetweenSublayersTest, every_multiplier(), backend_name);

}  // namespace
}  // namespace fathom::op_test
