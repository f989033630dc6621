// Weights: prepared, looked up by row, multiplied.
#include <algorithm>
#include <cstring>

#include "fathom/backends/cpu/cpu_backend.h"
#include "fathom/backends/cpu/kernels/linear.h"
#include "fathom/backends/cpu/kernels/rows.h"
#include "fathom/backends/cpu/mapped_weight.h"
#include "fathom/backends/cpu/packed_weight.h"
#include "fathom/tensor/weight_values.h"

namespace fathom {
namespace {

class TableWeight final : public PreparedWeight {
 public:
  explicit TableWeight(const WeightView& view) : PreparedWeight(view.out, view.in), weight(view) { check_weight(view); }

  const WeightView weight;
};

std::int64_t pieces_of(std::int64_t size, std::int64_t piece) { return (size + piece - 1) / piece; }

// Rows [first_row, last_row) of a product whose row r reads x + r * x_step and writes out + r * out_step.
struct RowsOfProduct {
  const float* x = nullptr;
  std::int64_t x_step = 0;
  float* out = nullptr;
  std::int64_t out_step = 0;
};

void multiply_piece(LinearPiece piece, const RowsOfProduct& product, std::int64_t first_row, std::int64_t last_row) {
  const float* x[kLinearRows];
  float* out[kLinearRows];
  piece.rows = last_row - first_row;
  for (std::int64_t row = 0; row < piece.rows; ++row) {
    x[row] = product.x + (first_row + row) * product.x_step;
    out[row] = product.out + (first_row + row) * product.out_step;
  }
  piece.x = x;
  piece.out = out;
  linear_piece(piece);
}

bool are_few_and_moderate(std::int64_t rows, std::span<const float> x) {
  return rows <= kFewRows && is_moderate(x.data(), std::ssize(x));
}

}  // namespace

std::unique_ptr<PreparedWeight> CpuBackend::prepare(const WeightView& weight) {
  return std::make_unique<PackedWeight>(weight, pool_, weight_memory_);
}

std::unique_ptr<PreparedWeight> CpuBackend::prepare_expert(const WeightView& weight) {
  if (!mapped_experts_ || !MappedWeight::fits(weight)) return prepare(weight);
  return std::make_unique<MappedWeight>(weight);
}

std::unique_ptr<PreparedWeight> CpuBackend::prepare_table(const WeightView& weight) {
  return std::make_unique<TableWeight>(weight);
}

void CpuBackend::do_embed(const EmbedArgs& args) {
  const auto* table = dynamic_cast<const TableWeight*>(&args.table);
  check(table != nullptr, "an embedding's weight was prepared as a table by the cpu backend");
  const auto [tokens, streams, channels] = args.streams.shape();
  for_each(tokens, streams * channels, [&, streams = streams, channels = channels](std::int64_t token, Arena&) {
    const auto rows = args.streams[token];
    if (streams == 0) return;
    for (std::int64_t channel = 0; channel < channels; ++channel)
      rows[0][channel] = weight_value(table->weight, args.ids[static_cast<std::size_t>(token)], channel);
    for (std::int64_t stream = 1; stream < streams; ++stream)
      std::copy_n(rows[0].data(), channels, rows[stream].data());
  });
}

void CpuBackend::do_linear(const LinearArgs& args) {
  const PackedTiles& weight = packed(args.weight);
  const std::int64_t rows = args.out.extent(0);
  const std::int64_t out = args.out.extent(1);
  const std::int64_t row_pieces = pieces_of(rows, kLinearRows);
  const std::int64_t out_pieces = pieces_of(out, kPieceOutputs);
  const std::int64_t work = kPieceOutputs * weight.in * std::min(rows, kLinearRows);
  const RowsOfProduct product = {.x = args.x.data(), .x_step = weight.in, .out = args.out.data(), .out_step = out};
  const bool moderate = are_few_and_moderate(rows, args.x.span());
  pool_.parallel_for(row_pieces * out_pieces, grain(work), [&](std::int64_t first, std::int64_t last, std::int64_t) {
    for (std::int64_t index = first; index < last;) {
      const std::int64_t row = index / out_pieces * kLinearRows;
      const std::int64_t end = std::min(last, (index / out_pieces + 1) * out_pieces);  // pieces of the same rows
      const std::int64_t first_out = index % out_pieces * kPieceOutputs;
      const std::int64_t last_out = std::min(out, first_out + (end - index) * kPieceOutputs);
      RowsOfProduct shifted = product;
      shifted.out += first_out;
      multiply_piece({.weight = &weight, .first_out = first_out, .last_out = last_out, .moderate_x = moderate}, shifted,
                     row, std::min(rows, row + kLinearRows));
      index = end;
    }
  });
}

void CpuBackend::do_grouped_linear(const GroupedLinearArgs& args) {
  const PackedTiles& weight = packed(args.weight);
  const std::int64_t tokens = args.out.extent(0);
  const std::int64_t groups = args.out.extent(1);
  const std::int64_t latent = args.out.extent(2);
  const std::int64_t row_pieces = pieces_of(tokens, kLinearRows);
  const std::int64_t out_pieces = pieces_of(latent, kPieceOutputs);
  const std::int64_t work = kPieceOutputs * weight.in * std::min(tokens, kLinearRows);
  const bool moderate = are_few_and_moderate(tokens, args.x.span());
  for_each(groups * row_pieces * out_pieces, work, [&](std::int64_t index, Arena&) {
    const std::int64_t group = index / (row_pieces * out_pieces);
    const std::int64_t row = index / out_pieces % row_pieces * kLinearRows;
    const std::int64_t first = index % out_pieces * kPieceOutputs;
    const std::int64_t last = std::min(latent, first + kPieceOutputs);
    multiply_piece({.weight = &weight,
                    .first_out = group * latent + first,
                    .last_out = group * latent + last,
                    .moderate_x = moderate},
                   {.x = args.x.data() + group * weight.in,
                    .x_step = groups * weight.in,
                    .out = args.out.data() + group * latent + first,
                    .out_step = groups * latent},
                   row, std::min(tokens, row + kLinearRows));
  });
}

}  // namespace fathom
