// Weights: prepared, looked up by row, multiplied.
#include <algorithm>
#include <span>
#include <vector>

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

// Rows of all products in equal pieces, no longer than a kernel takes.
struct RowPieces {
  std::int64_t rows = 0;
  std::int64_t pieces = pieces_of(rows, kLinearRows);

  std::int64_t first(std::int64_t piece) const { return piece * rows / pieces; }
  std::int64_t count(std::int64_t piece) const { return first(piece + 1) - first(piece); }
};

std::int64_t out_pieces_of(const Product& product, std::int64_t outputs) {
  return pieces_of(product.last_out - product.first_out, outputs);
}

// Outputs of a piece: fewer where whole pieces would leave threads without work, but two tiles, which kernels multiply
// side by side, unless products are as small as the hyper-connections' 24 outputs. Not where rows are few: a tile's
// sums alone would wait for their own latency.
std::int64_t piece_outputs(std::span<const Product> products, std::int64_t rows, std::int64_t threads) {
  constexpr std::int64_t kPieces = 4;  // for each thread
  if (rows < kFewRows) return kPieceOutputs;
  for (const std::int64_t outputs : {kPieceOutputs, 2 * kTileOutputs}) {
    std::int64_t pieces = 0;
    for (const Product& product : products) pieces += out_pieces_of(product, outputs);
    if (RowPieces{.rows = rows}.pieces * pieces >= kPieces * threads) return outputs;
  }
  return kTileOutputs;
}

// A kernel's arguments that are arrays.
struct RowPointers {
  RowPointers(const Product& product, std::int64_t first, std::int64_t count) {
    for (std::int64_t row = 0; row < count; ++row) {
      x[row] = product.x + (first + row) * product.x_step;
      out[row] = product.out + (first + row) * product.out_step;
    }
  }
  const float* x[kLinearRows];
  float* out[kLinearRows];
};

bool are_moderate(const Product& product, std::int64_t rows) {
  for (std::int64_t row = 0; row < rows; ++row)
    if (!is_moderate(product.x + row * product.x_step, product.weight->in)) return false;
  return true;
}

bool share_rows(const Product& left, const Product& right) {
  return left.x == right.x && left.weight->in == right.weight->in;
}

bool reads_rows_as_they_lie(const Product& product, std::int64_t rows) {
  return rows <= few_rows(product.weight->code_format, product.weight->in);
}

// Of the first product's rows, which those behind it may share; few rows are read as they lie, and so are those that
// the first cache holds together.
bool worth_strips(std::span<const Product> products, std::int64_t rows) {
  constexpr std::int64_t kStayFloats = 8192;
  if (rows <= kRowsThatStay && rows * products.front().weight->in <= kStayFloats) return false;
  std::int64_t outputs = 0;
  for (const Product& product : products) {
    if (!share_rows(product, products.front())) break;
    if (!reads_rows_as_they_lie(product, rows)) outputs += product.last_out - product.first_out;
  }
  return rows > kRowsThatStay || outputs >= kOutputsWorthStrips;
}

// What a product's rows are to the kernels.
struct Prepared {
  const float* strips = nullptr;
  bool moderate = false;
};

}  // namespace

std::unique_ptr<PreparedWeight> CpuBackend::prepare(const WeightView& weight) {
  return std::make_unique<PackedWeight>(weight, pool_, weight_memory_, least_indexed_bytes_);
}

std::unique_ptr<PreparedWeight> CpuBackend::prepare_expert(const WeightView& weight) {
  if (!mapped_experts_ || !MappedWeight::fits(weight)) return prepare(weight);
  return std::make_unique<MappedWeight>(weight);
}

std::unique_ptr<PreparedWeight> CpuBackend::prepare_head(const WeightView& weight) {
  auto held = std::make_unique<PackedWeight>(weight, pool_, weight_memory_, least_indexed_bytes_);
  if (head_sketch_ && weight.in <= HeadSketch::kMostColumns)
    held->add_sketch(weight, pool_, weight_memory_, least_divided_sketch_);
  return held;
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
    read_weight_row(table->weight, args.ids[static_cast<std::size_t>(token)], rows[0].span());
    for (std::int64_t stream = 1; stream < streams; ++stream)
      std::copy_n(rows[0].data(), channels, rows[stream].data());
  });
}

void CpuBackend::multiply_rows(std::span<const Product> products, std::int64_t rows) {
  const std::int64_t outputs = piece_outputs(products, rows, threads());
  const RowPieces row_pieces{.rows = rows};
  const Arena::Scope scope(scratch_.front());
  std::vector<Prepared> prepared;
  std::vector<std::int64_t> first_of{0};  // index of each product's first piece
  for (const Product& product : products) {
    const Product& before = products[prepared.empty() ? 0 : prepared.size() - 1];
    const bool few = reads_rows_as_they_lie(product, rows);
    if (!prepared.empty() && share_rows(before, product) && few == reads_rows_as_they_lie(before, rows)) {
      prepared.push_back(prepared.back());
    } else if (few) {
      prepared.push_back({.moderate = are_moderate(product, rows)});
    } else {
      prepared.push_back(
          {.strips = worth_strips(products.subspan(prepared.size()), rows) ? lay_rows(product, rows) : nullptr});
    }
    first_of.push_back(first_of.back() + row_pieces.pieces * out_pieces_of(product, outputs));
  }
  std::int64_t work = 0;
  for (const Product& product : products) work = std::max(work, outputs * product.weight->in);
  pool_.parallel_for_helping(
      first_of.back(), grain(work * std::min(rows, kLinearRows)),
      [&](std::int64_t first, std::int64_t last, std::int64_t) {
        std::size_t which = 0;
        for (std::int64_t index = first; index < last;) {
          while (index >= first_of[which + 1]) ++which;
          const Product& product = products[which];
          const std::int64_t out_pieces = out_pieces_of(product, outputs);
          const std::int64_t piece = index - first_of[which];
          const std::int64_t row_piece = piece / out_pieces;
          // Pieces of the same rows are one.
          const std::int64_t end = std::min(last, first_of[which] + (row_piece + 1) * out_pieces);
          const std::int64_t first_out = product.first_out + piece % out_pieces * outputs;
          const std::int64_t last_out = std::min(product.last_out, first_out + (end - index) * outputs);
          const std::int64_t row = row_pieces.first(row_piece);
          const float* strips = prepared[which].strips;
          RowPointers pointers(product, row, row_pieces.count(row_piece));
          for (float*& out : std::span(pointers.out, static_cast<std::size_t>(row_pieces.count(row_piece))))
            out += first_out - product.first_out;
          linear_piece({.weight = product.weight,
                        .first_out = first_out,
                        .last_out = last_out,
                        .rows = row_pieces.count(row_piece),
                        .x = pointers.x,
                        .strips = strips == nullptr ? nullptr : strips + row * product.weight->in,
                        .out = pointers.out,
                        .moderate_x = prepared[which].moderate});
          index = end;
        }
      });
}

const float* CpuBackend::lay_rows(const Product& product, std::int64_t rows) {
  const std::int64_t columns = product.weight->in;
  const RowPieces row_pieces{.rows = rows};
  float* strips = scratch_.front().take<float, 1>({rows * columns}).data();
  const std::int64_t blocks = pieces_of(columns, kStripColumns);
  for_each(row_pieces.pieces * blocks, kLayWork * kStripColumns * std::min(rows, kLinearRows),
           [&](std::int64_t index, Arena&) {
             const std::int64_t piece = index / blocks;
             const std::int64_t row = row_pieces.first(piece);
             const RowPointers pointers(product, row, row_pieces.count(piece));
             lay_strips(pointers.x, row_pieces.count(piece), columns, index % blocks * kStripColumns,
                        strips + row * columns);
           });
  return strips;
}

void CpuBackend::do_linear(const LinearArgs& args) {
  const PackedTiles& weight = packed(args.weight);
  const Product product = {.weight = &weight,
                           .last_out = weight.out,
                           .x = args.x.data(),
                           .x_step = weight.in,
                           .out = args.out.data(),
                           .out_step = weight.out};
  multiply_rows(std::span(&product, 1), args.out.extent(0));
}

void CpuBackend::do_linears(const LinearsArgs& args) {
  std::vector<Product> products;
  for (const LinearOutput& output : args.outputs) {
    const PackedTiles& weight = packed(output.weight);
    products.push_back({.weight = &weight,
                        .last_out = weight.out,
                        .x = args.x.data(),
                        .x_step = weight.in,
                        .out = output.out.data(),
                        .out_step = weight.out});
  }
  multiply_rows(products, args.x.extent(0));
}

void CpuBackend::do_grouped_linear(const GroupedLinearArgs& args) {
  const PackedTiles& weight = packed(args.weight);
  const auto [tokens, groups, latent] = args.out.shape();
  std::vector<Product> products;
  for (std::int64_t group = 0; group < groups; ++group)
    products.push_back({.weight = &weight,
                        .first_out = group * latent,
                        .last_out = (group + 1) * latent,
                        .x = args.x.data() + group * weight.in,
                        .x_step = groups * weight.in,
                        .out = args.out.data() + group * latent,
                        .out_step = groups * latent});
  multiply_rows(products, tokens);
}

}  // namespace fathom
