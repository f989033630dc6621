#include "fathom/backends/cpu/head_sketch.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "fathom/backends/cpu/packed_weight.h"
#include "fathom/tensor/weight_values.h"

namespace fathom {
namespace {

// Above every rounding of the bound's own terms.
constexpr double kSlack = 1.001;

void read_row(const WeightView& weight, std::int64_t row, std::span<float> values) {
  if (weight.format != WeightFormat::bf16) {
    for (std::int64_t column = 0; column < weight.in; ++column)
      values[static_cast<std::size_t>(column)] = weight_value(weight, row, column);
    return;
  }
  const std::byte* from = weight.data.data() + row * weight.in * 2;
  for (std::size_t column = 0; column < values.size(); ++column) {
    std::uint16_t bits = 0;
    std::memcpy(&bits, from + 2 * column, 2);
    const std::uint32_t word = std::uint32_t{bits} << 16U;
    std::memcpy(&values[column], &word, 4);
  }
}

}  // namespace

HeadSketch::HeadSketch(const WeightView& weight, ThreadPool& pool, Allocator& memory)
    : columns_(weight.in),
      padded_((weight.in + kSketchBlock - 1) / kSketchBlock * kSketchBlock),
      codes_(memory, weight.out * padded_),
      rows_(static_cast<std::size_t>(weight.out)) {
  check_weight(weight);
  check(columns_ <= kMostColumns, "a head's sketch has no more columns than its bounds are for");
  auto* codes = reinterpret_cast<std::int8_t*>(codes_.data());
  const double rounding = static_cast<double>(columns_ + 4) * 0x1p-24;
  const std::int64_t pieces = (weight.out + kPieceOutputs - 1) / kPieceOutputs;
  pool.parallel_for(pieces, 1, [&](std::int64_t first, std::int64_t last, std::int64_t /*worker*/) {
    std::vector<float> values(static_cast<std::size_t>(columns_));
    for (std::int64_t row = first * kPieceOutputs; row < std::min(last * kPieceOutputs, weight.out); ++row) {
      read_row(weight, row, values);
      const SketchedRow sketched = sketch_row(values.data(), columns_, codes + row * padded_);
      rows_[static_cast<std::size_t>(row)] = {
          .scale = sketched.scale,
          .rest = static_cast<float>(
              kSlack * (static_cast<double>(sketched.rest_norm) + rounding * static_cast<double>(sketched.norm))),
          .code_norm = sketched.code_norm};
    }
  });
}

SketchedX HeadSketch::lay(std::span<const float* const> rows) const {
  SketchedX laid;
  laid.codes.resize(rows.size() * static_cast<std::size_t>(padded_));
  laid.rows.resize(rows.size());
  for (std::size_t row = 0; row < rows.size(); ++row) {
    const auto values = std::span(rows[row], static_cast<std::size_t>(columns_));
    SketchedX::Row& laid_row = laid.rows[row];
    laid_row.is_finite = std::all_of(values.begin(), values.end(), [](float value) { return std::isfinite(value); });
    if (!laid_row.is_finite) continue;
    double most = 0.0;
    for (const float value : values) most = std::max(most, std::fabs(static_cast<double>(value)));
    laid_row.unit = most > 0.0 ? most / kMostSketchX : 1.0;
    double squares = 0.0;
    double rest_squares = 0.0;
    std::int16_t* codes = laid.codes.data() + static_cast<std::int64_t>(row) * padded_;
    for (std::size_t column = 0; column < values.size(); ++column) {
      const auto value = static_cast<double>(values[column]);
      const double whole = std::nearbyint(value / laid_row.unit);
      codes[column] = static_cast<std::int16_t>(std::clamp(whole, -1.0 * kMostSketchX, 1.0 * kMostSketchX));
      const double rest = value - laid_row.unit * static_cast<double>(codes[column]);
      squares += value * value;
      rest_squares += rest * rest;
    }
    laid_row.norm = kSlack * std::sqrt(squares);
    laid_row.rest_norm = kSlack * std::sqrt(rest_squares);
  }
  return laid;
}

void HeadSketch::multiply(const SketchedX& x, std::int64_t first, std::int64_t last, std::int64_t* sums) const {
  sketch_piece({.codes = reinterpret_cast<const std::int8_t*>(codes_.data()) + first * padded_,
                .outputs = last - first,
                .columns = padded_,
                .x = x.codes.data(),
                .rows = std::ssize(x.rows),
                .sums = sums});
}

}  // namespace fathom
