// Kernels for many rows beside those for few: every row has the bits that it has among few others.
#include <gtest/gtest.h>

#include <bit>
#include <cstring>
#include <functional>
#include <random>

#include "fathom/backends/cuda/cuda_backend.h"
#include "fathom/backends/reference/reference_backend.h"
#include "fathom/ops/downloaded.h"

namespace fathom {
namespace {

class ManyRowsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    const std::string obstacle = cuda_obstacle({});
    if (!obstacle.empty()) GTEST_SKIP() << obstacle;
    cuda_ = make_cuda_backend({});
    arena_ = std::make_unique<Arena>(cuda_->allocator());
  }

  std::vector<float> normals(std::int64_t count) {
    std::vector<float> values(static_cast<std::size_t>(count));
    for (float& value : values) value = std::normal_distribution<float>()(random_);
    return values;
  }
  template <typename T>
  T* on_device(const std::vector<T>& values) {
    T* device = arena_->take<T, 1>({std::ssize(values)}).data();
    cuda_->upload(std::as_bytes(std::span(values)), reinterpret_cast<std::byte*>(device));
    return device;
  }
  template <typename T>
  std::vector<T> from_device(const T* values, std::int64_t count) {
    return downloaded(*cuda_, View<const T, 1>(values, {count}));
  }

  // `run` writes `count` rows of `width` values, those from `first` on; whole, and in pieces of `few`.
  void expect_same_rows(std::int64_t rows, std::int64_t width, std::int64_t few,
                        const std::function<void(std::int64_t first, std::int64_t count, float* out)>& run) {
    const std::vector<float> zeros(static_cast<std::size_t>(rows * width));
    float* whole = on_device(zeros);
    float* pieces = on_device(zeros);
    run(0, rows, whole);
    for (std::int64_t first = 0; first < rows; first += few)
      run(first, std::min(few, rows - first), pieces + first * width);
    const std::vector<float> found = from_device<float>(whole, rows * width);
    const std::vector<float> expected = from_device<float>(pieces, rows * width);
    for (std::size_t index = 0; index < found.size(); ++index)
      ASSERT_EQ(std::bit_cast<std::uint32_t>(found[index]), std::bit_cast<std::uint32_t>(expected[index]))
          << "row " << index / static_cast<std::size_t>(width) << ", value " << index % static_cast<std::size_t>(width);
    EXPECT_NE(found, zeros);
  }

  // Keys near and far, zeros, and queries on the grid and off it: the choice of many tokens is that of one at a time.
  void expect_same_choice(std::int64_t tokens, std::int64_t start, std::int64_t first_far) {
    const IndexKeyFormat format{CacheStorage::released, 128};
    constexpr std::int64_t kTopK = 64;
    constexpr std::int64_t kRowsPerPage = 32;
    const std::int64_t visible = (start + tokens) / 4;
    const std::int64_t row_bytes = format.row_bytes();
    ReferenceBackend reference;
    for (const std::int64_t heads : {64, 5})
      for (const std::int64_t far : {visible, first_far}) {  // keys from here on have groups that are far apart
        std::vector<std::byte> rows(static_cast<std::size_t>((visible + kRowsPerPage) * row_bytes));
        for (std::int64_t key = 0; key < visible; ++key) {
          std::vector<float> values = normals(128);
          if (key % 50 == 7) values.assign(128, 0.0F);
          if (key % 50 == 8) std::fill_n(values.begin() + 32, 32, 0.0F);
          if (key >= far) values[70] *= 300.0F;
          encode_index_key(
              format, values,
              std::span(rows).subspan(static_cast<std::size_t>(key * row_bytes), static_cast<std::size_t>(row_bytes)));
        }
        std::byte* device = on_device(rows);
        std::vector<std::byte*> pages;
        for (std::int64_t row = 0; row < visible; row += kRowsPerPage) pages.push_back(device + row * row_bytes);
        const std::vector<PagedRows> keys = {{pages.data(), kRowsPerPage, 0, row_bytes}};
        std::vector<float> q = normals(tokens * heads * 128);
        std::fill_n(q.begin() + 40 * heads * 128, 128, 0.0F);
        reference.round_index({.x = {q.data(), {tokens * heads, 128}}, .format = format});
        q[static_cast<std::size_t>((tokens - 20) * heads * 128 + 5)] += 0.01F;
        const float* queries = on_device(q);
        const float* weights = on_device(normals(tokens * heads));
        const auto choose = [&](std::int64_t first, std::int64_t count) {
          const View<std::int32_t, 2> selected(
              on_device(std::vector<std::int32_t>(static_cast<std::size_t>(count * kTopK))), {count, kTopK});
          const std::vector<fathom::Run> runs = {{0, count, start + first}};
          cuda_->index_top_k({.q = {queries + first * heads * 128, {count, heads, 128}},
                              .weights = {weights + first * heads, {count, heads}},
                              .format = format,
                              .ratio = 4,
                              .runs = runs,
                              .keys = keys,
                              .selected = selected});
          return downloaded(*cuda_, selected);
        };
        const std::vector<std::int32_t> all = choose(0, tokens);
        for (std::int64_t token = 0; token < tokens; ++token) {
          const std::vector<std::int32_t> alone = choose(token, 1);
          const auto among = all.begin() + token * kTopK;
          ASSERT_TRUE(std::equal(alone.begin(), alone.end(), among))
              << "token " << token << " of " << heads << " heads";
        }
      }
  }

  std::unique_ptr<Backend> cuda_;
  std::unique_ptr<Arena> arena_;
  std::mt19937_64 random_{20261130};
};

TEST_F(ManyRowsTest, DeepProducts) {
  constexpr std::int64_t kInputs = 8192;
  for (const auto& [rows, outputs] : {std::pair<std::int64_t, std::int64_t>{333, 24}, {256, 3}}) {
    const std::vector<float> weight = normals(outputs * kInputs);
    const auto prepared = cuda_->prepare({.format = WeightFormat::f32,
                                          .out = outputs,
                                          .in = kInputs,
                                          .data = std::as_bytes(std::span(weight)),
                                          .scale = {}});
    const float* x = on_device(normals(rows * kInputs));
    expect_same_rows(rows, outputs, 100, [&](std::int64_t first, std::int64_t count, float* out) {
      cuda_->linear({.weight = *prepared,
                     .x = View<const float, 2>(x + first * kInputs, {count, kInputs}),
                     .out = View<float, 2>(out, {count, outputs})});
    });
  }
}

TEST_F(ManyRowsTest, HyperConnections) {
  constexpr std::int64_t kTokens = 350;
  constexpr std::int64_t kStreams = 4;
  constexpr std::int64_t kMixes = (2 + kStreams) * kStreams;
  for (const std::int64_t channels : {1024, 5120}) {
    const std::int64_t in = kStreams * channels;
    const std::vector<float> weight = normals(kMixes * in);
    const auto fn = cuda_->prepare(
        {.format = WeightFormat::f32, .out = kMixes, .in = in, .data = std::as_bytes(std::span(weight)), .scale = {}});
    const float* x = on_device(normals(kTokens * in));
    const View<const float, 1> scale(on_device(normals(3)), {3});
    const View<const float, 1> base(on_device(normals(kMixes)), {kMixes});
    const View<const float, 1> norm(on_device(normals(channels)), {channels});
    constexpr std::int64_t kGates = kStreams * (2 + kStreams);
    for (const std::int64_t tokens : {kTokens, std::int64_t{300}, std::int64_t{100}})  // each has kernels of its own
      expect_same_rows(tokens, kGates + channels, 50, [&](std::int64_t first, std::int64_t count, float* out) {
        Arena arena(cuda_->allocator());
        const auto pre = arena.take<float, 2>({count, kStreams});
        const auto post = arena.take<float, 2>({count, kStreams});
        const auto comb = arena.take<float, 3>({count, kStreams, kStreams});
        const auto rows = arena.take<float, 2>({count, channels});
        cuda_->hyper_connection({.streams = View<const float, 3>(x + first * in, {count, kStreams, channels}),
                                 .fn = *fn,
                                 .scale = scale,
                                 .base = base,
                                 .iterations = 20,
                                 .eps = 1e-6F,
                                 .norm_eps = 1e-6F,
                                 .norm = norm,
                                 .arena = arena,
                                 .pre = pre,
                                 .post = post,
                                 .comb = comb,
                                 .out = rows});
        for (std::int64_t row = 0; row < count; ++row) {  // side by side, row by row
          std::byte* to = reinterpret_cast<std::byte*>(out + row * (kGates + channels));
          const auto copy = [&](const float* from, std::int64_t values) {
            cuda_->copy({reinterpret_cast<const std::byte*>(from), static_cast<std::size_t>(4 * values)}, to);
            to += 4 * values;
          };
          copy(pre.data() + row * kStreams, kStreams);
          copy(post.data() + row * kStreams, kStreams);
          copy(comb.data() + row * kStreams * kStreams, kStreams * kStreams);
          copy(rows.data() + row * channels, channels);
        }
      });
  }
}

TEST_F(ManyRowsTest, ExpandedStreams) {
  constexpr std::int64_t kTokens = 70;
  constexpr std::int64_t kStreams = 4;
  constexpr std::int64_t kChannels = 1028;
  const float* y = on_device(normals(kTokens * kChannels));
  const float* post = on_device(normals(kTokens * kStreams));
  const float* comb = on_device(normals(kTokens * kStreams * kStreams));
  const std::vector<float> streams = normals(kTokens * kStreams * kChannels);
  constexpr std::int64_t kWidth = kStreams * kChannels;
  expect_same_rows(kTokens, kWidth, 9, [&](std::int64_t first, std::int64_t count, float* out) {
    cuda_->upload(
        std::as_bytes(std::span(streams))
            .subspan(static_cast<std::size_t>(4 * first * kWidth), static_cast<std::size_t>(4 * count * kWidth)),
        reinterpret_cast<std::byte*>(out));
    cuda_->expand_streams(
        {.y = View<const float, 2>(y + first * kChannels, {count, kChannels}),
         .post = View<const float, 2>(post + first * kStreams, {count, kStreams}),
         .comb = View<const float, 3>(comb + first * kStreams * kStreams, {count, kStreams, kStreams}),
         .streams = View<float, 3>(out, {count, kStreams, kChannels})});
  });
}

// More tokens than one launch takes, whose rows come again and again: each is as in a launch of few.
TEST_F(ManyRowsTest, BetweenSublayers) {
  constexpr std::int64_t kOwn = 277;
  constexpr std::int64_t kTokens = 8192 + 329;
  constexpr std::int64_t kStreams = 4;
  constexpr std::int64_t kChannels = 4096;
  constexpr std::int64_t kMixes = (2 + kStreams) * kStreams;
  constexpr std::int64_t kIn = kStreams * kChannels;
  const std::vector<float> weight = normals(kMixes * kIn);
  const auto fn = cuda_->prepare(
      {.format = WeightFormat::f32, .out = kMixes, .in = kIn, .data = std::as_bytes(std::span(weight)), .scale = {}});
  const View<const float, 1> scale(on_device(normals(3)), {3});
  const View<const float, 1> base(on_device(normals(kMixes)), {kMixes});
  const View<const float, 1> norm(on_device(normals(kChannels)), {kChannels});
  const float* given_streams = on_device(normals(kOwn * kIn));
  const float* given_y = on_device(normals(kOwn * kChannels));
  const float* given_post = on_device(normals(kOwn * kStreams));
  const float* given_comb = on_device(normals(kOwn * kStreams * kStreams));
  // Streams, gates and the next input of `tokens` tokens.
  const auto left_of = [&](std::int64_t tokens) {
    Arena arena(cuda_->allocator());
    const auto again = [&](const float* rows, std::int64_t width) {
      float* all = arena.take<float, 1>({tokens * width}).data();
      for (std::int64_t token = 0; token < tokens; token += kOwn)
        cuda_->copy({reinterpret_cast<const std::byte*>(rows),
                     static_cast<std::size_t>(4 * std::min(kOwn, tokens - token) * width)},
                    reinterpret_cast<std::byte*>(all + token * width));
      return all;
    };
    const View<float, 3> streams(again(given_streams, kIn), {tokens, kStreams, kChannels});
    const View<float, 2> y(again(given_y, kChannels), {tokens, kChannels});
    const View<float, 2> post(again(given_post, kStreams), {tokens, kStreams});
    const View<float, 3> comb(again(given_comb, kStreams * kStreams), {tokens, kStreams, kStreams});
    const auto pre = arena.take<float, 2>({tokens, kStreams});
    const auto out = arena.take<float, 2>({tokens, kChannels});
    const HyperConnectionArgs next = {.streams = streams,
                                      .fn = *fn,
                                      .scale = scale,
                                      .base = base,
                                      .iterations = 20,
                                      .eps = 1e-6F,
                                      .norm_eps = 1e-6F,
                                      .norm = norm,
                                      .arena = arena,
                                      .pre = pre,
                                      .post = post,
                                      .comb = comb,
                                      .out = out};
    cuda_->between_sublayers({.into = {.y = y, .post = post, .comb = comb, .streams = streams}, .next = &next});
    return std::array<std::vector<float>, 4>{from_device<float>(streams.data(), tokens * kIn),
                                             from_device<float>(pre.data(), tokens * kStreams),
                                             from_device<float>(comb.data(), tokens * kStreams * kStreams),
                                             from_device<float>(out.data(), tokens * kChannels)};
  };
  const auto few = left_of(kOwn);
  const auto many = left_of(kTokens);
  for (std::size_t array = 0; array < few.size(); ++array) {
    const std::size_t own = few[array].size();
    for (std::size_t first = 0; first < many[array].size(); first += own) {
      const std::size_t count = std::min(own, many[array].size() - first);
      ASSERT_EQ(std::memcmp(&many[array][first], few[array].data(), 4 * count), 0)
          << "array " << array << ", values from " << first << " on";
    }
  }
}

// 64 tokens behind two tiles of keys are few for a device and many for a block.
TEST_F(ManyRowsTest, TheIndexersChoice) { expect_same_choice(131, 2'900, 740); }
TEST_F(ManyRowsTest, TheIndexersChoiceOfFewTiles) { expect_same_choice(64, 1'740, 300); }

}  // namespace
}  // namespace fathom
