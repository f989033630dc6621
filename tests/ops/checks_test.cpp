// The door: a wrong shape is our fault and names both values, before any kernel reads a byte.
#include "tests/ops/cache_support.h"

namespace fathom::op_test {
namespace {

class ChecksTest : public OperationTest {
 protected:
  // Views whose memory nobody may touch.
  template <typename T = float, std::size_t Rank>
  static View<T, Rank> shape(const std::array<std::int64_t, Rank>& extents) {
    return View<T, Rank>(nullptr, extents);
  }
  std::unique_ptr<PreparedWeight> weight(std::int64_t out, std::int64_t in) {
    bytes_.emplace_back(static_cast<std::size_t>(out * in * 4));
    return backend->prepare({.format = WeightFormat::f32, .out = out, .in = in, .data = bytes_.back(), .scale = {}});
  }
  std::unique_ptr<PreparedWeight> table(std::int64_t out, std::int64_t in) {
    bytes_.emplace_back(static_cast<std::size_t>(out * in * 4));
    return backend->prepare_table(
        {.format = WeightFormat::f32, .out = out, .in = in, .data = bytes_.back(), .scale = {}});
  }

 private:
  std::deque<std::vector<std::byte>> bytes_;
};

TEST_P(ChecksTest, Products) {
  const auto prepared = weight(12, 7);
  const auto rows = table(12, 7);
  const std::vector<std::int32_t> ids = {1, 2};
  Backend& with = *backend;
  expect_names(
      fault_of([&] {
        with.linear({.weight = *prepared, .x = shape<const float, 2>({3, 8}), .out = shape<float, 2>({3, 12})});
      }),
      {"8", "7"});
  expect_names(
      fault_of([&] {
        with.linear({.weight = *prepared, .x = shape<const float, 2>({3, 7}), .out = shape<float, 2>({3, 11})});
      }),
      {"11", "12"});
  expect_names(
      fault_of([&] {
        with.linear({.weight = *prepared, .x = shape<const float, 2>({3, 7}), .out = shape<float, 2>({4, 12})});
      }),
      {"4", "3"});
  expect_names(fault_of([&] {
                 with.grouped_linear(
                     {.weight = *prepared, .x = shape<const float, 3>({2, 5, 7}), .out = shape<float, 3>({2, 5, 2})});
               }),
               {"groups"});
  expect_names(fault_of([&] {
                 with.grouped_linear(
                     {.weight = *prepared, .x = shape<const float, 3>({2, 3, 7}), .out = shape<float, 3>({2, 3, 5})});
               }),
               {"5", "4"});
  expect_names(fault_of([&] {
                 with.embed({.table = *rows, .ids = ids, .streams = shape<float, 3>({3, 4, 7})});
               }),
               {"2", "3"});
  expect_names(fault_of([&] {
                 with.embed({.table = *rows, .ids = ids, .streams = shape<float, 3>({2, 4, 6})});
               }),
               {"7", "6"});
}

TEST_P(ChecksTest, RowOperations) {
  Backend& with = *backend;
  expect_names(
      fault_of([&] {
        with.rms_norm({.x = shape<const float, 2>({2, 9}), .weight = {}, .eps = 0, .out = shape<float, 2>({2, 8})});
      }),
      {"8", "9"});
  const Array<float> nine(9);
  expect_names(fault_of([&] {
                 with.rms_norm({.x = shape<const float, 2>({2, 8}),
                                .weight = nine.view<1>({9}),
                                .eps = 0,
                                .out = shape<float, 2>({2, 8})});
               }),
               {"9", "8"});
  const std::vector<std::int64_t> positions = {1, 2, 3};
  expect_names(fault_of([&] {
                 with.rotary_table({.positions = positions,
                                    .frequencies = nine.view<1>({9}),
                                    .cosine = shape<float, 2>({3, 8}),
                                    .sine = shape<float, 2>({3, 9})});
               }),
               {"8", "9"});
  expect_names(fault_of([&] {
                 with.rotate({.x = shape<float, 3>({4, 1, 8}),
                              .cosine = shape<const float, 2>({3, 2}),
                              .sine = shape<const float, 2>({3, 2})});
               }),
               {"3", "4"});
  expect_names(fault_of([&] {
                 with.rotate({.x = shape<float, 3>({3, 1, 8}),
                              .cosine = shape<const float, 2>({3, 5}),
                              .sine = shape<const float, 2>({3, 5})});
               }),
               {"rope_dim"});
  expect_names(fault_of([&] { with.hadamard({.x = shape<float, 2>({3, 24})}); }), {"power of two"});
  expect_names(fault_of([&] {
                 with.round_index({.x = shape<float, 2>({3, 24}), .format = {CacheStorage::released, 32}});
               }),
               {"24", "32"});
  expect_names(fault_of([&] {
                 with.swiglu({.gate = shape<const float, 2>({3, 4}),
                              .up = shape<const float, 2>({3, 5}),
                              .limit = 1,
                              .weight = {},
                              .out = shape<float, 2>({3, 4})});
               }),
               {"5", "4"});
  expect_names(fault_of([&] {
                 with.swiglu({.gate = shape<const float, 2>({3, 4}),
                              .up = shape<const float, 2>({3, 4}),
                              .limit = 1,
                              .weight = nine.view<1>({9}),
                              .out = shape<float, 2>({3, 4})});
               }),
               {"9", "3"});
  expect_names(fault_of([&] {
                 with.add({.x = shape<const float, 2>({3, 4}), .out = shape<float, 2>({2, 4})});
               }),
               {"3", "2"});
}

TEST_P(ChecksTest, Runs) {
  Backend& with = *backend;
  RingMemory memory(4, 8);
  const std::vector<Ring> rings = {memory.ring()};
  const std::vector<Ring> wrong = {{.rows = memory.ring().rows, .capacity = 4, .row_bytes = 12}};
  const auto commit = [&](std::vector<fathom::Run> runs, std::span<const Ring> into) {
    return fault_of([&] {
      with.commit_rows({.rows = shape<const std::byte, 2>({3, 8}), .runs = runs, .rings = into});
    });
  };
  expect_names(commit({{0, 2, 0}}, rings), {"2", "3"});
  expect_names(commit({{1, 3, 0}}, rings), {"1", "0"});
  expect_names(commit({{0, 3, -1}}, rings), {"position"});
  expect_names(commit({{0, 0, 0}}, rings), {"tokens"});
  expect_names(commit({{0, 3, 0}}, wrong), {"12", "8"});
  expect_names(commit({{0, 1, 0}, {1, 2, 0}}, rings), {"1", "2"});
}

TEST_P(ChecksTest, Cache) {
  Backend& with = *backend;
  const EntryFormat entry{CacheStorage::released, 512, 64};
  const IndexKeyFormat key{CacheStorage::released, 128};
  const std::vector<fathom::Run> runs = {{0, 8, 0}};
  PageMemory memory(4, 2, 584);
  const std::vector<PagedRows> pages = {memory.rows()};
  expect_names(fault_of([&] {
                 with.encode_entries(
                     {.format = entry, .x = shape<const float, 2>({2, 512}), .rows = shape<std::byte, 2>({2, 583})});
               }),
               {"583", "584"});
  expect_names(
      fault_of([&] {
        with.store_entries(
            {.format = entry, .x = shape<const float, 2>({1, 512}), .ratio = 4, .runs = runs, .entries = pages});
      }),
      {"1", "2"});
  expect_names(
      fault_of([&] {
        with.store_entries(
            {.format = entry, .x = shape<const float, 2>({2, 512}), .ratio = 0, .runs = runs, .entries = pages});
      }),
      {"ratio"});
  expect_names(fault_of([&] {
                 with.store_index_keys(
                     {.format = key, .x = shape<const float, 2>({2, 128}), .ratio = 4, .runs = runs, .keys = pages});
               }),
               {"584", "68"});
  expect_names(fault_of([&] {
                 with.index_top_k({.q = shape<const float, 3>({8, 2, 64}),
                                   .weights = shape<const float, 2>({8, 2}),
                                   .format = key,
                                   .ratio = 4,
                                   .runs = runs,
                                   .keys = pages,
                                   .selected = shape<std::int32_t, 2>({8, 2})});
               }),
               {"64", "128"});
  RingMemory small(7, 16);
  const std::vector<Ring> rings = {small.ring()};
  const Array<float> ape(16);
  const auto pool = [&](std::int64_t dim) {
    return fault_of([&] {
      with.gated_pool({.kv = shape<const float, 2>({8, 4}),
                       .gate = shape<const float, 2>({8, 4}),
                       .ape = ape.view<2>({4, 4}),
                       .ratio = 4,
                       .overlap = true,
                       .runs = runs,
                       .kv_rings = rings,
                       .gate_rings = rings,
                       .out = shape<float, 2>({2, dim})});
    });
  };
  expect_names(pool(3), {"4", "6"});
  expect_names(pool(2), {"ring"});
}

TEST_P(ChecksTest, Attention) {
  Backend& with = *backend;
  const EntryFormat format{CacheStorage::float32, 8, 2};
  const std::vector<fathom::Run> runs = {{0, 2, 0}};
  RingMemory memory(4, 32);
  const std::vector<Ring> rings = {memory.ring()};
  const Array<float> sink(3);
  const auto attend = [&](std::int64_t heads, std::int64_t window, std::int64_t row_bytes, EntryChoice choice) {
    return fault_of([&] {
      with.sparse_attention({.q = shape<const float, 3>({2, heads, 8}),
                             .format = format,
                             .window = window,
                             .fresh = shape<const std::byte, 2>({2, row_bytes}),
                             .choice = choice,
                             .ratio = 4,
                             .selected = {},
                             .sink = sink.view<1>({3}),
                             .scale = 1.0F,
                             .runs = runs,
                             .windows = rings,
                             .entries = {},
                             .out = shape<float, 3>({2, heads, 8})});
    });
  };
  expect_names(attend(4, 4, 32, EntryChoice::none), {"3", "4"});
  expect_names(attend(3, 5, 32, EntryChoice::none), {"window"});
  expect_names(attend(3, 0, 32, EntryChoice::none), {"window"});
  expect_names(attend(3, 4, 31, EntryChoice::none), {"31", "32"});
  expect_names(attend(3, 4, 32, EntryChoice::all), {"0", "1"});  // no pages for one run
}

TEST_P(ChecksTest, HyperConnectionsAndRouting) {
  Backend& with = *backend;
  const Array<float> some(24);
  expect_names(fault_of([&] {
                 with.hyper_connection_gates({.streams = shape<const float, 3>({2, 4, 8}),
                                              .mix = shape<const float, 2>({2, 23}),
                                              .scale = some.view<1>({24}).rows(0, 3),
                                              .base = some.view<1>({24}),
                                              .iterations = 20,
                                              .pre = shape<float, 2>({2, 4}),
                                              .post = shape<float, 2>({2, 4}),
                                              .comb = shape<float, 3>({2, 4, 4})});
               }),
               {"23", "24"});
  expect_names(fault_of([&] {
                 with.hyper_connection_head({.streams = shape<const float, 3>({2, 4, 8}),
                                             .mix = shape<const float, 2>({2, 4}),
                                             .scale = some.view<1>({24}).rows(0, 3),
                                             .base = some.view<1>({24}).rows(0, 4),
                                             .pre = shape<float, 2>({2, 4})});
               }),
               {"3", "1"});
  expect_names(fault_of([&] {
                 with.collapse_streams({.streams = shape<const float, 3>({2, 4, 8}),
                                        .pre = shape<const float, 2>({2, 5}),
                                        .out = shape<float, 2>({2, 8})});
               }),
               {"5", "4"});
  expect_names(fault_of([&] {
                 with.expand_streams({.y = shape<const float, 2>({2, 8}),
                                      .post = shape<const float, 2>({2, 4}),
                                      .comb = shape<const float, 3>({2, 4, 3}),
                                      .streams = shape<float, 3>({2, 4, 8})});
               }),
               {"3", "4"});
  const auto route = [&](std::int64_t selected, std::int64_t bias) {
    return fault_of([&] {
      with.route({.logits = shape<const float, 2>({2, 8}),
                  .bias = some.view<1>({24}).rows(0, bias),
                  .hash = {},
                  .ids = {},
                  .selected = shape<std::int32_t, 2>({2, selected}),
                  .weights = shape<float, 2>({2, selected})});
    });
  };
  expect_names(route(9, 8), {"experts"});
  expect_names(route(0, 8), {"experts"});
  expect_names(route(2, 7), {"7", "8"});
  Arena arena(host_allocator());
  expect_names(fault_of([&] {
                 with.experts({.x = shape<const float, 2>({2, 8}),
                               .selected = shape<const std::int32_t, 2>({2, 3}),
                               .weights = shape<const float, 2>({2, 2}),
                               .experts = {},
                               .limit = 0,
                               .arena = arena,
                               .out = shape<float, 2>({2, 8})});
               }),
               {"2", "3"});
}

INSTANTIATE_TEST_SUITE_P(Backends, ChecksTest, every_backend(), backend_name);

}  // namespace
}  // namespace fathom::op_test
