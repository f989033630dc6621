#include "fathom/backends/cpu/kernels/rows.h"

#include <cmath>

#include "fathom/backends/cpu/kernels/packed_tiles.h"
#include "fathom/backends/cpu/kernels/targets.h"
#include "fathom/ops/cache_format.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "fathom/backends/cpu/kernels/rows.cpp"
#include <hwy/foreach_target.h>
// After foreach_target:
#include "fathom/backends/cpu/kernels/log_inl.h"
#include "fathom/backends/cpu/kernels/sum_inl.h"
#include "fathom/tensor/numbers.h"

HWY_BEFORE_NAMESPACE();
namespace fathom::HWY_NAMESPACE {

float SumOfSquares(const float* x, std::int64_t columns) {
  const auto squares = [x](std::int64_t column) HWY_ATTR {
    const Part part = load_part(x + column);
    return hn::Mul(part, part);
  };
  return row_sum_along(columns, squares, [x](std::int64_t column) { return x[column] * x[column]; });
}

void ScaleRow(const float* x, float scale, const float* weight, std::int64_t columns, float* out) {
  for (std::int64_t column = 0; column < columns; column += kLanes) {
    const std::int64_t left = columns - column;
    Part value = hn::Mul(load_first(x + column, left), set_part(scale));
    if (weight != nullptr) value = hn::Mul(value, load_first(weight + column, left));
    store_first(value, out + column, left);
  }
}

// One vector of pairs; the buffer of the last ones is padded.
HWY_INLINE void rotate_pairs(float* x, Part cosine, Part sine) {
  Part even;
  Part odd;
  hn::LoadInterleaved2(Lanes(), x, even, odd);
  const Part real = hn::Sub(hn::Mul(even, cosine), hn::Mul(odd, sine));
  const Part imaginary = hn::Add(hn::Mul(even, sine), hn::Mul(odd, cosine));
  hn::StoreInterleaved2(real, imaginary, Lanes(), x);
}

void RotateRow(float* x, const float* cosine, const float* sine, bool inverse, std::int64_t pairs) {
  for (std::int64_t pair = 0; pair < pairs; pair += kLanes) {
    const std::int64_t left = pairs - pair;
    const Part turn = load_first(sine + pair, left);
    const Part sines = inverse ? hn::Neg(turn) : turn;
    const Part cosines = load_first(cosine + pair, left);
    if (left >= kLanes) {
      rotate_pairs(x + 2 * pair, cosines, sines);
    } else {
      HWY_ALIGN float rest[2 * kLanes] = {};
      const std::size_t bytes = static_cast<std::size_t>(left) * 2 * sizeof(float);
      std::memcpy(rest, x + 2 * pair, bytes);
      rotate_pairs(rest, cosines, sines);
      std::memcpy(x + 2 * pair, rest, bytes);
    }
  }
}

// Sums and differences at distance `half`, wherever the distance is a whole vector.
HWY_INLINE void butterflies(float* x, std::int64_t half, std::int64_t columns) {
  const hn::CappedTag<float, 4> four;
  constexpr std::int64_t kStep = static_cast<std::int64_t>(hn::MaxLanes(four));
  for (std::int64_t first = 0; first < columns; first += 2 * half)
    for (std::int64_t column = first; column < first + half; column += kStep) {
      const auto low = hn::LoadU(four, x + column);
      const auto high = hn::LoadU(four, x + column + half);
      hn::StoreU(hn::Add(low, high), four, x + column);
      hn::StoreU(hn::Sub(low, high), four, x + column + half);
    }
}

void HadamardRow(float* x, std::int64_t columns) {
  std::int64_t half = 1;
  for (; half < 4 && half < columns; half *= 2)
    for (std::int64_t first = 0; first < columns; first += 2 * half)
      for (std::int64_t column = first; column < first + half; ++column) {
        const float low = x[column];
        const float high = x[column + half];
        x[column] = low + high;
        x[column + half] = low - high;
      }
  for (; half < columns; half *= 2) butterflies(x, half, columns);
  ScaleRow(x, static_cast<float>(1.0 / std::sqrt(static_cast<double>(columns))), nullptr, columns, x);
}

// The nearest of E2M1's magnitudes, ties to the even code: the distance between neighbours is 0.5, 1 or 2, and adding
// and taking away 2^23 such distances rounds to a multiple of it.
HWY_INLINE Part round_e2m1(Part value) {
  const Part magnitude = hn::Abs(value);
  const auto to_multiple = [](Part x, float shift)
                               HWY_ATTR { return hn::Sub(hn::Add(x, set_part(shift)), set_part(shift)); };
  const Part small = to_multiple(magnitude, 0x1p22F);
  const Part middle = to_multiple(magnitude, 0x1p23F);
  const Part large = hn::Min(to_multiple(magnitude, 0x1p24F), set_part(kE2m1Max));
  const Part rounded = hn::IfThenElse(hn::Lt(magnitude, set_part(2.0F)), small,
                                      hn::IfThenElse(hn::Lt(magnitude, set_part(4.0F)), middle, large));
  return hn::CopySignToAbs(rounded, value);
}

void RoundE2m1Row(float* x, std::int64_t columns) {
  constexpr float kAmaxFloor = 6.0F * 0x1p-126F;
  for (std::int64_t first = 0; first < columns; first += kIndexScaleGroup) {
    const std::int64_t count = HWY_MIN(kIndexScaleGroup, columns - first);
    Part largest = set_part(kAmaxFloor);
    for (std::int64_t column = 0; column < count; column += kLanes)
      largest = hn::Max(largest, hn::Abs(load_first(x + first + column, count - column)));
    const float amax = hn::GetLane(hn::MaxOfLanes(Lanes(), largest));
    const float scale = e8m0_to_float(ceil_to_e8m0(amax * (1.0F / kE2m1Max)));
    const Part up = set_part(scale);
    const Part down = set_part(1.0F / scale);
    for (std::int64_t column = 0; column < count; column += kLanes) {
      float* values = x + first + column;
      const Part code = round_e2m1(hn::Mul(load_first(values, count - column), down));
      store_first(hn::Mul(code, up), values, count - column);
    }
  }
}

void SwigluRow(const float* gate, const float* up, float limit, float weight, std::int64_t columns, float* out) {
  const Part most = set_part(limit);
  const Part least = set_part(-limit);
  for (std::int64_t column = 0; column < columns; column += kLanes) {
    const std::int64_t left = columns - column;
    Part gates = load_first(gate + column, left);
    Part ups = load_first(up + column, left);
    if (limit > 0.0F) {  // comparisons, not Min and Max, so that NaN stays NaN
      gates = hn::IfThenElse(hn::Gt(gates, most), most, gates);
      ups = hn::IfThenElse(hn::Gt(ups, most), most, hn::IfThenElse(hn::Lt(ups, least), least, ups));
    }
    const Part silu = hn::Div(gates, hn::Add(set_part(1.0F), exp_part(hn::Neg(gates))));
    store_first(hn::Mul(hn::Mul(silu, ups), set_part(weight)), out + column, left);
  }
}

void RoutingScoresRow(const float* logits, std::int64_t count, float* out) {
  for (std::int64_t first = 0; first < count; first += kLanes) {
    const Part logit = load_first(logits + first, count - first);
    const Part large = hn::IfThenElse(hn::Gt(logit, set_part(20.0F)), logit, log1p_part(exp_part(logit)));
    const Part softplus = hn::IfThenElse(hn::Eq(logit, logit), large, logit);  // NaN with the sign it had
    store_first(hn::Sqrt(softplus), out + first, count - first);
  }
}

void AddRow(const float* x, std::int64_t columns, float* out) {
  for (std::int64_t column = 0; column < columns; column += kLanes) {
    const std::int64_t left = columns - column;
    store_first(hn::Add(load_first(out + column, left), load_first(x + column, left)), out + column, left);
  }
}

bool IsModerate(const float* x, std::int64_t columns) {
  const Part least = set_part(kLeastModerateX);
  const Part most = set_part(kMostModerateX);
  auto inside = hn::Eq(zero_part(), zero_part());
  for (std::int64_t index = 0; index < columns; index += kLanes) {
    const Part size = hn::Abs(load_first(x + index, columns - index));
    const auto is_large_enough = hn::Or(hn::Ge(size, least), hn::Eq(size, zero_part()));
    inside = hn::And(inside, hn::And(is_large_enough, hn::Lt(size, most)));
  }
  return hn::AllTrue(Lanes(), inside);
}

}  // namespace fathom::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace fathom {

HWY_EXPORT(SumOfSquares);
HWY_EXPORT(ScaleRow);
HWY_EXPORT(RotateRow);
HWY_EXPORT(HadamardRow);
HWY_EXPORT(RoundE2m1Row);
HWY_EXPORT(SwigluRow);
HWY_EXPORT(RoutingScoresRow);
HWY_EXPORT(AddRow);
HWY_EXPORT(IsModerate);

float sum_squares_row(const float* x, std::int64_t columns) { return HWY_DYNAMIC_DISPATCH(SumOfSquares)(x, columns); }

void scale_row(const float* x, float scale, const float* weight, std::int64_t columns, float* out) {
  HWY_DYNAMIC_DISPATCH(ScaleRow)(x, scale, weight, columns, out);
}

void norm_row(const float* x, const float* weight, float eps, std::int64_t columns, float* out) {
  const float mean = sum_squares_row(x, columns) / static_cast<float>(columns);
  scale_row(x, 1.0F / std::sqrt(mean + eps), weight, columns, out);
}

void rotate_row(float* x, const float* cosine, const float* sine, bool inverse, std::int64_t pairs) {
  HWY_DYNAMIC_DISPATCH(RotateRow)(x, cosine, sine, inverse, pairs);
}

void hadamard_row(float* x, std::int64_t columns) { HWY_DYNAMIC_DISPATCH(HadamardRow)(x, columns); }

void round_e2m1_row(float* x, std::int64_t columns) { HWY_DYNAMIC_DISPATCH(RoundE2m1Row)(x, columns); }

void swiglu_row(const float* gate, const float* up, float limit, float weight, std::int64_t columns, float* out) {
  HWY_DYNAMIC_DISPATCH(SwigluRow)(gate, up, limit, weight, columns, out);
}

void routing_scores_row(const float* logits, std::int64_t count, float* out) {
  HWY_DYNAMIC_DISPATCH(RoutingScoresRow)(logits, count, out);
}

void add_row(const float* x, std::int64_t columns, float* out) { HWY_DYNAMIC_DISPATCH(AddRow)(x, columns, out); }

bool is_moderate(const float* x, std::int64_t columns) { return HWY_DYNAMIC_DISPATCH(IsModerate)(x, columns); }

}  // namespace fathom
#endif
