// The vector kernels and the plain loops are two readings of one arithmetic (Note [Rounded as released]): their bits
// are equal, on every instruction set.
#include "tests/ops/cache_support.h"
#include "tests/ops/weight_support.h"

namespace fathom::op_test {
namespace {

class ReleasedBitsTest : public OperationTest {
 protected:
  // What `call(backend, out)` writes, by both backends.
  template <typename Call>
  void expect_equal(std::int64_t size, const std::string& what, const Call& call) {
    const Array<float> expected(size);
    const Array<float> found(size);
    call(reference, expected);
    call(*backend, found);
    expect_same_bits(found, expected, what);
  }

  ReferenceBackend reference;
};

TEST_P(ReleasedBitsTest, Products) {
  for (const WeightShape& shape : weight_shapes(43, 290)) {
    const TestWeight weight(shape, random);
    const Array<float> x = random.normals(7 * shape.in);
    for (const std::int64_t rows : {1, 7})
      expect_equal(rows * 43, shape.name(), [&](Backend& with, const Array<float>& out) {
        const auto prepared = with.prepare(weight.view());
        with.linear({.weight = *prepared,
                     .x = View<const float, 2>(x.data(), {rows, shape.in}),
                     .out = out.view<2>({rows, 43})});
      });
  }
}

TEST_P(ReleasedBitsTest, Rows) {
  for (const std::int64_t dim : {1, 6, 8, 16, 37, 64, 512, 600, 4096}) {
    const Array<float> x = random.normals(3 * dim);
    const Array<float> weight = random.normals(dim);
    expect_equal(3 * dim, "rms_norm " + std::to_string(dim), [&](Backend& with, const Array<float>& out) {
      with.rms_norm(
          {.x = x.view<2>({3, dim}), .weight = weight.view<1>({dim}), .eps = 1e-6F, .out = out.view<2>({3, dim})});
    });
    if ((dim & (dim - 1)) == 0)
      expect_equal(3 * dim, "hadamard " + std::to_string(dim), [&](Backend& with, const Array<float>& out) {
        std::copy_n(x.data(), x.size(), out.data());
        with.hadamard({.x = out.view<2>({3, dim})});
      });
    if (dim % 2 == 0)
      expect_equal(3 * dim, "rotate " + std::to_string(dim), [&](Backend& with, const Array<float>& out) {
        const std::vector<std::int64_t> positions = {0, 77, 1000003};
        const std::int64_t pairs = dim / 2;
        const Array<float> cosine(3 * pairs);
        const Array<float> sine(3 * pairs);
        with.rotary_table({.positions = positions,
                           .frequencies = weight.view<1>({dim}).rows(0, pairs),
                           .cosine = cosine.view<2>({3, pairs}),
                           .sine = sine.view<2>({3, pairs})});
        std::copy_n(x.data(), x.size(), out.data());
        with.rotate({.x = out.view<3>({3, 1, dim}),
                     .cosine = cosine.view<2>({3, pairs}),
                     .sine = sine.view<2>({3, pairs}),
                     .inverse = true});
      });
    expect_equal(3 * dim, "swiglu " + std::to_string(dim), [&](Backend& with, const Array<float>& out) {
      with.swiglu({.gate = x.view<2>({3, dim}),
                   .up = x.view<2>({3, dim}),
                   .limit = 1.5F,
                   .weight = weight.view<1>({dim}).rows(0, dim < 3 ? 0 : 3),
                   .out = out.view<2>({3, dim})});
    });
  }
}

TEST_P(ReleasedBitsTest, Routing) {
  const Array<float> logits = random.normals(20 * 64, 5.0F);
  const Array<float> bias = random.normals(64, 0.2F);
  const Array<std::int32_t> hash(64);
  for (std::int32_t index = 0; index < 64; ++index) hash[index] = (index * 37 + 11) % 64;
  const std::vector<std::int32_t> ids = {15, 0, 3, 3, 7, 9, 1, 2, 4, 5, 6, 8, 10, 11, 12, 13, 14, 15, 0, 1};
  for (const bool hashed : {false, true})
    expect_equal(20 * 4, hashed ? "hashed" : "scored", [&](Backend& with, const Array<float>& out) {
      const Array<std::int32_t> selected(20 * 4);
      with.route({.logits = logits.view<2>({20, 64}),
                  .bias = hashed ? View<const float, 1>() : View<const float, 1>(bias.view<1>({64})),
                  .hash = hashed ? View<const std::int32_t, 2>(hash.view<2>({16, 4})) : View<const std::int32_t, 2>(),
                  .ids = ids,
                  .route_scale = 2.5F,
                  .selected = selected.view<2>({20, 4}),
                  .weights = out.view<2>({20, 4})});
      for (const std::int32_t expert : selected.span()) ASSERT_LT(expert, 64);
    });
}

TEST_P(ReleasedBitsTest, HyperConnections) {
  for (const std::int64_t channels : {5, 64, 1031}) {
    const Array<float> x = random.normals(3 * 4 * channels);
    const Array<float> mix = random.normals(3 * 24, 2.0F);
    const Array<float> base = random.normals(24);
    const Array<float> y = random.normals(3 * channels);
    expect_equal(3 * (4 + 4 + 16 + 5 * channels), "hyper-connections", [&](Backend& with, const Array<float>& out) {
      const auto part = [&](std::int64_t first, std::int64_t count) {
        return out.view<1>({out.size()}).rows(first, count);
      };
      const auto pre = part(0, 12).reshape<2>({3, 4});
      const auto post = part(12, 12).reshape<2>({3, 4});
      const auto comb = part(24, 48).reshape<3>({3, 4, 4});
      const auto streams = part(72, 12 * channels).reshape<3>({3, 4, channels});
      with.hyper_connection_gates({.streams = x.view<3>({3, 4, channels}),
                                   .mix = mix.view<2>({3, 24}),
                                   .scale = base.view<1>({24}).rows(0, 3),
                                   .base = base.view<1>({24}),
                                   .iterations = 20,
                                   .eps = 1e-6F,
                                   .norm_eps = 1e-6F,
                                   .pre = pre,
                                   .post = post,
                                   .comb = comb});
      std::copy_n(x.data(), x.size(), streams.data());
      with.collapse_streams(
          {.streams = streams, .pre = pre, .out = part(72 + 12 * channels, 3 * channels).reshape<2>({3, channels})});
      with.expand_streams({.y = y.view<2>({3, channels}), .post = post, .comb = comb, .streams = streams});
    });
  }
}

// Tokens whose gates are computed side by side: groups that are full, and that are not.
TEST_P(ReleasedBitsTest, GatesOfManyTokens) {
  constexpr std::int64_t kChannels = 9;
  for (const std::int64_t streams : {1, 3, 4, 5})
    for (const std::int64_t tokens : {0, 1, 8, 16, 19}) {
      const std::int64_t gates = (2 + streams) * streams;
      const Array<float> x = random.normals(tokens * streams * kChannels);
      const Array<float> mix = random.normals(tokens * gates, 20.0F);
      const Array<float> base = random.normals(gates);
      const std::string what = std::to_string(tokens) + " tokens of " + std::to_string(streams) + " streams";
      expect_equal(tokens * gates, what, [&](Backend& with, const Array<float>& out) {
        const auto part = [&](std::int64_t first, std::int64_t count) {
          return out.view<1>({out.size()}).rows(tokens * first, tokens * count);
        };
        with.hyper_connection_gates(
            {.streams = x.view<3>({tokens, streams, kChannels}),
             .mix = mix.view<2>({tokens, gates}),
             .scale = base.view<1>({gates}).rows(0, 3),
             .base = base.view<1>({gates}),
             .iterations = 20,
             .eps = 1e-6F,
             .norm_eps = 1e-6F,
             .pre = part(0, streams).reshape<2>({tokens, streams}),
             .post = part(streams, streams).reshape<2>({tokens, streams}),
             .comb = part(2 * streams, streams * streams).reshape<3>({tokens, streams, streams})});
      });
    }
}

TEST_P(ReleasedBitsTest, GatedPool) {
  for (const auto& [ratio, dim] : {std::pair<std::int64_t, std::int64_t>{4, 37}, {128, 37}, {128, 64}, {32, 96}}) {
    const bool overlap = ratio == 4;
    const std::int64_t columns = overlap ? 2 * dim : dim;
    const std::int64_t tokens = 300;
    const Array<float> kv = random.normals(tokens * columns);
    const Array<float> gate = random.normals(tokens * columns);
    const Array<float> ape = random.normals(ratio * columns);
    RingMemory memory(2 * ratio, columns * 4);
    const std::vector<fathom::Run> runs = {{0, tokens, 3}};
    const std::vector<Ring> rings = {memory.ring()};
    const std::int64_t entries = runs[0].new_entries(ratio);
    expect_equal(entries * dim, "ratio " + std::to_string(ratio), [&](Backend& with, const Array<float>& out) {
      with.gated_pool({.kv = kv.view<2>({tokens, columns}),
                       .gate = gate.view<2>({tokens, columns}),
                       .ape = ape.view<2>({ratio, columns}),
                       .ratio = ratio,
                       .overlap = overlap,
                       .runs = runs,
                       .kv_rings = rings,
                       .gate_rings = rings,
                       .out = out.view<2>({entries, dim})});
    });
  }
}

TEST_P(ReleasedBitsTest, TheIndexersChoiceAndAttention) {
  constexpr std::int64_t kTokens = 90;
  constexpr std::int64_t kTopK = 11;
  const IndexKeyFormat key_format{CacheStorage::released, 64};
  const EntryFormat format{CacheStorage::released, 72, 8};
  const std::vector<fathom::Run> runs = {{0, kTokens, 200}};
  PageMemory keys(100, 8, key_format.row_bytes());
  PageMemory entries(100, 8, format.row_bytes());
  for (std::int64_t entry = 0; entry < 100; ++entry) {
    const auto key = random_index_key(key_format, random);
    std::copy(key.begin(), key.end(), keys.row(entry).begin());
    const auto row = random_entry(format, random);
    std::copy(row.begin(), row.end(), entries.row(entry).begin());
  }
  const std::vector<PagedRows> key_rows = {keys.rows()};
  const std::vector<PagedRows> entry_rows = {entries.rows()};
  const Array<float> index_q = random.normals(kTokens * 6 * 64);
  const Array<float> weights = random.normals(kTokens * 6);
  const auto choose = [&](Backend& with) {
    Array<std::int32_t> selected(kTokens * kTopK);
    with.index_top_k({.q = index_q.view<3>({kTokens, 6, 64}),
                      .weights = weights.view<2>({kTokens, 6}),
                      .format = key_format,
                      .ratio = 4,
                      .runs = runs,
                      .keys = key_rows,
                      .selected = selected.view<2>({kTokens, kTopK})});
    return selected;
  };
  const Array<std::int32_t> selected = choose(reference);
  expect_same_bits(choose(*backend), selected, "selected");

  RingMemory ring(20, format.row_bytes());
  std::vector<std::vector<std::byte>> before;
  for (int position = 0; position < 200; ++position) before.push_back(random_entry(format, random));
  ring.fill(200, [&](std::int64_t position) { return before[position].data(); });
  const std::vector<Ring> rings = {ring.ring()};
  const Array<std::byte> fresh(kTokens * format.row_bytes());
  for (std::int64_t token = 0; token < kTokens; ++token) {
    const auto row = random_entry(format, random);
    std::copy(row.begin(), row.end(), fresh.data() + token * format.row_bytes());
  }
  const Array<float> q = random.normals(kTokens * 5 * 72);
  const Array<float> sink = random.normals(5);
  for (const EntryChoice choice : {EntryChoice::none, EntryChoice::all, EntryChoice::selected})
    expect_equal(kTokens * 5 * 72, "attention", [&](Backend& with, const Array<float>& out) {
      with.sparse_attention({.q = q.view<3>({kTokens, 5, 72}),
                             .format = format,
                             .window = 16,
                             .fresh = fresh.view<2>({kTokens, format.row_bytes()}),
                             .choice = choice,
                             .ratio = 4,
                             .selected = selected.view<2>({kTokens, kTopK}),
                             .sink = sink.view<1>({5}),
                             .scale = 0.12F,
                             .runs = runs,
                             .windows = rings,
                             .entries = entry_rows,
                             .out = out.view<3>({kTokens, 5, 72})});
    });
}

INSTANTIATE_TEST_SUITE_P(Targets, ReleasedBitsTest, and_cuda(and_narrower_targets({"cpu_2"})), backend_name);

}  // namespace
}  // namespace fathom::op_test
