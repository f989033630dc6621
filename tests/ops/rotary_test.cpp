#include "tests/ops/op_support.h"

namespace fathom::op_test {
namespace {

class RotaryTest : public OperationTest {
 protected:
  struct Table {
    Array<float> cosine;
    Array<float> sine;
  };
  Table table(Backend& with, std::vector<std::int64_t> positions, const Array<float>& frequencies) {
    const auto rows = std::ssize(positions);
    Table result{Array<float>(rows * frequencies.size()), Array<float>(rows * frequencies.size())};
    with.rotary_table({.positions = positions,
                       .frequencies = frequencies.view<1>({frequencies.size()}),
                       .cosine = result.cosine.view<2>({rows, frequencies.size()}),
                       .sine = result.sine.view<2>({rows, frequencies.size()})});
    return result;
  }
};

// The product is rounded to float32 before the cosine is taken; no scale (YaRN's mscale) enters.
TEST_P(RotaryTest, TheAngleIsAFloat32AndTheCircleHasRadiusOne) {
  const Array<float> frequencies(33);
  for (std::int64_t pair = 0; pair < 33; ++pair)
    frequencies[pair] = std::pow(160000.0F, -static_cast<float>(pair) / 32);
  const std::vector<std::int64_t> positions = {0, 1, 127, 65536, 1048575, 3};
  const Table found = table(*backend, positions, frequencies);
  for (std::size_t row = 0; row < positions.size(); ++row)
    for (std::int64_t pair = 0; pair < 33; ++pair) {
      const volatile float angle = static_cast<float>(positions[row]) * frequencies[pair];
      const std::int64_t index = static_cast<std::int64_t>(row) * 33 + pair;
      EXPECT_NEAR(found.cosine[index], std::cos(static_cast<double>(angle)), 1e-7);
      EXPECT_NEAR(found.sine[index], std::sin(static_cast<double>(angle)), 1e-7);
      EXPECT_NEAR(std::hypot(found.cosine[index], found.sine[index]), 1.0, 2e-7);
    }
}

TEST_P(RotaryTest, InterleavedPairsOfTheLastColumnsTurn) {
  for (const std::int64_t pairs : {1, 3, 4, 8, 13, 32}) {
    const std::int64_t head_dim = 2 * pairs + 5;
    constexpr std::int64_t kRows = 4;
    constexpr std::int64_t kHeads = 3;
    const Array<float> frequencies = random.normals(pairs);
    const Table angles = table(*backend, {0, 5, 1000, 77}, frequencies);
    const Array<float> x = random.normals(kRows * kHeads * head_dim);
    std::vector<double> expected(x.span().begin(), x.span().end());
    for (std::int64_t row = 0; row < kRows; ++row)
      for (std::int64_t head = 0; head < kHeads; ++head)
        for (std::int64_t pair = 0; pair < pairs; ++pair) {
          const std::int64_t even = (row * kHeads + head) * head_dim + 5 + 2 * pair;
          const double cosine = static_cast<double>(angles.cosine[row * pairs + pair]);
          const double sine = static_cast<double>(angles.sine[row * pairs + pair]);
          const double real = expected[even] * cosine - expected[even + 1] * sine;
          expected[even + 1] = expected[even] * sine + expected[even + 1] * cosine;
          expected[even] = real;
        }
    const std::vector<float> before = copy_of(x);
    const auto turn = [&](bool inverse) {
      backend->rotate({.x = x.view<3>({kRows, kHeads, head_dim}),
                       .cosine = angles.cosine.view<2>({kRows, pairs}),
                       .sine = angles.sine.view<2>({kRows, pairs}),
                       .inverse = inverse});
    };
    turn(false);
    expect_close(x.span(), expected, std::vector<double>(expected.size(), 4.0), kRotary, "turned");
    for (std::int64_t column = 0; column < 5; ++column) EXPECT_EQ(x[column], before[column]) << "before rope_dim";
    turn(true);
    expect_close(x.span(), std::vector<double>(before.begin(), before.end()), std::vector<double>(before.size(), 4.0),
                 2 * kRotary, "and back");
  }
}

// By hand: a quarter turn takes (1, 2) to (-2, 1); its inverse to (2, -1).
TEST_P(RotaryTest, AQuarterTurn) {
  const Array<float> cosine(2);
  const Array<float> sine(2);
  sine[0] = sine[1] = 1.0F;
  for (const bool inverse : {false, true}) {
    const Array<float> x(5);
    for (std::int64_t column = 0; column < 5; ++column) x[column] = static_cast<float>(column);
    backend->rotate({.x = x.view<3>({1, 1, 5}),
                     .cosine = cosine.view<2>({1, 2}),
                     .sine = sine.view<2>({1, 2}),
                     .inverse = inverse});
    const std::vector<float> forth = {0, -2, 1, -4, 3};
    const std::vector<float> back = {0, 2, -1, 4, -3};
    EXPECT_EQ(copy_of(x), inverse ? back : forth);
  }
}

TEST_P(RotaryTest, ARowDoesNotKnowItsCompany) {
  constexpr std::int64_t kRows = 90;
  constexpr std::int64_t kHeads = 16;
  constexpr std::int64_t kPairs = 29;
  constexpr std::int64_t kHeadDim = 64;
  std::vector<std::int64_t> positions;
  for (std::int64_t row = 0; row < kRows; ++row) positions.push_back(row * row);
  const Array<float> frequencies = random.normals(kPairs);
  const Array<float> start = random.normals(kRows * kHeads * kHeadDim);
  const auto turned = [&](Backend& with, std::int64_t first, std::int64_t rows) {
    const Table angles = table(with, {positions.begin() + first, positions.begin() + first + rows}, frequencies);
    Array<float> x(rows * kHeads * kHeadDim);
    std::copy_n(start.data() + first * kHeads * kHeadDim, x.size(), x.data());
    with.rotate({.x = x.view<3>({rows, kHeads, kHeadDim}),
                 .cosine = angles.cosine.view<2>({rows, kPairs}),
                 .sine = angles.sine.view<2>({rows, kPairs})});
    return x;
  };
  const Array<float> all = turned(*backend, 0, kRows);
  expect_same_bits(turned(*other, 0, kRows), all, "other threads");
  for (const std::int64_t row : {0, 44, 89})
    expect_same_bits(turned(*alone, row, 1), all.span().subspan(row * kHeads * kHeadDim, kHeads * kHeadDim),
                     "a row alone");
}

INSTANTIATE_TEST_SUITE_P(Backends, RotaryTest, every_backend(), backend_name);

}  // namespace
}  // namespace fathom::op_test
