// What a GPU adds to the operation tests (tests/ops run every operation there as well): the released shapes at length,
// spans and pages that come and go, memory. Skipped where there is none.
#include "fathom/backends/cuda/cuda_backend.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <deque>
#include <functional>
#include <numeric>
#include <random>

#include "fathom/backends/reference/reference_backend.h"
#include "fathom/ops/downloaded.h"
#include "fathom/tensor/numbers.h"

namespace fathom {
namespace {

TEST(CudaObstacle, WithoutAGpuTheReasonIsNamed) {
  const std::string obstacle = cuda_obstacle({});
  if (obstacle.empty()) GTEST_SKIP() << "there is a GPU";
  try {
    make_cuda_backend({});
    FAIL() << "a backend without a GPU";
  } catch (const InputError& error) {
    EXPECT_EQ(error.what(), "[cuda] " + obstacle);
  }
}

class CudaBackendTest : public ::testing::Test {
 protected:
  void SetUp() override {
    const std::string obstacle = cuda_obstacle({});
    if (!obstacle.empty()) GTEST_SKIP() << obstacle;
    cuda_ = make_cuda_backend(options());
  }
  virtual CudaOptions options() const { return {}; }

  std::vector<float> normals(std::int64_t count) {
    std::vector<float> values(static_cast<std::size_t>(count));
    for (float& value : values) value = std::normal_distribution<float>()(random_);
    return values;
  }
  // On the device until the test ends.
  template <typename T>
  T* on_device(std::span<const T> values) {
    Memory& memory = kept_.emplace_back(cuda_->allocator(), static_cast<std::int64_t>(values.size_bytes()));
    cuda_->upload(std::as_bytes(values), memory.data());
    return reinterpret_cast<T*>(memory.data());
  }
  template <typename T>
  T* on_device(const std::vector<T>& values) {
    return on_device(std::span<const T>(values));
  }

  std::unique_ptr<Backend> cuda_;
  std::mt19937_64 random_{20261129};
  std::deque<Memory> kept_;
};

TEST_F(CudaBackendTest, MemoryIsZeroedAndCopied) {
  const Memory memory(cuda_->allocator(), 1000);
  EXPECT_EQ(downloaded(*cuda_, memory.view<std::uint8_t, 1>({1000})), std::vector<std::uint8_t>(1000));
  std::vector<std::uint8_t> values(500);
  std::iota(values.begin(), values.end(), std::uint8_t{1});
  cuda_->upload(std::as_bytes(std::span(values)), memory.data());
  cuda_->copy({memory.data(), 500}, memory.data() + 500);
  const auto found = downloaded(*cuda_, memory.view<std::uint8_t, 1>({1000}));
  for (std::size_t index = 0; index < 1000; ++index) ASSERT_EQ(found[index], values[index % 500]) << index;
}

// More memory than there is is the caller's fault, and says so.
TEST_F(CudaBackendTest, MemoryThatIsNotThere) {
  EXPECT_THROW(Memory(cuda_->allocator(), std::int64_t{1} << 50), InputError);
}

// Staged spans of every size, many more than the ring holds: each kernel reads its own.
TEST_F(CudaBackendTest, SpansAreNotOverwrittenBeforeTheyAreRead) {
  const std::vector<float> frequencies = {1.0F};
  const View<const float, 1> on_gpu(on_device(frequencies), {1});
  std::vector<std::vector<std::int64_t>> positions;
  std::vector<Memory> cosines;
  std::vector<Memory> sines;
  for (std::int64_t turn = 0; turn < 400; ++turn) {
    auto& some = positions.emplace_back(static_cast<std::size_t>(1 + turn * 7919 % 30'000));
    for (std::size_t index = 0; index < some.size(); ++index)
      some[index] = turn * 100'000 + static_cast<std::int64_t>(index);
    const std::int64_t rows = std::ssize(some);
    cosines.emplace_back(cuda_->allocator(), rows * 4);
    sines.emplace_back(cuda_->allocator(), rows * 4);
  }
  for (std::size_t turn = 0; turn < positions.size(); ++turn) {
    std::vector<std::int64_t> gone = positions[turn];
    const std::int64_t rows = std::ssize(gone);
    cuda_->rotary_table({.positions = gone,
                         .frequencies = on_gpu,
                         .cosine = cosines[turn].view<float, 2>({rows, 1}),
                         .sine = sines[turn].view<float, 2>({rows, 1})});
    std::fill(gone.begin(), gone.end(), -1);
  }
  for (std::size_t turn = 0; turn < positions.size(); ++turn) {
    const std::int64_t rows = std::ssize(positions[turn]);
    const auto found = downloaded(*cuda_, cosines[turn].view<const float, 2>({rows, 1}));
    for (std::size_t index = 0; index < found.size(); ++index)
      ASSERT_EQ(found[index], std::cos(static_cast<float>(positions[turn][index]))) << turn << ", " << index;
  }
}

// A sequence of cached rows on the host and on the device, in pages of both.
struct PagedPair {
  std::vector<std::byte> host;
  std::vector<std::byte*> host_pages;
  std::vector<std::byte*> device_pages;
};

class LongContextTest : public CudaBackendTest {
 protected:
  PagedPair pages(std::int64_t rows, std::int64_t rows_per_page, std::int64_t row_bytes,
                  const std::function<void(std::span<std::byte>)>& encode) {
    PagedPair pair;
    const std::int64_t count = (rows + rows_per_page - 1) / rows_per_page;
    pair.host.resize(static_cast<std::size_t>(count * rows_per_page * row_bytes));
    for (std::int64_t row = 0; row < rows; ++row)
      encode(
          std::span(pair.host).subspan(static_cast<std::size_t>(row * row_bytes), static_cast<std::size_t>(row_bytes)));
    std::byte* device = on_device(pair.host);
    for (std::int64_t page = 0; page < count; ++page) {
      pair.host_pages.push_back(pair.host.data() + page * rows_per_page * row_bytes);
      pair.device_pages.push_back(device + page * rows_per_page * row_bytes);
    }
    return pair;
  }
};

// The released indexer at every length of levels, against the plain loops, ties included: keys repeat.
TEST_F(LongContextTest, TheIndexersChoiceAtTheReleasedShape) {
  const IndexKeyFormat format{CacheStorage::released, 128};
  constexpr std::int64_t kHeads = 64;
  constexpr std::int64_t kRowsPerPage = 32;
  ReferenceBackend reference;
  for (const std::int64_t visible : {1, 600, 8'192, 8'200, 20'011}) {
    std::vector<std::vector<std::byte>> few;
    for (int key = 0; key < 997; ++key) {
      few.emplace_back(static_cast<std::size_t>(format.row_bytes()));
      encode_index_key(format, normals(128), few.back());
    }
    std::int64_t next = 0;
    const PagedPair pair = pages(visible, kRowsPerPage, format.row_bytes(), [&](std::span<std::byte> row) {
      const auto& key = few[static_cast<std::size_t>(next++ * 31 % 997)];
      std::copy(key.begin(), key.end(), row.begin());
    });
    for (const bool on_grid : {true, false}) {
      std::vector<float> q = normals(kHeads * 128);
      if (on_grid) reference.round_index({.x = {q.data(), {kHeads, 128}}, .format = format});
      const std::vector<float> weights = normals(kHeads);
      const std::vector<fathom::Run> runs = {{0, 1, visible * 4 - 1}};
      for (const std::int64_t top_k : {512, 1024}) {
        std::vector<std::int32_t> expected(static_cast<std::size_t>(top_k));
        const std::vector<PagedRows> host_keys = {{pair.host_pages.data(), kRowsPerPage, 0, format.row_bytes()}};
        reference.index_top_k({.q = {q.data(), {1, kHeads, 128}},
                               .weights = {weights.data(), {1, kHeads}},
                               .format = format,
                               .ratio = 4,
                               .runs = runs,
                               .keys = host_keys,
                               .selected = {expected.data(), {1, top_k}}});
        const View<std::int32_t, 2> selected(on_device(expected), {1, top_k});
        const std::vector<PagedRows> keys = {{pair.device_pages.data(), kRowsPerPage, 0, format.row_bytes()}};
        cuda_->index_top_k({.q = {on_device(q), {1, kHeads, 128}},
                            .weights = {on_device(weights), {1, kHeads}},
                            .format = format,
                            .ratio = 4,
                            .runs = runs,
                            .keys = keys,
                            .selected = selected});
        EXPECT_EQ(downloaded(*cuda_, selected), expected)
            << visible << " visible, top " << top_k << ", grid " << on_grid;
      }
    }
  }
}

// Equal scores at a million tokens' depth: the lowest indices, in order.
TEST_F(LongContextTest, AllScoresEqualAtAMillionTokens) {
  const IndexKeyFormat format{CacheStorage::released, 128};
  constexpr std::int64_t kVisible = 262'144;
  const PagedPair pair = pages(kVisible, 4096, format.row_bytes(), [](std::span<std::byte>) {});
  const std::vector<float> q(64 * 128, 1.0F);
  const std::vector<float> weights(64, -1.0F);
  const std::vector<fathom::Run> runs = {{0, 1, kVisible * 4 - 1}};
  const std::vector<PagedRows> keys = {{pair.device_pages.data(), 4096, 0, format.row_bytes()}};
  const View<std::int32_t, 2> selected(on_device(std::vector<std::int32_t>(512)), {1, 512});
  cuda_->index_top_k({.q = {on_device(q), {1, 64, 128}},
                      .weights = {on_device(weights), {1, 64}},
                      .format = format,
                      .ratio = 4,
                      .runs = runs,
                      .keys = keys,
                      .selected = selected});
  std::vector<std::int32_t> expected(512);
  std::iota(expected.begin(), expected.end(), 0);
  EXPECT_EQ(downloaded(*cuda_, selected), expected);
}

// Flash's shape: 64 heads, a window of 128, all entries of an HCA layer. Matrix units round in their own way; that a
// query's bits do not depend on its company they promise as well: split over tiles of keys for few, whole for many.
class AttentionTest : public LongContextTest {
 protected:
  struct Distances {
    double most = 0.0;
    double of_squares = 0.0;  // mean, relative
  };
  void check(const Distances& allowed, bool rounded_queries);
};

void AttentionTest::check(const Distances& allowed, bool rounded_queries) {
  const EntryFormat format{CacheStorage::released, 512, 64};
  ReferenceBackend reference;
  constexpr std::int64_t kHeads = 64;
  constexpr std::int64_t kRatio = 128;
  constexpr std::int64_t kEntries = 700;
  constexpr std::int64_t kTokens = 270;  // as many blocks or more: more than any device takes at once
  constexpr std::int64_t kStart = (kEntries - 3) * kRatio + 30;
  const auto encode = [&](std::span<std::byte> row) { encode_entry(format, normals(512), row); };
  const PagedPair entries = pages(kEntries, 5, format.row_bytes(), encode);
  const PagedPair window = pages(128, 128, format.row_bytes(), encode);
  const PagedPair fresh = pages(kTokens, kTokens, format.row_bytes(), encode);
  std::vector<float> q = normals(kTokens * kHeads * 512);
  if (rounded_queries)
    for (float& value : q) value = bf16_to_float(float_to_bf16(value));
  const std::vector<float> sink = normals(kHeads);
  constexpr std::int64_t kTokenSize = kHeads * 512;

  // Queries [first, first + count) as one run; those before them are in the ring already.
  const auto attend = [&](Backend& with, bool device, const float* queries, std::int64_t first, std::int64_t count,
                          const std::byte* fresh_rows, std::byte* ring, float* to) {
    const std::vector<fathom::Run> runs = {{0, count, kStart + first}};
    const std::vector<Ring> rings = {{ring, 128, format.row_bytes()}};
    const std::vector<PagedRows> paged = {
        {device ? entries.device_pages.data() : entries.host_pages.data(), 5, 0, format.row_bytes()}};
    with.sparse_attention({.q = {queries, {count, kHeads, 512}},
                           .format = format,
                           .window = 128,
                           .fresh = {fresh_rows, {count, format.row_bytes()}},
                           .choice = EntryChoice::all,
                           .ratio = kRatio,
                           .selected = {},
                           .sink = {device ? on_device(sink) : sink.data(), {kHeads}},
                           .scale = 0.044194173F,
                           .runs = runs,
                           .windows = rings,
                           .entries = paged,
                           .out = {to, {count, kHeads, 512}}});
  };
  const float* device_q = on_device(q);
  const Memory out(cuda_->allocator(), kTokens * kTokenSize * 4);
  attend(*cuda_, true, device_q, 0, kTokens, fresh.device_pages[0], window.device_pages[0],
         reinterpret_cast<float*>(out.data()));
  const auto many = downloaded(*cuda_, out.view<const float, 1>({kTokens * kTokenSize}));

  std::vector<float> expected(static_cast<std::size_t>(3 * kTokenSize));
  attend(reference, false, q.data(), 0, 3, fresh.host_pages[0], window.host_pages[0], expected.data());
  double squares = 0.0;
  double difference = 0.0;
  for (std::size_t index = 0; index < expected.size(); ++index) {
    const double distance = static_cast<double>(many[index]) - static_cast<double>(expected[index]);
    ASSERT_LE(std::fabs(distance), allowed.most) << index;  // of values about one, weighed by a softmax
    squares += static_cast<double>(expected[index]) * static_cast<double>(expected[index]);
    difference += distance * distance;
  }
  EXPECT_LE(std::sqrt(difference / squares), allowed.of_squares);

  for (std::int64_t first = 0; first < 3; ++first) {  // alone, as decoding would have it
    const Memory one(cuda_->allocator(), kTokenSize * 4);
    attend(*cuda_, true, device_q + first * kTokenSize, first, 1, fresh.device_pages[0] + first * format.row_bytes(),
           window.device_pages[0], reinterpret_cast<float*>(one.data()));
    const auto alone = downloaded(*cuda_, one.view<const float, 1>({kTokenSize}));
    for (std::int64_t index = 0; index < kTokenSize; ++index)
      ASSERT_EQ(std::bit_cast<std::uint32_t>(alone[static_cast<std::size_t>(index)]),
                std::bit_cast<std::uint32_t>(many[static_cast<std::size_t>(first * kTokenSize + index)]))
          << "token " << first << ", value " << index;
    const std::int64_t slot = (kStart + first) % 128;  // and into the ring
    cuda_->copy({fresh.device_pages[0] + first * format.row_bytes(), static_cast<std::size_t>(format.row_bytes())},
                window.device_pages[0] + slot * format.row_bytes());
  }
}

TEST_F(AttentionTest, AtTheReleasedShape) { check({.most = 2e-5, .of_squares = 5e-6}, false); }

class RoundedAttentionTest : public AttentionTest {
 protected:
  CudaOptions options() const override { return {.products = CudaProducts::fp8}; }
};

// Where the GPU has warpgroups weights are bfloat16: each is off by 2^-8 of itself at most, keys are about one.
TEST_F(RoundedAttentionTest, AtTheReleasedShape) { check({.most = 0x1p-8, .of_squares = 0x1p-9}, true); }

// hc_fn's shape: near double precision, and the same bits for a row in any company.
TEST_F(CudaBackendTest, FewOutputsOverManyInputs) {
  constexpr std::int64_t kOutputs = 24;
  constexpr std::int64_t kInputs = 16384 - 4;
  constexpr std::int64_t kRows = 21;
  const std::vector<float> weight = normals(kOutputs * kInputs);
  const std::vector<float> x = normals(kRows * kInputs);
  const auto prepared = cuda_->prepare({.format = WeightFormat::f32,
                                        .out = kOutputs,
                                        .in = kInputs,
                                        .data = std::as_bytes(std::span(weight)),
                                        .scale = {}});
  const float* rows = on_device(x);
  const auto multiply = [&](std::int64_t first, std::int64_t count) {
    const Memory out(cuda_->allocator(), count * kOutputs * 4);
    const View<float, 2> result(reinterpret_cast<float*>(out.data()), {count, kOutputs});
    cuda_->linear(
        {.weight = *prepared, .x = View<const float, 2>(rows + first * kInputs, {count, kInputs}), .out = result});
    return downloaded(*cuda_, View<const float, 2>(result));
  };
  const std::vector<float> all = multiply(0, kRows);
  for (std::int64_t row = 0; row < kRows; ++row)
    for (std::int64_t output = 0; output < kOutputs; ++output) {
      double sum = 0.0;
      double terms = 0.0;
      for (std::int64_t input = 0; input < kInputs; ++input) {
        const double term = static_cast<double>(weight[output * kInputs + input]) * x[row * kInputs + input];
        sum += term;
        terms += std::fabs(term);
      }
      ASSERT_NEAR(all[row * kOutputs + output], sum, 1e-6 * terms) << row << " " << output;
    }
  for (const auto& [first, count] : {std::pair<std::int64_t, std::int64_t>{0, 1}, {7, 9}, {20, 1}}) {
    const std::vector<float> some = multiply(first, count);
    for (std::size_t index = 0; index < some.size(); ++index)
      ASSERT_EQ(std::bit_cast<std::uint32_t>(some[index]), std::bit_cast<std::uint32_t>(all[first * kOutputs + index]));
  }
}

}  // namespace
}  // namespace fathom
