// Whatever way a row of logits comes, whole or as a shortlist, the token is the one that the sampler takes from all of
// it: on a backend that makes shortlists from doubles, and on the GPU where there is one.
#include "fathom/engine/logit_rows.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <map>
#include <memory>
#include <random>
#include <string>

#include "fathom/backends/cpu/cpu_backend.h"
#include "fathom/backends/cuda/cuda_backend.h"
#include "fathom/base/error.h"
#include "fathom/ops/gumbel.h"

namespace fathom {
namespace {

// Shortlists as their definition says.
class Shortlisting final : public CpuBackend {
 public:
  explicit Shortlisting() : CpuBackend({}) {}

  bool shortlist(const ShortlistArgs& args) override {
    for (std::int64_t row = 0; row < args.logits.extent(0); ++row)
      args.out[row] = list(args.logits[row].data(), args.ids, args.rows[row]);
    return true;
  }
  void download(const std::byte* device, std::span<std::byte> host) override {
    ++downloads;
    CpuBackend::download(device, host);
  }

  int downloads = 0;

  static Shortlist list(const float* logits, std::int64_t ids, const ShortlistRow& row) {
    std::vector<double> sums;
    constexpr float kNone = -std::numeric_limits<float>::infinity();
    Shortlist found = {.count = 0, .largest = kNone, .second = kNone};
    double most = -1e300;
    for (std::int32_t id = 0; id < ids; ++id) {
      if (!(std::fabs(logits[id]) <= kMostShortlistLogit)) return {};
      const double noise = -std::log(-std::log(gumbel_uniform(gumbel_bits(row.place, id))));
      sums.push_back(row.temperature == 0.0 ? logits[id] : logits[id] / row.temperature + noise);
      most = std::max(most, sums.back());
      found.second = std::max(found.second, std::min(found.largest, logits[id]));
      found.largest = std::max(found.largest, logits[id]);
    }
    for (std::int32_t id = 0; id < ids; ++id) {
      if (sums[id] < most - (row.temperature == 0.0 ? 0.0 : kShortlistMargin)) continue;
      if (found.count == Shortlist::kMost) return {};
      found.tokens[found.count] = id;
      found.logits[found.count++] = logits[id];
    }
    return found;
  }
};

std::unique_ptr<Backend> backend_of(const std::string& name) {
  if (name == "shortlisting") return std::make_unique<Shortlisting>();
  if (name == "cpu") return std::make_unique<CpuBackend>(CpuOptions());
  return make_cuda_backend({.shortlists = true});
}

class LogitRowsTest : public ::testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    if (GetParam() != "cuda") return void(backend_ = backend_of(GetParam()));
    const std::string obstacle = cuda_obstacle({});
    if (!obstacle.empty()) GTEST_SKIP() << obstacle;
    backend_ = backend_of("cuda");
  }

  // [rows, vocab] where the backend has it.
  View<const float, 2> on_backend(const std::vector<float>& logits, std::int64_t rows) {
    memory_ = Memory(backend_->allocator(), static_cast<std::int64_t>(logits.size() * sizeof(float)));
    backend_->upload(std::as_bytes(std::span(logits)), memory_.data());
    return memory_.view<const float, 2>({rows, std::ssize(logits) / rows});
  }
  std::vector<float> normals(std::int64_t count, float size) {
    std::vector<float> values(static_cast<std::size_t>(count));
    for (float& value : values) value = size * std::normal_distribution<float>()(random_);
    return values;
  }

  std::mt19937_64 random_{8};
  std::unique_ptr<Backend> backend_;
  Memory memory_;
};

float margin_of(std::span<const float> logits, std::int32_t token) {
  float other = -std::numeric_limits<float>::infinity();
  for (std::size_t id = 0; id < logits.size(); ++id)
    if (static_cast<std::int32_t>(id) != token) other = std::max(other, logits[id]);
  return logits[static_cast<std::size_t>(token)] - other;
}

TEST_P(LogitRowsTest, EveryTokenIsTheSamplers) {
  std::vector<SamplingParams> ways(8);
  ways[0].temperature = 0.0;
  ways[1].temperature = 1e-3;
  ways[2].temperature = 0.3;
  ways[3].temperature = 2.0;
  ways[4].temperature = 1e-7;
  ways[5].top_p = 0.9;
  ways[6].top_logprobs = 3;
  ways[7].top_k = 4;
  for (const std::int64_t vocab : {1, 2, 31, 1024, 1025, 5000})
    for (const float size : {0.0F, 0.5F, 8.0F}) {  // of which the first is nothing but ties
      constexpr std::int64_t kRows = 16;
      const std::int64_t ids = std::max<std::int64_t>(1, vocab - 3);  // a row's last are never chosen
      std::vector<float> logits = normals(kRows * vocab, size);
      for (std::int64_t row = 0; row < kRows; row += 3)  // two that are equal, and largest
        for (const std::int64_t id : {ids / 2, ids - 1}) logits[row * vocab + id] = 3.0F * size;
      std::vector<WantedRow> wanted;
      for (std::int64_t row = 0; row < kRows; ++row) {
        wanted.push_back({.params = ways[row % std::ssize(ways)], .position = 1000 + 7 * row});
        wanted.back().params.seed = static_cast<std::uint64_t>(row * vocab);
      }
      LogitRows rows(*backend_, {.rows = on_backend(logits, kRows), .left = {}}, ids, wanted);
      for (std::int64_t row = 0; row < kRows; ++row) {
        const auto own = std::span<const float>(logits).subspan(row * vocab, ids);
        const WantedRow& by = wanted[row];
        const SampledToken expected = sample(own, by.params, by.position);
        const SampledToken found = rows.sample(row);
        ASSERT_EQ(found.token, expected.token) << "row " << row << " of " << vocab << " ids of size " << size;
        EXPECT_EQ(found.logprob, expected.logprob);
        EXPECT_EQ(found.top_logprobs.size(), expected.top_logprobs.size());
        EXPECT_EQ(rows.margin_of(row, found.token), margin_of(own, found.token)) << row;
        EXPECT_EQ(rows.margin_of(row, 0), margin_of(own, 0)) << row;
      }
    }
}

TEST_P(LogitRowsTest, ManyPositionsOfAWholeVocabulary) {
  constexpr std::int64_t kVocab = 129'280;
  constexpr std::int64_t kRows = 4;
  const std::vector<float> logits = normals(kRows * kVocab, 3.0F);
  const View<const float, 2> there = on_backend(logits, kRows);
  for (std::int64_t position = 0; position < 200; position += kRows) {
    std::vector<WantedRow> wanted(kRows);
    for (std::int64_t row = 0; row < kRows; ++row) wanted[row].position = position + row;
    LogitRows rows(*backend_, {.rows = there, .left = {}}, kVocab, wanted);
    for (std::int64_t row = 0; row < kRows; ++row)
      ASSERT_EQ(rows.sample(row).token,
                sample(std::span(logits).subspan(row * kVocab, kVocab), wanted[row].params, position + row).token)
          << position + row;
  }
}

// The list itself, beside its definition: the same tokens in whatever order.
TEST_P(LogitRowsTest, AShortlistIsWhatItsDefinitionSays) {
  if (GetParam() == "cpu") GTEST_SKIP() << "has none";
  constexpr std::int64_t kVocab = 3000;
  constexpr std::int64_t kRows = 6;
  std::vector<float> logits = normals(kRows * kVocab, 2.0F);
  for (std::int64_t id = 1100; id < 1120; ++id) logits[id] = -9.0F;         // ties that do not matter
  for (std::int64_t id = 0; id < kVocab; ++id) logits[kVocab + id] = 1.0F;  // nothing but ties
  logits[2 * kVocab + 2999] = std::numeric_limits<float>::quiet_NaN();      // no number
  logits[3 * kVocab + 5] = logits[3 * kVocab + 2998] = 50.0F;               // two that are largest
  std::vector<ShortlistRow> rows(kRows);
  for (std::int64_t row = 3; row < kRows; ++row)
    rows[row] = {.temperature = row == 3 ? 0.0 : 0.7, .place = gumbel_place(5, row)};
  std::vector<Shortlist> found(kRows);
  ASSERT_TRUE(backend_->shortlist({.logits = on_backend(logits, kRows), .ids = kVocab, .rows = rows, .out = found}));
  EXPECT_EQ(found[1].count, -1);
  EXPECT_EQ(found[2].count, -1);
  for (const std::int64_t row : {0, 3, 4, 5}) {
    const Shortlist expected = Shortlisting::list(logits.data() + row * kVocab, kVocab, rows[row]);
    ASSERT_EQ(found[row].count, expected.count) << row;
    EXPECT_GT(expected.count, 0) << row;
    EXPECT_EQ(found[row].largest, expected.largest) << row;
    EXPECT_EQ(found[row].second, expected.second) << row;
    std::map<std::int32_t, float> of_found;
    std::map<std::int32_t, float> of_expected;
    for (std::int32_t index = 0; index < expected.count; ++index) {
      of_found[found[row].tokens[index]] = found[row].logits[index];
      of_expected[expected.tokens[index]] = expected.logits[index];
    }
    EXPECT_EQ(of_found, of_expected) << row;
  }
}

TEST_P(LogitRowsTest, AMaskIsAskedOfAllLogits) {
  const std::vector<float> logits = normals(300, 2.0F);
  std::vector<std::uint32_t> allowed(10);
  allowed[3] = 0x10U;
  LogitRows rows(*backend_, {.rows = on_backend(logits, 1), .left = {}}, 300, {WantedRow{.params = {}, .position = 4}});
  EXPECT_EQ(rows.sample(0, allowed).token, 3 * 32 + 4);
}

TEST_P(LogitRowsTest, WhatIsNoNumberIsNamedByTheSampler) {
  for (const float odd : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
    std::vector<float> logits = normals(2 * 2000, 2.0F);
    logits[2000 + 1999] = odd;
    LogitRows rows(*backend_, {.rows = on_backend(logits, 2), .left = {}}, 2000, std::vector<WantedRow>(2));
    EXPECT_NO_THROW(rows.sample(0));
    EXPECT_THROW(rows.sample(1), InternalError);
  }
}

INSTANTIATE_TEST_SUITE_P(Backends, LogitRowsTest, ::testing::Values("shortlisting", "cpu", "cuda"),
                         [](const auto& of) { return of.param; });

TEST(LogitRows, AShortlistSparesTheRow) {
  Shortlisting backend;
  std::vector<float> logits(512, 0.0F);
  logits[77] = 1.0F;
  const View<const float, 2> view(logits.data(), {2, 256});
  std::vector<WantedRow> wanted(2);
  wanted[0].params.temperature = 0.0;
  wanted[1].params.temperature = 0.0;  // all alike: too many for a list
  LogitRows rows(backend, {.rows = view, .left = {}}, 256, wanted);
  EXPECT_EQ(rows.sample(0).token, 77);
  EXPECT_EQ(backend.downloads, 0);
  EXPECT_EQ(rows.sample(1).token, 0);
  EXPECT_EQ(rows.margin_of(1, 5), 0.0F);
  EXPECT_EQ(backend.downloads, 1);
}

// A head whose product was left: every kind of row has the token that the computed logits give it, and only those rows
// that cannot be shortlisted are computed, those near each other together and once.
TEST(LogitRows, AProductThatWasLeftIsComputedWhereItMustBe) {
  class Counting final : public CpuBackend {
   public:
    Counting() : CpuBackend(CpuOptions{.threads = 2}) {}
    std::int64_t products = 0;

   protected:
    void do_linear(const LinearArgs& args) override {
      ++products;
      CpuBackend::do_linear(args);
    }
  };
  constexpr std::int64_t kVocab = 4000;
  constexpr std::int64_t kChannels = 96;
  constexpr std::int64_t kRows = 7;
  constexpr std::int64_t kIds = kVocab - 5;
  std::mt19937_64 random(3);
  std::normal_distribution<float> normal;
  std::vector<float> weights(kVocab * kChannels);
  for (float& value : weights) value = 0.2F * normal(random);
  std::vector<float> x(kRows * kChannels);
  for (float& value : x) value = normal(random);
  Counting backend;
  const auto head = backend.prepare_head({.format = WeightFormat::f32,
                                          .out = kVocab,
                                          .in = kChannels,
                                          .data = std::as_bytes(std::span(weights)),
                                          .scale = {}});
  std::vector<float> logits(kRows * kVocab);
  std::vector<float> room(kRows * kVocab, std::numeric_limits<float>::quiet_NaN());
  const View<const float, 2> x_rows(x.data(), {kRows, kChannels});
  backend.linear({.weight = *head, .x = x_rows, .out = View<float, 2>(logits.data(), {kRows, kVocab})});
  backend.products = 0;

  std::vector<WantedRow> wanted(kRows);
  for (std::int64_t row = 0; row < kRows; ++row) {
    wanted[row].position = 40 + row;
    wanted[row].params.temperature = row < 2 ? 0.0 : 1.0;
  }
  wanted[3].params.top_p = 0.9;
  wanted[4].needs_all = true;
  wanted[6].params.top_logprobs = 2;
  const View<float, 2> out(room.data(), {kRows, kVocab});
  const Logits left{.rows = out, .left = LeftProduct{.head = *head, .x = x_rows, .out = out}};
  LogitRows rows(backend, left, kIds, wanted);
  EXPECT_EQ(backend.products, 1) << "rows 3 to 6, and 5 with them";
  for (std::int64_t row = 0; row < kRows; ++row) {
    const auto own = std::span<const float>(logits).subspan(row * kVocab, kIds);
    const SampledToken expected = sample(own, wanted[row].params, wanted[row].position);
    EXPECT_EQ(rows.sample(row).token, expected.token) << row;
    EXPECT_EQ(rows.margin_of(row, expected.token), margin_of(own, expected.token)) << row;
  }
  EXPECT_EQ(backend.products, 1);
  std::vector<std::uint32_t> allowed((kIds + 31) / 32);
  allowed[9] = 1;
  EXPECT_EQ(rows.sample(2, allowed).token, 9 * 32);  // a question that the list does not answer
  EXPECT_EQ(backend.products, 2);
  rows.sample(2, allowed);
  EXPECT_EQ(backend.products, 2);
}

}  // namespace
}  // namespace fathom
