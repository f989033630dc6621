// Note [A head's sketch]: a sampled token needs the few logits that can win, not all of them. A sketch holds the head's
// weights in one byte, where released ones take two, so that a decoded token reads half of the head: it gives each
// logit to within a bound, and whoever cannot win by it is left out. The logits of the others are computed from the
// weights as released, by the kernels that compute all of them, so that the token is the same to the bit.
//
// For an output with weights w, codes q and scale s, and a row x that is unit * a, a whole, up to `x_rest`:
//   |logit - s unit (q . a)| <= |x| |w - s q| + |x_rest| |s q| + |x| |w| (columns + 4) 2^-24
// by Cauchy and Schwarz; the last term is for the rounding of the logit's own sum (n products and sums of float32).
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "fathom/backends/cpu/kernels/sketch.h"
#include "fathom/base/thread_pool.h"
#include "fathom/tensor/memory.h"
#include "fathom/tensor/weight.h"

namespace fathom {

// Rows of x as whole numbers.
struct SketchedX {
  struct Row {
    double unit = 0.0;
    double norm = 0.0;
    double rest_norm = 0.0;
    bool is_finite = false;
  };
  std::vector<std::int16_t> codes;  // [rows, padded columns]
  std::vector<Row> rows;
};

class HeadSketch {
 public:
  // Of more columns the sums of squares, and the rounding of a logit, could exceed what is added for them.
  static constexpr std::int64_t kMostColumns = 16384;

  // The pool divides outputs as products do. InternalError for more columns.
  HeadSketch(const WeightView& weight, ThreadPool& pool, Allocator& memory);

  std::int64_t outputs() const { return std::ssize(rows_); }
  std::int64_t bytes() const { return codes_.bytes() + std::ssize(rows_) * std::int64_t{sizeof(Row)}; }

  SketchedX lay(std::span<const float* const> rows) const;
  // Of outputs [first, last): sums [rows, last - first].
  void multiply(const SketchedX& x, std::int64_t first, std::int64_t last, std::int64_t* sums) const;

  // A logit is within `bound` of `value`.
  struct Estimate {
    double value = 0.0;
    double bound = 0.0;
  };
  Estimate estimate(std::int64_t output, std::int64_t sum, const SketchedX::Row& x) const {
    const Row& row = rows_[static_cast<std::size_t>(output)];
    constexpr double kLeast = 1e-30;  // a subnormal's rounding, and more
    return {
        .value = static_cast<double>(row.scale) * x.unit * static_cast<double>(sum),
        .bound = x.norm * static_cast<double>(row.rest) + x.rest_norm * static_cast<double>(row.code_norm) + kLeast};
  }

 private:
  struct Row {
    float scale = 0.0F;
    float rest = 0.0F;  // |w - s q| + |w| (columns + 4) 2^-24
    float code_norm = 0.0F;
  };

  std::int64_t columns_;
  std::int64_t padded_;
  Memory codes_;  // [outputs, padded]
  std::vector<Row> rows_;
};

}  // namespace fathom
