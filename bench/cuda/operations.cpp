// Microseconds a call of the CUDA backend's operations at Flash's shapes, calls back to back on one stream: what a step
// is made of, products left out. Build the target bench_cuda_operations on a machine with nvcc; run it where a GPU is.
#include <chrono>
#include <deque>
#include <functional>
#include <random>
#include <vector>

#include "fathom/backends/cuda/cuda_backend.h"
#include "fathom/ops/downloaded.h"

namespace fathom {
namespace {

constexpr std::int64_t kHeads = 64;
constexpr std::int64_t kHeadDim = 512;
constexpr std::int64_t kChannels = 4096;
constexpr std::int64_t kStreams = 4;
constexpr std::int64_t kExperts = 256;
constexpr std::int64_t kWindow = 128;
constexpr std::int64_t kTopK = 512;
constexpr EntryFormat kEntry{CacheStorage::released, kHeadDim, 64};
constexpr IndexKeyFormat kKey{CacheStorage::released, 128};

class Bench {
 public:
  explicit Bench(Backend& backend) : backend_(backend), arena_(backend.allocator()) {}

  View<float, 1> normals(std::int64_t count) {
    std::vector<float> values(static_cast<std::size_t>(count));
    for (float& value : values) value = std::normal_distribution<float>()(random_);
    const auto view = arena_.take<float, 1>({count});
    backend_.upload(std::as_bytes(std::span(values)), reinterpret_cast<std::byte*>(view.data()));
    return view;
  }

  // A row of random numbers encoded, and copied to all rows: what is in them changes no time.
  std::byte* rows(std::int64_t count, std::int64_t row_bytes, const std::vector<std::byte>& row) {
    std::vector<std::byte> all;
    for (std::int64_t index = 0; index < count; ++index) all.insert(all.end(), row.begin(), row.end());
    const auto view = arena_.take<std::byte, 1>({count * row_bytes});
    backend_.upload(all, view.data());
    return view.data();
  }
  std::vector<std::byte> entry() {
    std::vector<float> values(static_cast<std::size_t>(kHeadDim));
    for (float& value : values) value = std::normal_distribution<float>()(random_);
    std::vector<std::byte> row(static_cast<std::size_t>(kEntry.row_bytes()));
    encode_entry(kEntry, values, row);
    return row;
  }
  std::vector<std::byte> key() {
    std::vector<float> values(128);
    for (float& value : values) value = std::normal_distribution<float>()(random_);
    std::vector<std::byte> row(static_cast<std::size_t>(kKey.row_bytes()));
    encode_index_key(kKey, values, row);
    return row;
  }

  void report(const char* what, const std::function<void()>& call, int calls = 200) {
    const auto probe = arena_.take<float, 1>({1});
    for (int turn = 0; turn < 3; ++turn) call();
    downloaded(backend_, probe);
    const auto start = std::chrono::steady_clock::now();
    for (int turn = 0; turn < calls; ++turn) call();
    downloaded(backend_, probe);
    const std::chrono::duration<double, std::micro> time = std::chrono::steady_clock::now() - start;
    fmt::print("{:<44} {:>10.1f} us\n", what, time.count() / calls);
  }

  Backend& backend_;
  Arena arena_;
  std::mt19937_64 random_{1};
};

void time_attention(Bench& bench, const char* what, std::int64_t tokens, EntryChoice choice, std::int64_t position,
                    std::int64_t ratio, int calls = 200) {
  const std::int64_t visible = choice == EntryChoice::none ? 1 : (position + tokens) / ratio;
  std::byte* entries = bench.rows(visible, kEntry.row_bytes(), bench.entry());
  std::vector<std::byte*> pages;
  const std::int64_t rows_per_page = 128 / ratio > 0 ? 128 / ratio : 1;
  for (std::int64_t page = 0; page * rows_per_page < visible; ++page)
    pages.push_back(entries + page * rows_per_page * kEntry.row_bytes());
  std::vector<std::int32_t> selected;
  for (std::int64_t token = 0; token < tokens; ++token)
    for (std::int64_t slot = 0; slot < kTopK; ++slot)
      selected.push_back(static_cast<std::int32_t>((slot * 7919 + token) % ((position + token + 1) / ratio)));
  const auto chosen = bench.arena_.take<std::int32_t, 2>({tokens, kTopK});
  bench.backend_.upload(std::as_bytes(std::span(selected)), reinterpret_cast<std::byte*>(chosen.data()));
  const auto q = bench.normals(tokens * kHeads * kHeadDim);
  const auto sink = bench.normals(kHeads);
  const auto out = bench.normals(tokens * kHeads * kHeadDim);
  const std::byte* fresh = bench.rows(tokens, kEntry.row_bytes(), bench.entry());
  const std::vector<Run> runs = {{0, tokens, position}};
  const std::vector<Ring> rings = {
      {bench.rows(kWindow, kEntry.row_bytes(), bench.entry()), kWindow, kEntry.row_bytes()}};
  const std::vector<PagedRows> paged = {{pages.data(), rows_per_page, 0, kEntry.row_bytes()}};
  bench.report(
      what,
      [&] {
        bench.backend_.sparse_attention({.q = q.reshape<3>({tokens, kHeads, kHeadDim}),
                                         .format = kEntry,
                                         .window = kWindow,
                                         .fresh = {fresh, {tokens, kEntry.row_bytes()}},
                                         .choice = choice,
                                         .ratio = ratio,
                                         .selected = chosen,
                                         .sink = sink,
                                         .scale = 0.044194173F,
                                         .runs = runs,
                                         .windows = rings,
                                         .entries = paged,
                                         .out = out.reshape<3>({tokens, kHeads, kHeadDim})});
      },
      calls);
}

void time_index(Bench& bench, const char* what, std::int64_t tokens, std::int64_t visible, int calls = 200) {
  std::byte* keys = bench.rows(visible, kKey.row_bytes(), bench.key());
  std::vector<std::byte*> pages;
  for (std::int64_t page = 0; page * 32 < visible; ++page) pages.push_back(keys + page * 32 * kKey.row_bytes());
  const auto q = bench.normals(tokens * kHeads * 128);
  bench.backend_.round_index({.x = q.reshape<2>({tokens * kHeads, 128}), .format = kKey});
  const auto weights = bench.normals(tokens * kHeads);
  const auto selected = bench.arena_.take<std::int32_t, 2>({tokens, kTopK});
  const std::vector<Run> runs = {{0, tokens, visible * 4 - tokens}};
  const std::vector<PagedRows> paged = {{pages.data(), 32, 0, kKey.row_bytes()}};
  bench.report(
      what,
      [&] {
        bench.backend_.index_top_k({.q = q.reshape<3>({tokens, kHeads, 128}),
                                    .weights = weights.reshape<2>({tokens, kHeads}),
                                    .format = kKey,
                                    .ratio = 4,
                                    .runs = runs,
                                    .keys = paged,
                                    .selected = selected});
      },
      calls);
}

void time_rows(Bench& bench, std::int64_t tokens) {
  fmt::print("{} token(s)\n", tokens);
  const auto streams = bench.normals(tokens * kStreams * kChannels).reshape<3>({tokens, kStreams, kChannels});
  const auto mix = bench.normals(tokens * 24).reshape<2>({tokens, 24});
  const auto base = bench.normals(24);
  const auto pre = bench.normals(tokens * 4).reshape<2>({tokens, 4});
  const auto post = bench.normals(tokens * 4).reshape<2>({tokens, 4});
  const auto comb = bench.normals(tokens * 16).reshape<3>({tokens, 4, 4});
  const auto x = bench.normals(tokens * kChannels).reshape<2>({tokens, kChannels});
  const auto weight = bench.normals(kChannels);
  const auto q = bench.normals(tokens * kHeads * kHeadDim);
  const auto logits = bench.normals(tokens * kExperts).reshape<2>({tokens, kExperts});
  const auto selected = bench.arena_.take<std::int32_t, 2>({tokens, 6});
  const auto weights = bench.arena_.take<float, 2>({tokens, 6});
  Backend& backend = bench.backend_;
  bench.report("hyper_connection_gates", [&] {
    backend.hyper_connection_gates({.streams = streams,
                                    .mix = mix,
                                    .scale = base.rows(0, 3),
                                    .base = base,
                                    .iterations = 20,
                                    .eps = 1e-6F,
                                    .norm_eps = 1e-6F,
                                    .pre = pre,
                                    .post = post,
                                    .comb = comb});
  });
  bench.report("collapse_streams", [&] { backend.collapse_streams({.streams = streams, .pre = pre, .out = x}); });
  bench.report("expand_streams",
               [&] { backend.expand_streams({.y = x, .post = post, .comb = comb, .streams = streams}); });
  bench.report("rms_norm of 4,096", [&] { backend.rms_norm({.x = x, .weight = weight, .eps = 1e-6F, .out = x}); });
  const auto heads = q.reshape<2>({tokens * kHeads, kHeadDim});
  bench.report("rms_norm of 64 heads of 512",
               [&] { backend.rms_norm({.x = heads, .weight = {}, .eps = 1e-6F, .out = heads}); });
  bench.report("route, 6 of 256", [&] {
    backend.route({.logits = logits,
                   .bias = weight.rows(0, kExperts),
                   .hash = {},
                   .ids = {},
                   .route_scale = 1.5F,
                   .selected = selected,
                   .weights = weights});
  });
}

void run_attention(CudaProducts products) {
  fmt::print("attention, window 128, 64 heads, {}\n", products == CudaProducts::fp8 ? "fp8" : "float32");
  const auto rounding = make_cuda_backend({.products = products});
  Bench bench(*rounding);
  time_attention(bench, "1 token, window alone", 1, EntryChoice::none, 8192, 4);
  time_attention(bench, "1 token, 512 selected", 1, EntryChoice::selected, 8192, 4);
  time_attention(bench, "1 token, all of 64 entries (8 K)", 1, EntryChoice::all, 8192, 128);
  time_attention(bench, "1 token, all of 8,192 entries (1 M)", 1, EntryChoice::all, 1'048'574, 128);
  time_attention(bench, "32 tokens, 512 selected", 32, EntryChoice::selected, 8192, 4);
  time_attention(bench, "1,024 tokens, 512 selected", 1024, EntryChoice::selected, 8192, 4, 10);
  time_attention(bench, "1,024 tokens, all of 64 entries (8 K)", 1024, EntryChoice::all, 8192, 128, 10);
  time_attention(bench, "1,024 tokens, window alone", 1024, EntryChoice::none, 8192, 4, 10);
}

void run() {
  const auto backend = make_cuda_backend({});
  {
    Bench bench(*backend);
    time_rows(bench, 1);
  }
  {
    Bench bench(*backend);
    time_rows(bench, 1024);
  }
  run_attention(CudaProducts::float32);
  run_attention(CudaProducts::fp8);
  fmt::print("the indexer's choice\n");
  {
    Bench bench(*backend);
    time_index(bench, "1 token, 512 of 1,024 (4 K)", 1, 1024);
    time_index(bench, "1 token, 512 of 2,048 (8 K)", 1, 2048);
    time_index(bench, "1 token, 512 of 32,768 (128 K)", 1, 32'768);
    time_index(bench, "1 token, 512 of 262,144 (1 M)", 1, 262'144);
    time_index(bench, "1,024 tokens, 512 of 2,048", 1024, 2048, 10);
  }
}

}  // namespace
}  // namespace fathom

// With an argument, attention of fp8 alone.
int main(int count, char**) {
  try {
    count > 1 ? fathom::run_attention(fathom::CudaProducts::fp8) : fathom::run();
    return 0;
  } catch (const std::exception& error) {
    fmt::print(stderr, "{}\n", error.what());
    return 1;
  }
}
