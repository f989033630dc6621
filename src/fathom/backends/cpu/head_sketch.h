// Note [A head's sketch]: a sampled token needs the few logits that can win, not all of them. A sketch holds the head's
// weights in one byte, where released ones take two, the six leading bits of which lie together, so that a decoded
// token reads three eighths of the head: they give each logit to within a bound. The few that look largest are computed
// exactly and are the bar: of the few per cent that may reach it the two last bits are read as well, and whoever cannot
// reach it by the narrower bound is left out. The logits of the others are computed from the weights as released, by
// the kernels that compute all of them, so that the token is the same to the bit.
//
// For an output with weights w, codes q and scale s, and a row x that is unit * a, a whole, up to `x_rest`:
//   |logit - s unit (q . a)| <= |x| |w - s q| + |x_rest| |s q| + |x| |w| (columns + 4) 2^-24
// by Cauchy and Schwarz; the last term is for the rounding of the logit's own sum (n products and sums of float32).
// Without the two last bits q is the mean of the four codes that it may be. A sketch that the caches hold is not
// divided: there reading is cheap, and what comes of six bits is of eight.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "fathom/backends/cpu/kernels/sketch_row.h"
#include "fathom/base/thread_pool.h"
#include "fathom/tensor/memory.h"
#include "fathom/tensor/view.h"
#include "fathom/tensor/weight.h"

namespace fathom {

// Rows of x as whole numbers.
struct SketchedX {
  struct Row {
    double unit = 0.0;
    double norm = 0.0;
    double rest_norm = 0.0;
    std::int64_t sum = 0;  // of the codes
    bool is_finite = false;
  };
  std::vector<std::int16_t> codes;  // [rows, padded columns], as the sketch's products take them
  std::vector<Row> rows;
};

class HeadSketch {
 public:
  // Of more columns the sums of squares, and the rounding of a logit, could exceed what is added for them.
  static constexpr std::int64_t kMostColumns = 16384;

  // A sketch of fewer bytes than `least_divided` is not divided. The pool divides outputs as products do. InternalError
  // for more columns.
  HeadSketch(const WeightView& weight, ThreadPool& pool, Allocator& memory, std::int64_t least_divided);

  std::int64_t outputs() const { return std::ssize(rows_); }
  std::int64_t bytes() const { return upper_bytes() + lower_.bytes(); }
  // What every token reads.
  std::int64_t upper_bytes() const { return upper_.bytes() + std::ssize(rows_) * std::int64_t{sizeof(Row)}; }

  SketchedX lay(std::span<const float* const> rows) const;
  // Of outputs [first, last), without the last bits, into those columns of sums [rows, outputs].
  void multiply(const SketchedX& x, std::int64_t first, std::int64_t last, View<std::int64_t, 2> sums) const;
  // What the last bits add to such a sum; nothing where the sketch is not divided.
  std::int64_t lower_sum(const SketchedX& x, std::size_t row, std::int64_t output) const;
  // Asks for an output's last bits ahead.
  void fetch_lower(std::int64_t output) const;

  // A logit is within `bound` of `value`.
  struct Estimate {
    double value = 0.0;
    double bound = 0.0;
  };
  // Of a sum without the last bits, and of one with them.
  Estimate rough_estimate(std::int64_t output, std::int64_t sum, const SketchedX::Row& x) const {
    const Row& row = rows_[static_cast<std::size_t>(output)];
    const double mean = is_divided_ ? 0.5 * (kLowerCodes - 1) : 0.0;
    return estimate(row, static_cast<double>(sum) + mean * static_cast<double>(x.sum), row.upper_rest, x);
  }
  Estimate estimate(std::int64_t output, std::int64_t sum, const SketchedX::Row& x) const {
    const Row& row = rows_[static_cast<std::size_t>(output)];
    return estimate(row, static_cast<double>(sum), row.rest, x);
  }

 private:
  struct Row {
    float scale = 0.0F;
    float rest = 0.0F;        // |w - s q| + |w| (columns + 4) 2^-24
    float upper_rest = 0.0F;  // the same of the upper codes and their mean
    float code_norm = 0.0F;
  };

  SketchedRow sketch(std::int64_t row, std::span<const float> values);

  static Estimate estimate(const Row& row, double sum, float rest, const SketchedX::Row& x) {
    constexpr double kLeast = 1e-30;  // a subnormal's rounding, and more
    return {.value = static_cast<double>(row.scale) * x.unit * sum,
            .bound = x.norm * static_cast<double>(rest) + x.rest_norm * static_cast<double>(row.code_norm) + kLeast};
  }

  std::int64_t columns_;
  bool is_divided_;
  std::int64_t padded_;  // columns
  Memory upper_;         // [outputs, blocks, kUpperBytes], or [outputs, padded columns] of whole codes
  Memory lower_;         // [outputs, blocks, kLowerBytes], or nothing
  std::vector<Row> rows_;
};

}  // namespace fathom
