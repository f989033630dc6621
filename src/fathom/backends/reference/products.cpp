#include <cstring>
#include <vector>

#include "fathom/backends/reference/reference_backend.h"
#include "fathom/tensor/numbers.h"

namespace fathom {
namespace {

template <typename T>
T read(std::span<const std::byte> bytes, std::int64_t index) {
  T value;
  std::memcpy(&value, bytes.data() + index * static_cast<std::int64_t>(sizeof(T)), sizeof(T));
  return value;
}

float scale_of(const WeightView& view, std::int64_t row, std::int64_t column) {
  const std::int64_t columns = (view.in + view.scale_columns - 1) / view.scale_columns;
  const std::int64_t index = row / view.scale_rows * columns + column / view.scale_columns;
  return view.scale_dtype == DType::f32 ? read<float>(view.scale, index)
                                        : e8m0_to_float(read<std::uint8_t>(view.scale, index));
}

float value_of(const WeightView& view, std::int64_t row, std::int64_t column) {
  const std::int64_t index = row * view.in + column;
  switch (view.format) {
    case WeightFormat::f32: return read<float>(view.data, index);
    case WeightFormat::bf16: return bf16_to_float(read<std::uint16_t>(view.data, index));
    case WeightFormat::fp8_block:
      return e4m3_to_float(read<std::uint8_t>(view.data, index)) * scale_of(view, row, column);
    case WeightFormat::fp4_group: {
      const auto pair = read<std::uint8_t>(view.data, row * (view.in / 2) + column / 2);
      const auto code =
          static_cast<std::uint8_t>((column & 1) != 0 ? pair >> 4 : pair & 0xf);  // low nibble: even column
      return e2m1_to_float(code) * scale_of(view, row, column);
    }
  }
  return 0.0F;
}

// Every value widened once. The scales are powers of two, so that nothing is rounded on the way.
class WidenedWeight final : public PreparedWeight {
 public:
  explicit WidenedWeight(const WeightView& view) : PreparedWeight(view.out, view.in) {
    values_.reserve(static_cast<std::size_t>(out * in));
    for (std::int64_t row = 0; row < out; ++row)
      for (std::int64_t column = 0; column < in; ++column) values_.push_back(value_of(view, row, column));
  }
  View<const float, 2> values() const { return {values_.data(), {out, in}}; }

 private:
  std::vector<float> values_;  // [out, in]
};

View<const float, 2> values_of(const PreparedWeight& weight) {
  return static_cast<const WidenedWeight&>(weight).values();
}

// One chain over ascending columns, each product and each sum rounded.
float dot(View<const float, 1> weight, View<const float, 1> x) {
  float sum = 0.0F;
  for (std::int64_t column = 0; column < weight.size(); ++column) sum += weight[column] * x[column];
  return sum;
}

}  // namespace

std::unique_ptr<PreparedWeight> ReferenceBackend::prepare(const WeightView& weight) {
  return std::make_unique<WidenedWeight>(weight);
}

std::unique_ptr<PreparedWeight> ReferenceBackend::prepare_table(const WeightView& weight) {
  return std::make_unique<WidenedWeight>(weight);
}

void ReferenceBackend::do_embed(const EmbedArgs& args) {
  const auto [tokens, streams, channels] = args.streams.shape();
  for (std::int64_t token = 0; token < tokens; ++token)
    for (std::int64_t stream = 0; stream < streams; ++stream)
      for (std::int64_t channel = 0; channel < channels; ++channel)
        args.streams[token][stream][channel] = values_of(args.table)[args.ids[token]][channel];
}

void ReferenceBackend::do_linear(const LinearArgs& args) {
  const auto [rows, out] = args.out.shape();
  for (std::int64_t row = 0; row < rows; ++row)
    for (std::int64_t column = 0; column < out; ++column)
      args.out[row][column] = dot(values_of(args.weight)[column], args.x[row]);
}

void ReferenceBackend::do_grouped_linear(const GroupedLinearArgs& args) {
  const auto [tokens, groups, latent] = args.out.shape();
  for (std::int64_t token = 0; token < tokens; ++token)
    for (std::int64_t group = 0; group < groups; ++group)
      for (std::int64_t column = 0; column < latent; ++column)
        args.out[token][group][column] = dot(values_of(args.weight)[group * latent + column], args.x[token][group]);
}

}  // namespace fathom
