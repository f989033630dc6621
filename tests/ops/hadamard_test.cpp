#include "tests/ops/op_support.h"

namespace fathom::op_test {
namespace {

class HadamardTest : public OperationTest {};

TEST_P(HadamardTest, SylvestersMatrix) {
  for (const std::int64_t dim : {1, 2, 4, 8, 16, 64, 128, 512}) {
    const Array<float> x = random.normals(3 * dim);
    std::vector<double> expected;
    std::vector<double> magnitude;
    for (std::int64_t row = 0; row < 3; ++row)
      for (std::uint64_t column = 0; column < static_cast<std::uint64_t>(dim); ++column) {
        double sum = 0.0;
        double size = 0.0;
        for (std::uint64_t from = 0; from < static_cast<std::uint64_t>(dim); ++from) {
          const double term = static_cast<double>(x[row * dim + static_cast<std::int64_t>(from)]);
          sum += std::popcount(from & column) % 2 == 0 ? term : -term;
          size += std::fabs(term);
        }
        expected.push_back(sum / std::sqrt(static_cast<double>(dim)));
        magnitude.push_back(size / std::sqrt(static_cast<double>(dim)));
      }
    backend->hadamard({.x = x.view<2>({3, dim})});
    expect_close(x.span(), expected, magnitude, kHadamard, "dim " + std::to_string(dim));
  }
}

TEST_P(HadamardTest, ARowDoesNotKnowItsCompany) {
  constexpr std::int64_t kRows = 500;
  const Array<float> start = random.normals(kRows * 128);
  const auto transformed = [&](Backend& with, std::int64_t first, std::int64_t rows) {
    Array<float> x(rows * 128);
    std::copy_n(start.data() + first * 128, x.size(), x.data());
    with.hadamard({.x = x.view<2>({rows, 128})});
    return x;
  };
  const Array<float> all = transformed(*backend, 0, kRows);
  expect_same_bits(transformed(*other, 0, kRows), all, "other threads");
  expect_same_bits(transformed(*alone, 333, 1), all.span().subspan(333 * 128, 128), "a row alone");
}

INSTANTIATE_TEST_SUITE_P(Backends, HadamardTest, every_backend(), backend_name);

}  // namespace
}  // namespace fathom::op_test
