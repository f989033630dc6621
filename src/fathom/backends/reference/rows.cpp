// Operations on one row at a time: norms, rotations, roundings, sums.
#include <algorithm>
#include <cmath>
#include <vector>

#include "fathom/backends/reference/reference_backend.h"
#include "fathom/ops/released_arithmetic.h"

namespace fathom {

void ReferenceBackend::do_rms_norm(const RmsNormArgs& args) {
  const auto [rows, dim] = args.x.shape();
  for (std::int64_t row = 0; row < rows; ++row) {
    const float squares = sum_of_squares(args.x[row].data(), dim);
    const float scale = 1.0F / std::sqrt(squares / static_cast<float>(dim) + args.eps);
    for (std::int64_t column = 0; column < dim; ++column) {
      const float weight = args.weight.empty() ? 1.0F : args.weight[column];
      args.out[row][column] = static_cast<float>(args.x[row][column] * scale * weight);
    }
  }
}

void ReferenceBackend::do_rotary_table(const RotaryTableArgs& args) {
  for (std::int64_t row = 0; row < std::ssize(args.positions); ++row)
    for (std::int64_t pair = 0; pair < args.frequencies.size(); ++pair) {
      // The release rounds the angle to float32 before it takes the cosine: at long positions that is visible.
      const float angle = static_cast<float>(args.positions[row]) * args.frequencies[pair];
      args.cosine[row][pair] = static_cast<float>(std::cos(angle));
      args.sine[row][pair] = static_cast<float>(std::sin(angle));
    }
}

void ReferenceBackend::do_rotate(const RotateArgs& args) {
  const auto [rows, heads, head_dim] = args.x.shape();
  const std::int64_t pairs = args.cosine.extent(1);
  for (std::int64_t row = 0; row < rows; ++row)
    for (std::int64_t head = 0; head < heads; ++head)
      for (std::int64_t pair = 0; pair < pairs; ++pair) {
        float& even = args.x[row][head][head_dim - 2 * pairs + 2 * pair];
        float& odd = args.x[row][head][head_dim - 2 * pairs + 2 * pair + 1];
        const float cosine = args.cosine[row][pair];
        const float sine = args.sine[row][pair] * (args.inverse ? -1.0F : 1.0F);
        const float real = even * cosine - odd * sine;
        const float imaginary = even * sine + odd * cosine;
        even = static_cast<float>(real);
        odd = static_cast<float>(imaginary);
      }
}

void ReferenceBackend::do_hadamard(const HadamardArgs& args) {
  const auto [rows, dim] = args.x.shape();
  std::vector<float> values(static_cast<std::size_t>(dim));
  const auto scale = static_cast<float>(1.0 / std::sqrt(static_cast<double>(dim)));
  for (std::int64_t row = 0; row < rows; ++row) {
    std::copy_n(args.x[row].data(), dim, values.begin());
    for (std::int64_t half = 1; half < dim; half *= 2)
      for (std::int64_t first = 0; first < dim; first += 2 * half)
        for (std::int64_t column = first; column < first + half; ++column) {
          const float low = values[column];
          const float high = values[column + half];
          values[column] = low + high;
          values[column + half] = low - high;
        }
    for (std::int64_t column = 0; column < dim; ++column) args.x[row][column] = values[column] * scale;
  }
}

void ReferenceBackend::do_round_index(const RoundIndexArgs& args) {
  std::vector<std::byte> stored(static_cast<std::size_t>(args.format.row_bytes()));
  for (std::int64_t row = 0; row < args.x.extent(0); ++row) {
    encode_index_key(args.format, args.x[row].span(), stored);
    decode_index_key(args.format, stored, args.x[row].span());
  }
}

void ReferenceBackend::do_add(const AddArgs& args) {
  const auto [rows, columns] = args.x.shape();
  for (std::int64_t row = 0; row < rows; ++row)
    for (std::int64_t column = 0; column < columns; ++column) args.out[row][column] += args.x[row][column];
}

}  // namespace fathom
