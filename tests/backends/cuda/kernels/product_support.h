// Weights on the device beside their values on the host, rows as products see them, and sums in double precision.
#pragma once

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "fathom/backends/cuda/kernels/products.h"
#include "fathom/tensor/numbers.h"
#include "tests/backends/cuda/kernels/device_memory_support.h"
#include "tests/ops/weight_support.h"

namespace fathom::cuda {

using op_test::Random;
using op_test::TestWeight;
using op_test::WeightShape;

// That need not be here; how many clusters it has room for is not said.
inline constexpr ProductDevice kH200 = {
    .capability = 90, .multiprocessors = 132, .shared_of_block = 232448, .shared_of_multiprocessor = 233472};

// The largest distance from the exact sum, relative to the sum of the terms' magnitudes.
inline constexpr double kFloat32Tolerance = op_test::kLinear;
inline constexpr double kFp8Tolerance = 5e-4;  // Hopper's FP8 sums keep 13 bits or so within 128 inputs

class DeviceWeight {
 public:
  explicit DeviceWeight(const TestWeight& weight)
      : tiles_(product_weight_bytes(weight.view())), product_(prepare(weight.view())) {}

  const ProductWeight& product() const { return product_; }

 private:
  ProductWeight prepare(WeightView view) {
    const DeviceArray<std::byte> data(view.data, 3);  // off any boundary
    const DeviceArray<std::byte> scale(view.scale, 1);
    view.data = {data.data(), view.data.size()};
    view.scale = {scale.data(), view.scale.size()};
    const ProductWeight prepared = prepare_product_weight(view, tiles_.data(), nullptr);
    cuda_check(cudaDeviceSynchronize(), "prepare_product_weight");
    return prepared;
  }

  DeviceArray<std::uint8_t> tiles_;
  ProductWeight product_;
};

// What a row is after packing: itself, or each 128 of it rounded to e4m3 times a power of two.
inline std::vector<double> rounded_row(std::span<const float> row, Operand operand) {
  std::vector<double> rounded(row.begin(), row.end());
  if (operand == Operand::f16) return rounded;
  for (std::size_t first = 0; first < row.size(); first += 128) {
    const std::size_t last = std::min(row.size(), first + 128);
    float largest = 1e-4F;
    for (std::size_t input = first; input < last; ++input) largest = std::max(largest, std::fabs(row[input]));
    const double scale = std::exp2(std::ceil(std::log2(static_cast<double>(largest) / 448.0)));
    for (std::size_t input = first; input < last; ++input)
      rounded[input] =
          op_test::slow_e4m3(float_to_e4m3(static_cast<float>(static_cast<double>(row[input]) / scale))) * scale;
  }
  return rounded;
}

struct ExactSum {
  double sum = 0.0;
  double magnitude = 0.0;
};

// A weight's values, read once.
class ExactWeight {
 public:
  explicit ExactWeight(const TestWeight& weight) : in_(weight.shape().in) {
    for (std::int64_t output = 0; output < weight.shape().out; ++output)
      for (std::int64_t input = 0; input < in_; ++input)
        values_.push_back(static_cast<double>(weight.at(output, input)));
  }

  ExactSum sum(std::int64_t output, std::span<const double> row) const {
    ExactSum exact;
    for (std::int64_t input = 0; input < in_; ++input) {
      const double term = values_[output * in_ + input] * row[input];
      exact.sum += term;
      exact.magnitude += std::fabs(term);
    }
    return exact;
  }

 private:
  std::int64_t in_;
  std::vector<double> values_;
};

inline std::vector<float> random_rows(Random& random, std::int64_t rows, std::int64_t in) {
  std::vector<float> x;
  for (std::int64_t row = 0; row < rows; ++row) {
    const double size = std::exp2(random.uniform(-6, 6));
    for (std::int64_t input = 0; input < in; ++input) x.push_back(random.normal() * static_cast<float>(size));
  }
  return x;
}

// multiply() of one weight by rows that lie off any boundary; what lies between the rows of the result stays untouched.
inline std::vector<float> product_of(const ProductDevice& device, const ProductWeight& weight, std::span<const float> x,
                                     std::int64_t rows, Operand operand) {
  const std::int64_t gap = 3;
  const DeviceArray<float> on_device(x, 1);
  DeviceArray<std::uint8_t> workspace(packed_rows_bytes(rows, weight.in, 1, operand));
  const DeviceArray<float> out(rows * (weight.out + gap), 1);
  const PackedRows packed =
      pack_rows(device, {.x = on_device.data(), .rows = rows, .in = weight.in, .row_stride = weight.in},
                PackedBy::products, operand, workspace.data(), nullptr);
  const ProductOutput output = {.weight = &weight, .out = out.data(), .row_stride = weight.out + gap};
  multiply(device, {&output, 1}, packed, nullptr);
  cuda_check(cudaDeviceSynchronize(), "multiply");
  const std::vector<float> all = out.host();
  std::vector<float> result;
  for (std::int64_t row = 0; row < rows; ++row)
    for (std::int64_t output_row = 0; output_row < weight.out + gap; ++output_row) {
      const float value = all[row * (weight.out + gap) + output_row];
      if (output_row < weight.out)
        result.push_back(value);
      else if (std::bit_cast<std::uint32_t>(value) != 0xffffffffU)
        ADD_FAILURE() << "row " << row << " was written beyond its " << weight.out << " outputs";
    }
  return result;
}

}  // namespace fathom::cuda
