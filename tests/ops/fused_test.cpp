// Every fused operation equals its definition to the last bit, on every backend.
#include <deque>

#include "tests/ops/definition_support.h"
#include "tests/ops/weight_support.h"

namespace fathom::op_test {
namespace {

constexpr WeightFormat kFormats[] = {WeightFormat::f32, WeightFormat::bf16, WeightFormat::fp8_block,
                                     WeightFormat::fp4_group};

class FusedTest : public OperationTest {
 protected:
  WeightShape shape(WeightFormat format, std::int64_t out, std::int64_t in) {
    const bool block = format == WeightFormat::fp8_block;
    return {format, out, in, block ? 128 : 1, block ? 128 : 32};
  }
  struct Angles {
    Array<float> cosine;
    Array<float> sine;
  };
  Angles angles(std::int64_t rows, std::int64_t pairs) {
    return {random.normals(rows * pairs), random.normals(rows * pairs)};
  }
  // What `call` leaves in a copy of `values`, by the backend and by the definition.
  template <typename T, typename Call>
  void expect_same(const Array<T>& values, const std::string& what, const Call& call) {
    Definitions definitions(*backend);
    Array<T> found(values.size());
    Array<T> expected(values.size());
    std::copy_n(values.data(), values.size(), found.data());
    std::copy_n(values.data(), values.size(), expected.data());
    call(*backend, found);
    call(static_cast<Backend&>(definitions), expected);
    expect_same_bits(found, expected, what);
  }
};

TEST_P(FusedTest, LinearsAreLinearOfEach) {
  for (const std::int64_t rows : {1, 3, 13, 70}) {  // of thirteen, strips are laid for all of these and for none alone
    const std::int64_t in = 160;
    const Array<float> x = random.normals(rows * in);
    std::vector<TestWeight> weights;
    std::int64_t columns = 0;
    for (int round = 0; round < 5; ++round)  // twenty: more than a launch of one kind takes where all are alike
      for (const WeightFormat format : kFormats) weights.emplace_back(shape(format, 5 + 40 * round, in), random);
    for (const TestWeight& weight : weights) columns += weight.shape().out;
    expect_same(Array<float>(rows * columns), std::to_string(rows) + " rows", [&](Backend& with, Array<float>& all) {
      std::vector<std::unique_ptr<PreparedWeight>> prepared;
      std::vector<LinearOutput> outputs;
      std::int64_t place = 0;
      for (const TestWeight& weight : weights) {
        prepared.push_back(with.prepare(weight.view()));
        const std::int64_t out = weight.shape().out;
        outputs.push_back({.weight = *prepared.back(), .out = View<float, 2>(all.data() + place, {rows, out})});
        place += rows * out;
      }
      with.linears({.x = x.view<2>({rows, in}), .outputs = outputs});
    });
  }
}

TEST_P(FusedTest, TwentyAlikeAreMoreThanOneLaunch) {
  const std::int64_t in = 128;
  const Array<float> x = random.normals(2 * in);
  std::vector<TestWeight> weights;
  for (int index = 0; index < 20; ++index) weights.emplace_back(shape(WeightFormat::bf16, 3, in), random);
  expect_same(Array<float>(2 * 3 * 20), "twenty", [&](Backend& with, Array<float>& all) {
    std::vector<std::unique_ptr<PreparedWeight>> prepared;
    std::vector<LinearOutput> outputs;
    for (std::int64_t index = 0; index < 20; ++index) {
      prepared.push_back(with.prepare(weights[index].view()));
      outputs.push_back({.weight = *prepared.back(), .out = View<float, 2>(all.data() + 6 * index, {2, 3})});
    }
    with.linears({.x = x.view<2>({2, in}), .outputs = outputs});
  });
}

TEST_P(FusedTest, HyperConnection) {
  for (const auto& [tokens, streams, channels] : {std::array<std::int64_t, 3>{1, 4, 256},
                                                  {9, 4, 512},
                                                  {2, 2, 40},
                                                  {3, 5, 33},
                                                  {1, 4, 4096},
                                                  {5, 4, 1024},
                                                  {2, 4, 7168},
                                                  {70, 4, 2048}}) {
    const std::int64_t mixes = (2 + streams) * streams;
    const Array<float> x = random.normals(tokens * streams * channels);
    const Array<float> scale = random.normals(3);
    const Array<float> base = random.normals(mixes);
    const Array<float> norm = random.normals(channels);
    const TestWeight fn(shape(WeightFormat::f32, mixes, streams * channels), random);
    const std::int64_t gates = tokens * streams;
    const Array<float> all(gates * (2 + streams) + tokens * channels);
    expect_same(all, std::to_string(streams) + " x " + std::to_string(channels),
                [&](Backend& with, Array<float>& result) {
                  Arena arena(host_allocator());
                  const auto prepared = with.prepare(fn.view());
                  float* at = result.data();
                  with.hyper_connection({.streams = x.view<3>({tokens, streams, channels}),
                                         .fn = *prepared,
                                         .scale = scale.view<1>({3}),
                                         .base = base.view<1>({mixes}),
                                         .iterations = 20,
                                         .eps = 1e-6F,
                                         .norm_eps = 1e-6F,
                                         .norm = norm.view<1>({channels}),
                                         .arena = arena,
                                         .pre = View<float, 2>(at, {tokens, streams}),
                                         .post = View<float, 2>(at + gates, {tokens, streams}),
                                         .comb = View<float, 3>(at + 2 * gates, {tokens, streams, streams}),
                                         .out = View<float, 2>(at + gates * (2 + streams), {tokens, channels})});
                });
  }
}

TEST_P(FusedTest, NormRotate) {
  for (const auto& [rows, heads, dim, pairs] :
       {std::array<std::int64_t, 4>{1, 1, 512, 32}, {5, 64, 512, 32}, {3, 3, 24, 4}, {2, 1, 7, 3}, {1, 2, 1500, 8}}) {
    const Array<float> x = random.normals(rows * heads * dim);
    const Array<float> weight = random.normals(dim);
    const Angles turn = angles(rows, pairs);
    for (const bool weighted : {false, true})
      expect_same(x, std::to_string(dim), [&](Backend& with, Array<float>& result) {
        with.norm_rotate({.x = result.view<3>({rows, heads, dim}),
                          .weight = weighted ? View<const float, 1>(weight.view<1>({dim})) : View<const float, 1>(),
                          .eps = 1e-6F,
                          .cosine = turn.cosine.view<2>({rows, pairs}),
                          .sine = turn.sine.view<2>({rows, pairs})});
      });
  }
}

TEST_P(FusedTest, NewKeys) {
  for (const CacheStorage storage : {CacheStorage::released, CacheStorage::float32})
    for (const auto& [tokens, dim, rope] : {std::array<std::int64_t, 3>{1, 512, 64}, {7, 128, 64}, {3, 72, 8}}) {
      const EntryFormat format{.storage = storage, .head_dim = dim, .rope_dim = rope};
      const Array<float> x = random.normals(tokens * dim);
      const Array<float> weight = random.normals(dim);
      const Angles turn = angles(tokens, rope / 2);
      expect_same(Array<std::uint8_t>(tokens * format.row_bytes()), std::to_string(dim),
                  [&](Backend& with, Array<std::uint8_t>& result) {
                    Array<float> scratch(x.size());
                    std::copy_n(x.data(), x.size(), scratch.data());
                    with.new_keys({.x = scratch.view<2>({tokens, dim}),
                                   .weight = weight.view<1>({dim}),
                                   .eps = 1e-6F,
                                   .cosine = turn.cosine.view<2>({tokens, rope / 2}),
                                   .sine = turn.sine.view<2>({tokens, rope / 2}),
                                   .format = format,
                                   .rows = View<std::byte, 2>(reinterpret_cast<std::byte*>(result.data()),
                                                              {tokens, format.row_bytes()})});
                  });
    }
}

TEST_P(FusedTest, QueriesAndKeys) {
  for (const CacheStorage storage : {CacheStorage::released, CacheStorage::float32})
    for (const auto& [tokens, heads, dim, rope] : {std::array<std::int64_t, 4>{1, 64, 512, 64},
                                                   {3, 5, 512, 64},
                                                   {7, 128, 512, 64},
                                                   {2, 3, 512, 32},
                                                   {3, 2, 72, 8}}) {
      const EntryFormat format{.storage = storage, .head_dim = dim, .rope_dim = rope};
      const Array<float> x = random.normals(tokens * dim);
      const Array<float> weight = random.normals(dim);
      const Angles turn = angles(tokens, rope / 2);
      const std::int64_t encoded = tokens * format.row_bytes();  // behind the queries
      const auto whole = (encoded + 3) / 4;
      const Array<float> given = random.normals(tokens * heads * dim + whole);
      std::fill_n(given.data() + tokens * heads * dim, whole, 0.0F);
      expect_same(given, std::to_string(dim), [&](Backend& with, Array<float>& result) {
        Array<float> scratch(x.size());
        std::copy_n(x.data(), x.size(), scratch.data());
        const auto cosine = turn.cosine.view<2>({tokens, rope / 2});
        const auto sine = turn.sine.view<2>({tokens, rope / 2});
        float* queries = result.data();
        with.queries_and_keys(
            {.queries = {.x = View<float, 3>(queries, {tokens, heads, dim}),
                         .weight = {},
                         .eps = 1e-6F,
                         .cosine = cosine,
                         .sine = sine},
             .keys = {.x = scratch.view<2>({tokens, dim}),
                      .weight = weight.view<1>({dim}),
                      .eps = 1e-6F,
                      .cosine = cosine,
                      .sine = sine,
                      .format = format,
                      .rows = View<std::byte, 2>(reinterpret_cast<std::byte*>(queries + tokens * heads * dim),
                                                 {tokens, format.row_bytes()})}});
      });
    }
}

TEST_P(FusedTest, IndexQueries) {
  for (const CacheStorage storage : {CacheStorage::released, CacheStorage::float32})
    for (const auto& [tokens, heads, dim] :
         {std::array<std::int64_t, 3>{1, 64, 128}, {9, 4, 64}, {2, 3, 32}, {1, 1, 256}}) {
      const Array<float> x = random.normals(tokens * heads * dim);
      const std::int64_t pairs = dim / 4;
      const Angles turn = angles(tokens, pairs);
      expect_same(x, std::to_string(dim), [&](Backend& with, Array<float>& result) {
        with.index_queries({.x = result.view<3>({tokens, heads, dim}),
                            .cosine = turn.cosine.view<2>({tokens, pairs}),
                            .sine = turn.sine.view<2>({tokens, pairs}),
                            .format = {.storage = storage, .index_dim = dim}});
      });
    }
}

TEST_P(FusedTest, CommitTails) {
  const std::int64_t columns = 6;
  const std::vector<fathom::Run> runs = {{.first_row = 0, .tokens = 3, .start = 5},
                                         {.first_row = 3, .tokens = 9, .start = 0}};
  const std::int64_t capacity = 4;
  const Array<float> kv = random.normals(12 * columns);
  const Array<float> gate = random.normals(12 * columns);
  const std::int64_t ring = capacity * columns;
  expect_same(random.normals(4 * ring), "tails", [&](Backend& with, Array<float>& rings) {
    const auto ring_at = [&](std::int64_t index) {
      return Ring{reinterpret_cast<std::byte*>(rings.data() + index * ring), capacity,
                  columns * static_cast<std::int64_t>(sizeof(float))};
    };
    const std::vector<Ring> kv_rings = {ring_at(0), ring_at(1)};
    const std::vector<Ring> gate_rings = {ring_at(2), ring_at(3)};
    with.commit_tails({.kv = kv.view<2>({12, columns}),
                       .gate = gate.view<2>({12, columns}),
                       .runs = runs,
                       .kv_rings = kv_rings,
                       .gate_rings = gate_rings});
  });
}

// On tensor cores SwiGLU's rows never are float32: near the definition, not equal.
TEST_P(FusedTest, SharedExpertAddsToWhatIsThere) {
  for (const WeightFormat format : kFormats)
    for (const std::int64_t tokens : {1, 5, 90}) {
      const std::int64_t channels = 192;
      const std::int64_t dim = 136;
      const TestWeight w1(shape(format, dim, channels), random);
      const TestWeight w2(shape(format, channels, dim), random);
      const TestWeight w3(shape(format, dim, channels), random);
      const Array<float> x = random.normals(tokens * channels);
      const Array<float> before = random.normals(tokens * channels);
      const auto run = [&](Backend& with, Array<float>& out) {
        Arena arena(host_allocator());
        const ExpertWeights weights{with.prepare(w1.view()), with.prepare(w2.view()), with.prepare(w3.view())};
        with.shared_expert({.x = x.view<2>({tokens, channels}),
                            .weights = weights,
                            .limit = 2.0F,
                            .arena = arena,
                            .out = out.view<2>({tokens, channels})});
      };
      if (std::string_view(GetParam()) != "cuda_tensor_cores") {
        expect_same(before, w1.shape().name(), run);
        continue;
      }
      Definitions definitions(*backend);
      Array<float> found(before.size());
      Array<float> expected(before.size());
      std::copy_n(before.data(), before.size(), found.data());
      std::copy_n(before.data(), before.size(), expected.data());
      run(*backend, found);
      run(definitions, expected);
      double largest = 0.0;
      for (const float value : expected.span()) largest = std::max(largest, std::fabs(static_cast<double>(value)));
      for (std::int64_t index = 0; index < expected.size(); ++index)
        ASSERT_NEAR(found[index], expected[index], 2e-6 * largest) << w1.shape().name() << ", element " << index;
    }
}

// What slots leave is summed where it is mixed in, for many tokens on tensor cores.
TEST_P(FusedTest, FeedForwardIsItsParts) {
  for (const WeightFormat format : {WeightFormat::bf16, WeightFormat::fp4_group})
    for (const auto& [tokens, streams, shared] :
         {std::tuple<std::int64_t, std::int64_t, bool>{1, 4, true}, {70, 4, true}, {66, 3, true}, {70, 4, false}}) {
      constexpr std::int64_t kExperts = 5;
      constexpr std::int64_t kSelected = 3;
      const std::int64_t channels = 192;
      const std::int64_t dim = 96;
      const Array<float> x = random.normals(tokens * channels);
      const Array<float> route = random.normals(tokens * kSelected);
      const Array<float> post = random.normals(tokens * streams);
      const Array<float> comb = random.normals(tokens * streams * streams);
      Array<std::int32_t> selected(tokens * kSelected);
      for (std::int64_t slot = 0; slot < selected.size(); ++slot)
        selected[slot] = static_cast<std::int32_t>((slot % kSelected + slot / kSelected) % kExperts);
      std::deque<TestWeight> weights;
      const auto prepared = [&](std::int64_t out_rows, std::int64_t in) {
        return backend->prepare(weights.emplace_back(shape(format, out_rows, in), random).view());
      };
      std::vector<ExpertWeights> experts;
      for (std::int64_t expert = 0; expert <= kExperts; ++expert)  // and the shared one
        experts.push_back({prepared(dim, channels), prepared(channels, dim), prepared(dim, channels)});
      const Array<float> before = random.normals(tokens * streams * channels);
      const auto run = [&](bool fused, std::int64_t offset) {
        Arena arena(host_allocator());
        Array<float> mixed(before.size(), offset);
        std::copy_n(before.data(), before.size(), mixed.data());
        const Array<float> out(tokens * channels, offset);
        const auto rows = x.view<2>({tokens, channels});
        const ExpertsArgs of_experts = {.x = rows,
                                        .selected = selected.view<2>({tokens, kSelected}),
                                        .weights = route.view<2>({tokens, kSelected}),
                                        .experts = std::span(experts).first(kExperts),
                                        .limit = 2.0F,
                                        .arena = arena,
                                        .out = out.view<2>({tokens, channels})};
        const ExpandStreamsArgs into = {.y = out.view<2>({tokens, channels}),
                                        .post = post.view<2>({tokens, streams}),
                                        .comb = comb.view<3>({tokens, streams, streams}),
                                        .streams = mixed.view<3>({tokens, streams, channels})};
        const ExpertWeights none;
        if (fused) {
          backend->feed_forward({.experts = of_experts, .shared = shared ? experts.back() : none, .into = into});
          return copy_of(mixed);
        }
        backend->experts(of_experts);
        if (shared)
          backend->shared_expert({.x = rows,
                                  .weights = experts.back(),
                                  .limit = 2.0F,
                                  .arena = arena,
                                  .out = out.view<2>({tokens, channels})});
        backend->expand_streams(into);
        return copy_of(mixed);
      };
      for (const std::int64_t offset : {1, 4})  // off a boundary of sixteen bytes, and on it
        expect_same_bits(run(true, offset), run(false, offset), std::to_string(tokens) + " tokens");
    }
}

TEST_P(FusedTest, NothingIsNoWork) {
  const auto weight = backend->prepare(TestWeight(shape(WeightFormat::bf16, 4, 8), random).view());
  const LinearOutput output{.weight = *weight, .out = View<float, 2>(nullptr, {0, 4})};
  backend->linears({.x = View<const float, 2>(nullptr, {0, 8}), .outputs = {&output, 1}});
  backend->linears({.x = View<const float, 2>(nullptr, {0, 8}), .outputs = {}});
}

TEST_P(FusedTest, WrongShapesAreNamedWithBothValues) {
  const TestWeight given(shape(WeightFormat::bf16, 4, 8), random);
  const auto weight = backend->prepare(given.view());
  const Array<float> x(9);
  Array<float> out(4);
  const LinearOutput output{.weight = *weight, .out = out.view<2>({1, 4})};
  expect_names(fault_of([&] { backend->linears({.x = x.view<2>({1, 9}), .outputs = {&output, 1}}); }), {"9", "8"});
  const Array<float> cosine(4);
  expect_names(fault_of([&] {
                 backend->norm_rotate({.x = out.view<3>({1, 1, 4}),
                                       .weight = {},
                                       .eps = 0.0F,
                                       .cosine = cosine.view<2>({2, 2}),
                                       .sine = cosine.view<2>({2, 2})});
               }),
               {"2", "1"});
}

INSTANTIATE_TEST_SUITE_P(Backends, FusedTest, every_multiplier(), backend_name);

}  // namespace
}  // namespace fathom::op_test
