// Note [A head's sketch] of head_sketch.h: no logit lies outside its bound, and the shortlist of a product that was not
// computed is the one that all of its logits give.
#include "fathom/backends/cpu/head_sketch.h"

#include <cmath>
#include <cstring>
#include <limits>
#include <map>
#include <numeric>
#include <tuple>

#include "fathom/backends/cpu/packed_weight.h"
#include "fathom/base/error.h"
#include "fathom/ops/gumbel.h"
#include "fathom/tensor/numbers.h"
#include "tests/ops/weight_support.h"

namespace fathom::op_test {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();

// What a row of weights, or of x, may look like.
enum class Kind { normal, uniform, one_large, tiny, subnormal, zero, large };
constexpr Kind kKinds[] = {Kind::normal, Kind::uniform,   Kind::one_large, Kind::tiny,
                           Kind::zero,   Kind::subnormal, Kind::large};

float draw(Kind kind, std::int64_t column, Random& random) {
  double normal = -6.0;
  for (int part = 0; part < 12; ++part) normal += random.uniform(0.0, 1.0);
  switch (kind) {
    case Kind::normal: return static_cast<float>(normal);
    case Kind::uniform: return static_cast<float>(random.uniform(-1.0, 1.0));
    case Kind::one_large: return static_cast<float>(column == 3 ? 300.0 : normal);
    case Kind::tiny: return static_cast<float>(normal * 0x1p-110);
    case Kind::subnormal: return static_cast<float>(normal * 0x1p-130);
    case Kind::zero: return 0.0F;
    case Kind::large: return static_cast<float>(normal * 0x1p40);
  }
  return 0.0F;
}

struct Head {
  std::vector<std::byte> bytes;
  std::int64_t out = 0;
  std::int64_t in = 0;

  WeightView view() const { return {.format = WeightFormat::bf16, .out = out, .in = in, .data = bytes, .scale = {}}; }
  void set(std::int64_t row, std::int64_t column, float value) {
    const std::uint16_t bits = float_to_bf16(value);
    std::memcpy(bytes.data() + (row * in + column) * 2, &bits, 2);
  }
};

// Rows of all kinds in turn, or of one.
Head head_of(std::int64_t out, std::int64_t in, Random& random, const Kind* only = nullptr) {
  Head head{.bytes = std::vector<std::byte>(static_cast<std::size_t>(out * in * 2)), .out = out, .in = in};
  for (std::int64_t row = 0; row < out; ++row)
    for (std::int64_t column = 0; column < in; ++column)
      head.set(row, column, draw(only != nullptr ? *only : kKinds[row % std::ssize(kKinds)], column, random));
  return head;
}

// As ops/shortlist.h says.
Shortlist defined(std::span<const float> logits, const ShortlistRow& row) {
  Shortlist found = {.count = 0, .largest = -kInfinity, .second = -kInfinity};
  std::vector<double> sums;
  double most = -1e300;
  for (std::size_t id = 0; id < logits.size(); ++id) {
    if (!(std::fabs(logits[id]) <= kMostShortlistLogit)) return {};
    const double uniform = gumbel_uniform(gumbel_bits(row.place, static_cast<std::int32_t>(id)));
    sums.push_back(row.temperature == 0.0 ? logits[id] : logits[id] / row.temperature - std::log(-std::log(uniform)));
    most = std::max(most, sums.back());
    found.second = std::max(found.second, std::min(found.largest, logits[id]));
    found.largest = std::max(found.largest, logits[id]);
  }
  for (std::size_t id = 0; id < logits.size(); ++id) {
    if (sums[id] < most - (row.temperature == 0.0 ? 0.0 : kShortlistMargin)) continue;
    if (found.count == Shortlist::kMost) return {};
    found.tokens[found.count] = static_cast<std::int32_t>(id);
    found.logits[found.count++] = logits[id];
  }
  return found;
}

std::map<std::int32_t, float> tokens_of(const Shortlist& list) {
  std::map<std::int32_t, float> tokens;
  for (std::int32_t index = 0; index < list.count; ++index) tokens[list.tokens[index]] = list.logits[index];
  return tokens;
}

std::vector<const float*> pointers(const Array<float>& x, std::int64_t rows, std::int64_t columns) {
  std::vector<const float*> result;
  for (std::int64_t row = 0; row < rows; ++row) result.push_back(x.data() + row * columns);
  return result;
}

// On an instruction set, of a sketch that is divided or not.
class HeadSketchTest : public ::testing::TestWithParam<std::tuple<const char*, bool>> {
 private:
  TargetScope target_{std::get<0>(GetParam())};

 protected:
  Array<float> rows_of(Kind kind, std::int64_t rows, std::int64_t columns) {
    Array<float> x(rows * columns);
    for (std::int64_t place = 0; place < rows * columns; ++place)
      x.span()[static_cast<std::size_t>(place)] = draw(kind, place % columns, random);
    return x;
  }
  Array<float> logits_of(const PreparedWeight& weight, const Array<float>& x, std::int64_t rows) {
    Array<float> out(rows * weight.out);
    backend.linear({.weight = weight,
                    .x = View<const float, 2>(x.data(), {rows, weight.in}),
                    .out = out.view<2>({rows, weight.out})});
    return out;
  }
  std::vector<Shortlist> lists_of(const PreparedWeight& weight, const Array<float>& x,
                                  const std::vector<ShortlistRow>& by, std::int64_t ids) {
    std::vector<Shortlist> found(by.size());
    std::vector<std::int64_t> wanted(by.size());
    std::iota(wanted.begin(), wanted.end(), std::int64_t{0});
    backend.shortlist_product({.weight = weight,
                               .x = View<const float, 2>(x.data(), {std::ssize(by), weight.in}),
                               .ids = ids,
                               .wanted = wanted,
                               .rows = by,
                               .out = found});
    return found;
  }

  const std::int64_t least_divided = std::get<1>(GetParam()) ? 0 : std::numeric_limits<std::int64_t>::max();
  CpuBackend backend{CpuOptions{.threads = 2, .least_divided_sketch = least_divided}};
  ThreadPool pool{2};
  Random random{17};
};

TEST_P(HeadSketchTest, NoLogitLiesOutsideItsBound) {
  for (const std::int64_t in : {1, 2, 63, 64, 65, 255, 256, 257, 1000, 4096, 4352, 7168, 16384}) {
    constexpr std::int64_t kOut = 21;
    constexpr std::int64_t kRows = 6;  // four side by side, and two
    const Head head = head_of(kOut, in, random);
    const HeadSketch sketch(head.view(), pool, host_allocator(), least_divided);
    const auto weight = backend.prepare_head(head.view());
    for (const Kind kind : kKinds) {
      const Array<float> x = rows_of(kind, kRows, in);
      const Array<float> logits = logits_of(*weight, x, kRows);
      const SketchedX laid = sketch.lay(pointers(x, kRows, in));
      std::vector<std::int64_t> sums(kRows * kOut);
      sketch.multiply(laid, 2, kOut, View<std::int64_t, 2>(sums.data(), {kRows, kOut}));
      for (std::int64_t row = 0; row < kRows; ++row)
        for (std::int64_t output = 2; output < kOut; ++output) {
          const std::int64_t sum = sums[row * kOut + output];
          const auto rough = sketch.rough_estimate(output, sum, laid.rows[row]);
          const auto estimate = sketch.estimate(
              output, sum + sketch.lower_sum(laid, static_cast<std::size_t>(row), output), laid.rows[row]);
          const double logit = logits.data()[row * kOut + output];
          const std::string where = "output " + std::to_string(output) + " of " + std::to_string(in) +
                                    " columns, x of kind " + std::to_string(static_cast<int>(kind));
          ASSERT_LE(std::fabs(logit - rough.value), rough.bound) << where;
          ASSERT_LE(std::fabs(logit - estimate.value), estimate.bound) << where;
        }
    }
  }
}

// The bound is of use: normal weights' logits are told to within a twentieth of the product of lengths
// by six bits, to within an eightieth by eight.
TEST_P(HeadSketchTest, TheBoundIsNarrow) {
  const Kind normal = Kind::normal;
  constexpr std::int64_t kIn = 1024;
  const Head head = head_of(16, kIn, random, &normal);
  const HeadSketch sketch(head.view(), pool, host_allocator(), least_divided);
  const Array<float> x = rows_of(normal, 1, kIn);
  const SketchedX laid = sketch.lay(pointers(x, 1, kIn));
  std::vector<std::int64_t> sums(16);
  sketch.multiply(laid, 0, 16, View<std::int64_t, 2>(sums.data(), {1, 16}));
  for (std::int64_t output = 0; output < 16; ++output) {
    const double rough = sketch.rough_estimate(output, sums[output], laid.rows[0]).bound;
    const double narrow = sketch.estimate(output, sums[output], laid.rows[0]).bound;
    EXPECT_LT(rough, 0.05 * kIn);
    EXPECT_LT(narrow, 0.0125 * kIn);
    EXPECT_EQ(rough > 3.0 * narrow, least_divided == 0);
  }
}

TEST_P(HeadSketchTest, SumsOfTheLargestCodesAreWhole) {
  constexpr std::int64_t kIn = 9000;
  Head head{.bytes = std::vector<std::byte>(2 * kIn * 2), .out = 2, .in = kIn};
  Array<float> x(4 * kIn);
  for (std::int64_t column = 0; column < kIn; ++column) {
    head.set(0, column, -2.0F);
    head.set(1, column, column % 2 == 0 ? 2.0F : -2.0F);
    for (std::int64_t row = 0; row < 4; ++row) x.span()[row * kIn + column] = row % 2 == 0 ? 5.0F : -5.0F;
  }
  const HeadSketch sketch(head.view(), pool, host_allocator(), least_divided);
  const SketchedX laid = sketch.lay(pointers(x, 4, kIn));
  std::vector<std::int64_t> sums(8);
  sketch.multiply(laid, 0, 2, View<std::int64_t, 2>(sums.data(), {4, 2}));
  for (std::size_t row = 0; row < 4; ++row)
    for (std::int64_t output = 0; output < 2; ++output) sums[2 * row + output] += sketch.lower_sum(laid, row, output);
  constexpr std::int64_t kMost = std::int64_t{kMostSketchCode} * kMostSketchX * kIn;
  EXPECT_EQ(sums, (std::vector<std::int64_t>{-kMost, 0, kMost, 0, -kMost, 0, kMost, 0}));
}

TEST_P(HeadSketchTest, TheShortlistIsThatOfAllLogits) {
  const Kind normal = Kind::normal;
  for (const std::int64_t out : {1, 2, 16, 17, 63, 1000, 3001})
    for (const std::int64_t in : {5, 64, 200}) {
      constexpr std::int64_t kRows = 9;
      Head head = head_of(out, in, random, &normal);
      if (out > 20)  // twins, so that logits are equal
        std::memcpy(head.bytes.data() + in * 2 * 19, head.bytes.data() + in * 2 * (out - 2), in * 2);
      const auto weight = backend.prepare_head(head.view());
      ASSERT_GT(backend.shortlist_bytes(*weight, 1), 0);
      const Array<float> x = rows_of(normal, kRows, in);
      const Array<float> logits = logits_of(*weight, x, kRows);
      const std::int64_t ids = std::max<std::int64_t>(1, out - 1);
      std::vector<ShortlistRow> by(kRows);
      for (std::int64_t row = 2; row < kRows; ++row)
        by[row] = {.temperature = row == 2 ? 1e-3 : 0.4 * static_cast<double>(row), .place = gumbel_place(9, row)};
      const std::vector<Shortlist> found = lists_of(*weight, x, by, ids);
      std::int64_t lists = 0;
      for (std::int64_t row = 0; row < kRows; ++row) {
        if (found[row].count < 0) continue;  // all logits are as cheap
        ++lists;
        const Shortlist expected =
            defined(std::span(logits.data() + row * out, static_cast<std::size_t>(ids)), by[row]);
        const std::string where = std::to_string(out) + " x " + std::to_string(in) + ", row " + std::to_string(row);
        EXPECT_EQ(tokens_of(found[row]), tokens_of(expected)) << where;
        EXPECT_EQ(found[row].largest, expected.largest) << where;
        EXPECT_EQ(found[row].second, expected.second) << where;
      }
      EXPECT_GE(lists, out >= 3000 ? kRows - 2 : 0) << out << " x " << in;
    }
}

// A head whose best two have equal logits, for which the sketch is not to say which is lower.
TEST_P(HeadSketchTest, EqualLogitsAreAllInTheList) {
  const Kind normal = Kind::normal;
  Head head = head_of(2000, 128, random, &normal);
  const Array<float> x = rows_of(normal, 1, 128);
  for (const std::int64_t row : {7, 1200, 1999})
    for (std::int64_t column = 0; column < 128; ++column) head.set(row, column, x.data()[column]);
  const auto weight = backend.prepare_head(head.view());
  const std::vector<Shortlist> found = lists_of(*weight, x, {ShortlistRow()}, 2000);
  ASSERT_EQ(found[0].count, 3);
  EXPECT_EQ(tokens_of(found[0]).begin()->first, 7);
  EXPECT_EQ(found[0].largest, found[0].second);
}

TEST_P(HeadSketchTest, WhatItCannotSayIsSaidToBeSo) {
  const Kind normal = Kind::normal;
  const Head head = head_of(1500, 96, random, &normal);
  const auto weight = backend.prepare_head(head.view());
  Array<float> x = rows_of(normal, 5, 96);
  x.span()[96 + 5] = std::numeric_limits<float>::quiet_NaN();
  x.span()[2 * 96 + 5] = kInfinity;
  for (std::int64_t column = 0; column < 96; ++column) {
    x.span()[3 * 96 + column] = 0.0F;   // nothing but equal logits
    x.span()[4 * 96 + column] *= 1e6F;  // larger than a list may hold
  }
  for (const double temperature : {0.0, 0.7}) {
    const std::vector<ShortlistRow> by(5, {.temperature = temperature, .place = 3});
    const std::vector<Shortlist> found = lists_of(*weight, x, by, 1500);
    EXPECT_GT(found[0].count, 0);
    for (int row = 1; row < 5; ++row) {
      if (row == 3 && temperature > 0.0) continue;  // noise tells equal logits apart
      EXPECT_EQ(found[row].count, -1) << row;
    }
  }

  for (const float odd : {std::numeric_limits<float>::quiet_NaN(), -kInfinity, 3e38F}) {
    Head other = head;
    other.set(777, 11, odd);
    const auto faulty = backend.prepare_head(other.view());
    for (const double temperature : {0.0, 0.7})
      EXPECT_EQ(lists_of(*faulty, x, {{.temperature = temperature, .place = 3}}, 1500)[0].count, -1) << odd;
    EXPECT_GT(lists_of(*faulty, x, std::vector<ShortlistRow>(1), 777)[0].count, 0) << "it may not be chosen";
  }
}

TEST_P(HeadSketchTest, OnlyWhereItIsWanted) {
  const Kind normal = Kind::normal;
  const Head head = head_of(64, 64, random, &normal);
  CpuBackend without{CpuOptions{.threads = 1, .head_sketch = false}};
  const auto plain = without.prepare_head(head.view());
  EXPECT_EQ(without.shortlist_bytes(*plain, 1), 0);
  EXPECT_EQ(backend.shortlist_bytes(*backend.prepare(head.view()), 1), 0);
  const Array<float> x = rows_of(normal, 1, 64);
  std::vector<Shortlist> found(1);
  const std::vector<ShortlistRow> by(1);
  const std::vector<std::int64_t> wanted(1);
  EXPECT_THROW(without.shortlist_product({.weight = *plain,
                                          .x = View<const float, 2>(x.data(), {1, 64}),
                                          .ids = 64,
                                          .wanted = wanted,
                                          .rows = by,
                                          .out = found}),
               InternalError);
}

// "cpu_1" is what Highway finds: it may have an instruction that the best set of instruction_sets() has not.
std::vector<const char*> targets() {
  static const std::string best = "cpu_" + instruction_sets().front();
  return and_narrower_targets({"cpu_1", best.c_str()});
}

INSTANTIATE_TEST_SUITE_P(Targets, HeadSketchTest, ::testing::Combine(::testing::ValuesIn(targets()), ::testing::Bool()),
                         [](const auto& parameter) {
                           return std::string(std::get<0>(parameter.param)) +
                                  (std::get<1>(parameter.param) ? "_divided" : "_whole");
                         });

}  // namespace
}  // namespace fathom::op_test
