#include "fathom/backends/cpu/head_sketch.h"

#include <algorithm>
#include <cmath>

#include "fathom/backends/cpu/packed_weight.h"
#include "fathom/tensor/weight_values.h"

namespace fathom {
namespace {

// Above every rounding of the bound's own terms.
constexpr double kSlack = 1.001;

}  // namespace

HeadSketch::HeadSketch(const WeightView& weight, ThreadPool& pool, Allocator& memory, std::int64_t least_divided)
    : columns_(weight.in),
      is_divided_(weight.out * whole_groups(weight.in) >= least_divided),
      padded_(is_divided_ ? sketch_blocks(weight.in) * kSketchBlock : whole_groups(weight.in)),
      upper_(memory, weight.out * (is_divided_ ? padded_ / kSketchBlock * kUpperBytes : padded_)),
      lower_(memory, is_divided_ ? weight.out * padded_ / kSketchBlock * kLowerBytes : 0),
      rows_(static_cast<std::size_t>(weight.out)) {
  check_weight(weight);
  check(columns_ <= kMostColumns, "a head's sketch has no more columns than its bounds are for");
  const double rounding = static_cast<double>(columns_ + 4) * 0x1p-24;
  const std::int64_t pieces = (weight.out + kPieceOutputs - 1) / kPieceOutputs;
  pool.parallel_for(pieces, 1, [&](std::int64_t first, std::int64_t last, std::int64_t /*worker*/) {
    std::vector<float> values(static_cast<std::size_t>(columns_));
    for (std::int64_t row = first * kPieceOutputs; row < std::min(last * kPieceOutputs, weight.out); ++row) {
      read_weight_row(weight, row, values);
      const SketchedRow sketched = sketch(row, values);
      const auto with_rounding = [&](float rest) {
        return static_cast<float>(kSlack * (static_cast<double>(rest) + rounding * static_cast<double>(sketched.norm)));
      };
      rows_[static_cast<std::size_t>(row)] = {
          .scale = sketched.scale,
          .rest = with_rounding(sketched.rest_norm),
          .upper_rest = with_rounding(is_divided_ ? sketched.upper_rest_norm : sketched.rest_norm),
          .code_norm = sketched.code_norm};
    }
  });
}

SketchedRow HeadSketch::sketch(std::int64_t row, std::span<const float> values) {
  const std::int64_t blocks = padded_ / kSketchBlock;
  return is_divided_
             ? sketch_row(values.data(), columns_, upper_.data() + row * blocks * kUpperBytes,
                          lower_.data() + row * blocks * kLowerBytes)
             : sketch_row(values.data(), columns_, reinterpret_cast<std::int8_t*>(upper_.data()) + row * padded_);
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
    for (std::int64_t column = 0; column < columns_; ++column) {
      const auto value = static_cast<double>(rows[row][column]);
      const double whole = std::nearbyint(value / laid_row.unit);
      const auto code = static_cast<int>(std::clamp(whole, -1.0 * kMostSketchX, 1.0 * kMostSketchX));
      codes[is_divided_ ? place_in_sketch_x(column) : column] = static_cast<std::int16_t>(code);
      const double rest = value - laid_row.unit * static_cast<double>(code);
      laid_row.sum += code;
      squares += value * value;
      rest_squares += rest * rest;
    }
    laid_row.norm = kSlack * std::sqrt(squares);
    laid_row.rest_norm = kSlack * std::sqrt(rest_squares);
  }
  return laid;
}

void HeadSketch::multiply(const SketchedX& x, std::int64_t first, std::int64_t last, View<std::int64_t, 2> sums) const {
  const auto rows = std::ssize(x.rows);
  if (!is_divided_)
    return sketch_piece(WholeSketchPiece{.codes = reinterpret_cast<const std::int8_t*>(upper_.data()) + first * padded_,
                                         .outputs = last - first,
                                         .columns = padded_,
                                         .x = x.codes.data(),
                                         .rows = rows,
                                         .sums = sums.data() + first,
                                         .apart = sums.extent(1)});
  sketch_piece(SketchPiece{.upper = upper_.data() + first * padded_ / kSketchBlock * kUpperBytes,
                           .outputs = last - first,
                           .columns = columns_,
                           .x = x.codes.data(),
                           .rows = rows,
                           .sums = sums.data() + first,
                           .apart = sums.extent(1)});
  for (std::int64_t row = 0; row < rows; ++row)
    for (std::int64_t& sum :
         sums[row].span().subspan(static_cast<std::size_t>(first), static_cast<std::size_t>(last - first)))
      sum = kLowerCodes * sum - kSketchOrigin * x.rows[static_cast<std::size_t>(row)].sum;
}

std::int64_t HeadSketch::lower_sum(const SketchedX& x, std::size_t row, std::int64_t output) const {
  if (!is_divided_) return 0;
  return sketch_lower(lower_.data() + output * padded_ / kSketchBlock * kLowerBytes,
                      x.codes.data() + static_cast<std::int64_t>(row) * padded_, padded_);
}

void HeadSketch::fetch_lower(std::int64_t output) const {
  if (!is_divided_) return;
  const std::int64_t bytes = padded_ / kSketchBlock * kLowerBytes;
  for (std::int64_t byte = 0; byte < bytes; byte += 64) __builtin_prefetch(lower_.data() + output * bytes + byte);
}

}  // namespace fathom
