#include "fathom/trainer/fake_quantize.h"

#include <torch/csrc/autograd/custom_function.h>

#include <cmath>
#include <vector>

#include "fathom/base/error.h"
#include "fathom/tensor/numbers.h"
#include "fathom/trainer/kernels/device.h"

namespace fathom::train {
namespace {

using torch::Tensor;
using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

constexpr std::int64_t kNopeGroup = 64;   // ops/cache_format.h
constexpr std::int64_t kIndexGroup = 32;  // ops/cache_format.h
constexpr double kEntryFloor = 1e-4;      // least magnitude that a group of an entry is scaled by
constexpr double kIndexFloor = 6.0 * 0x1p-126;

// Note [Scales by their bits]: the smallest power of two >= value, from the exponent of a positive float32. The lowest
// code, 2^-127, lies half a step below the smallest normal number.
Tensor ceil_to_power_of_two(const Tensor& value) {
  const Tensor bits = value.contiguous().view(torch::kInt32);
  const Tensor mantissa = bits.bitwise_and(0x7fffff);
  const Tensor exponent = bits.bitwise_right_shift(23);
  const Tensor up =
      exponent.eq(0).logical_and(mantissa.gt(0x400000)).logical_or(exponent.gt(0).logical_and(mantissa.gt(0)));
  const Tensor code = (exponent + up.to(torch::kInt32)).clamp_max_(254);
  const Tensor scale = code.bitwise_left_shift(23).masked_fill_(code.eq(0), 0x400000);
  return scale.view(torch::kFloat32);
}

// |x| <= 448 after scaling: three mantissa bits, to even; below 2^-6 steps of 2^-9.
Tensor round_e4m3(const Tensor& x) {
  const Tensor magnitude = x.abs();
  Tensor bits = magnitude.view(torch::kInt32).clone();
  bits.add_(bits.bitwise_right_shift(20).bitwise_and_(1).add_(0x7ffff)).bitwise_and_(~0xfffff);
  const Tensor steps = (magnitude + 0x1p14).sub_(0x1p14);
  const Tensor rounded = torch::where(magnitude.lt(0x1p-6), steps, bits.view(torch::kFloat32));
  return rounded.clamp_max_(static_cast<double>(kE4m3Max)).copysign_(x);
}

// {0, .5, 1, 1.5, 2, 3, 4, 6}, ties to the even code: to even steps of .5 below 2, of 1 below 4, of 2 beyond.
Tensor round_e2m1(const Tensor& x) {
  const Tensor magnitude = x.abs();
  Tensor step = torch::full_like(magnitude, 0.5);
  step.masked_fill_(magnitude.ge(2.0), 1.0).masked_fill_(magnitude.ge(4.0), 2.0);
  const Tensor rounded = (magnitude / step).round_().mul_(step);
  return rounded.clamp_max_(static_cast<double>(kE2m1Max)).copysign_(x);
}

enum class Rounding { e4m3, e2m1 };

Tensor round_scaled(const Tensor& x, const Tensor& scale, Rounding rounding) {
  const Tensor scaled = x / scale;
  return (rounding == Rounding::e4m3 ? round_e4m3(scaled) : round_e2m1(scaled)).mul_(scale);
}

// Columns padded with zeros to whole groups: [..., groups, group].
Tensor in_groups(const Tensor& x, std::int64_t group) {
  const std::int64_t missing = (group - x.size(-1) % group) % group;
  const Tensor whole = missing == 0 ? x : torch::constant_pad_nd(x, {0, missing});
  std::vector<std::int64_t> shape = whole.sizes().vec();
  shape.back() /= group;
  shape.push_back(group);
  return whole.reshape(shape);
}

Tensor from_groups(const Tensor& groups, std::int64_t columns) { return groups.flatten(-2).narrow(-1, 0, columns); }

// As checkpoint/quantize.cpp: a block of zeros takes the scale 1.
Tensor weight_scale(const Tensor& largest, float range) {
  // A tensor to divide by: a plain number would become a product with its inverse on CUDA.
  const Tensor divisor = torch::full({}, static_cast<double>(range), largest.options());
  return ceil_to_power_of_two(largest / divisor).masked_fill_(largest.eq(0), 1.0);
}

Tensor through_fp4(const Tensor& x) {
  const Tensor groups = in_groups(x, kFp4Group);
  const Tensor scale = weight_scale(groups.abs().amax(-1, true), kE2m1Max);
  return from_groups(round_scaled(groups, scale, Rounding::e2m1), x.size(-1));
}

Tensor through_fp8(const Tensor& x) {
  const std::int64_t rows = x.size(-2);
  const std::int64_t columns = x.size(-1);
  const Tensor whole = torch::constant_pad_nd(
      x, {0, (kFp8Block - columns % kFp8Block) % kFp8Block, 0, (kFp8Block - rows % kFp8Block) % kFp8Block});
  const std::vector<std::int64_t> shape{-1, whole.size(-2) / kFp8Block, kFp8Block, whole.size(-1) / kFp8Block,
                                        kFp8Block};
  const Tensor blocks = whole.reshape(shape);
  const Tensor scale = weight_scale(blocks.abs().amax({2, 4}, true), kE4m3Max);
  return round_scaled(blocks, scale, Rounding::e4m3).view(whole.sizes()).narrow(-2, 0, rows).narrow(-1, 0, columns);
}

// As ops/cache_format.cpp: magnitudes have a floor, and the range divides as a product with its inverse.
Tensor through_cache(const Tensor& x, std::int64_t group, double floor, float range, Rounding rounding) {
  const Tensor groups = in_groups(x, group);
  const Tensor largest = groups.abs().amax(-1, true).clamp_min_(static_cast<double>(static_cast<float>(floor)));
  const Tensor scale = ceil_to_power_of_two(largest.mul_(static_cast<double>(1.0F / range)));
  return from_groups(round_scaled(groups, scale, rounding), x.size(-1));
}

// Gradient 1, whatever the rounding did.
struct StraightThrough : torch::autograd::Function<StraightThrough> {
  static Tensor forward(AutogradContext* /*context*/, const Tensor& /*values*/, const Tensor& rounded) {
    return rounded;
  }
  static variable_list backward(AutogradContext* /*context*/, variable_list gradients) {
    return {gradients[0], Tensor()};
  }
};

bool takes_weight(const Tensor& x, std::int64_t group) {
  return x.scalar_type() == torch::kFloat32 && device::takes_rounding(x, group);
}

Tensor weight_through_fp4(const Tensor& x) {
  if (!takes_weight(x, kFp4Group)) return through_fp4(x);
  Tensor out = torch::empty_like(x);
  device::round_fp4(x, out);
  return out;
}

Tensor weight_through_fp8(const Tensor& x) {
  if (!takes_weight(x, 1)) return through_fp8(x);
  Tensor out = torch::empty_like(x);
  device::round_fp8(x, out);
  return out;
}

// Hadamard's matrix is symmetric: its gradient goes through it again.
struct DeviceIndex : torch::autograd::Function<DeviceIndex> {
  static Tensor forward(AutogradContext* /*context*/, const Tensor& values) {
    return device::round_index(values.contiguous(), true);
  }
  static variable_list backward(AutogradContext* /*context*/, variable_list gradients) {
    return {device::round_index(gradients[0].contiguous(), false)};
  }
};

template <typename Rounding>
Tensor straight_through(const Tensor& values, const Rounding& rounded) {
  Tensor result;
  {
    const torch::NoGradGuard no_gradients;
    result = rounded(values.detach().to(torch::kFloat32)).to(values.scalar_type());
  }
  return StraightThrough::apply(values, result);
}

}  // namespace

Tensor fake_quantize(const Tensor& values, Storage storage) {
  switch (storage) {
    case Storage::f32: return values;
    case Storage::bf16:
      return straight_through(values, [](const Tensor& x) { return x.to(torch::kBFloat16).to(torch::kFloat32); });
    case Storage::fp8_block: return straight_through(values, weight_through_fp8);
    case Storage::fp4_group: return straight_through(values, weight_through_fp4);
    case Storage::i64:
    case Storage::i32: break;
  }
  throw InternalError("[fake_quantize] {} holds no floats", name_of(storage));
}

Tensor fake_quantize_entries(const Tensor& entries, std::int64_t rope_dim) {
  const std::int64_t still = entries.size(-1) - rope_dim;
  if (device::takes(entries) && still % kNopeGroup == 0 && entries.size(-1) % kNopeGroup == 0) {
    return StraightThrough::apply(entries, device::round_entries(entries.detach().contiguous(), still));
  }
  return straight_through(entries, [&](const Tensor& x) {
    const std::int64_t nope = x.size(-1) - rope_dim;
    const Tensor rope = x.narrow(-1, nope, rope_dim).to(torch::kBFloat16).to(torch::kFloat32);
    return torch::cat({through_cache(x.narrow(-1, 0, nope), kNopeGroup, kEntryFloor, kE4m3Max, Rounding::e4m3), rope},
                      -1);
  });
}

Tensor fake_quantize_index(const Tensor& values) {
  const std::int64_t dim = values.size(-1);
  if (device::takes(values) && (dim == 32 || dim == 64 || dim == 128 || dim == 256)) return DeviceIndex::apply(values);
  return straight_through(hadamard(values), [](const Tensor& x) {
    return through_cache(x, kIndexGroup, kIndexFloor, kE2m1Max, Rounding::e2m1);
  });
}

Tensor hadamard(const Tensor& x) {
  const std::int64_t dim = x.size(-1);
  Tensor values = x;
  for (std::int64_t half = 1; half < dim; half *= 2) {
    const Tensor pairs = values.reshape({-1, dim / (2 * half), 2, half});
    const Tensor low = pairs.select(2, 0);
    const Tensor high = pairs.select(2, 1);
    values = torch::stack({low + high, low - high}, 2);
  }
  return values.reshape(x.sizes()) * (1.0 / std::sqrt(static_cast<double>(dim)));
}

}  // namespace fathom::train
