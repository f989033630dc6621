// Routed experts: tokens grouped by expert, so that each chosen expert is read once, and all experts in one loop, so
// that threads share them evenly. Bits are those of the definition (ops/experts_definition.cpp): the same products, the
// same activation, and the sum over a token's slots ascending.
#include <algorithm>
#include <span>
#include <vector>

#include "fathom/backends/cpu/cpu_backend.h"
#include "fathom/backends/cpu/kernels/linear.h"
#include "fathom/backends/cpu/kernels/rows.h"
#include "fathom/backends/cpu/mapped_weight.h"
#include "fathom/backends/cpu/packed_weight.h"

namespace fathom {
namespace {

constexpr std::int64_t kActivateWork = 40;  // of one that is activated, and laid
constexpr std::int64_t kBatchesAhead = 8;   // whose weights are asked for before their turn: all of a decoded token's

// Rows [first, first + count) of the slots in expert order; no more than a product takes at once.
struct Batch {
  std::int64_t expert;
  std::int64_t first;
  std::int64_t count;
};

struct Grouped {
  std::vector<std::int64_t> slots;  // token * selected + slot, by expert, then by token
  std::vector<Batch> batches;
};

Grouped group_by_expert(const ExpertsArgs& args) {
  const auto slots = args.selected.span();
  std::vector<std::int64_t> first(args.experts.size() + 1);
  for (const std::int32_t expert : slots) {
    check(expert >= 0 && expert < std::ssize(args.experts), "a selected expert exists");
    ++first[static_cast<std::size_t>(expert) + 1];
  }
  for (std::size_t expert = 0; expert < args.experts.size(); ++expert) first[expert + 1] += first[expert];
  Grouped grouped;
  for (std::int64_t expert = 0; expert < std::ssize(args.experts); ++expert)
    for (std::int64_t row = first[expert]; row < first[expert + 1]; row += kLinearRows)
      grouped.batches.push_back({expert, row, std::min(kLinearRows, first[expert + 1] - row)});
  grouped.slots.resize(slots.size());
  for (std::size_t slot = 0; slot < slots.size(); ++slot)
    grouped.slots[first[slots[slot]]++] = static_cast<std::int64_t>(slot);
  return grouped;
}

// A stretch of outputs of one weight for one batch.
struct Piece {
  std::int64_t batch;
  const PreparedWeight* weight;
  std::int64_t first_out;
  float* out;  // [slots, weight.out]
};

const MappedWeight* mapped(const PreparedWeight& weight) { return dynamic_cast<const MappedWeight*>(&weight); }

// A row by itself has twice as many outputs: eight tiles' sums hide each other's latency.
std::int64_t piece_outputs(const Batch& batch, const PreparedWeight& weight) {
  return batch.count == 1 && mapped(weight) == nullptr ? 2 * kPieceOutputs : kPieceOutputs;
}

void add_pieces(const Grouped& grouped, std::int64_t batch, const PreparedWeight& weight, float* out,
                std::vector<Piece>& pieces) {
  const std::int64_t outputs = piece_outputs(grouped.batches[batch], weight);
  for (std::int64_t first = 0; first < weight.out; first += outputs) pieces.push_back({batch, &weight, first, out});
}

// Codes of four and eight bits are alike in this.
std::int64_t few_rows_of(const PreparedWeight& weight) {
  return few_rows(mapped(weight) != nullptr ? CodeFormat::fp4 : packed(weight).code_format, weight.in);
}

// Weights that are used where they lie are read ahead, a few batches of them.
void ask_ahead(const ExpertsArgs& args, const Grouped& grouped, std::int64_t batch) {
  if (batch >= std::ssize(grouped.batches)) return;
  const ExpertWeights& expert = args.experts[static_cast<std::size_t>(grouped.batches[batch].expert)];
  for (const PreparedWeight* weight : {expert.w1.get(), expert.w3.get(), expert.w2.get()})
    if (mapped(*weight) != nullptr) mapped(*weight)->will_need();
}

// The inputs of the products, rows of the slots in expert order.
class Inputs {
 public:
  Inputs(std::int64_t slots, std::int64_t batches, std::int64_t columns, Arena& arena)
      : rows_(static_cast<std::size_t>(slots)),
        kinds_(static_cast<std::size_t>(batches)),
        columns_(columns),
        strips_(arena.take<float, 1>({slots * columns}).data()) {}

  void set_row(std::int64_t row, const float* values) { rows_[static_cast<std::size_t>(row)] = values; }

  // Once the rows of a batch are set; `weight` is one of those that they meet.
  void prepare(const Batch& batch, std::int64_t index, const PreparedWeight& weight) {
    const auto rows =
        std::span(rows_).subspan(static_cast<std::size_t>(batch.first), static_cast<std::size_t>(batch.count));
    if (batch.count <= few_rows_of(weight)) {
      const bool moderate =
          std::all_of(rows.begin(), rows.end(), [&](const float* values) { return is_moderate(values, columns_); });
      kinds_[static_cast<std::size_t>(index)] = moderate ? Kind::moderate : Kind::as_they_lie;
      return;
    }
    kinds_[static_cast<std::size_t>(index)] = Kind::strips;
    for (std::int64_t column = 0; column < columns_; column += kStripColumns)
      lay_strips(rows.data(), batch.count, columns_, column, strips_ + batch.first * columns_);
  }

  void give(const Batch& batch, std::int64_t index, LinearPiece& product) const {
    product.rows = batch.count;
    product.x = rows_.data() + batch.first;
    const Kind kind = kinds_[static_cast<std::size_t>(index)];
    product.strips = kind == Kind::strips ? strips_ + batch.first * columns_ : nullptr;
    product.moderate_x = kind == Kind::moderate;
  }

 private:
  enum class Kind : std::uint8_t { as_they_lie, moderate, strips };

  std::vector<const float*> rows_;
  std::vector<Kind> kinds_;  // of batches
  std::int64_t columns_;
  float* strips_;
};

void multiply(const Piece& piece, const Grouped& grouped, const Inputs& inputs, Arena& scratch) {
  float* out[kLinearRows];
  const PreparedWeight& weight = *piece.weight;
  const Batch& batch = grouped.batches[piece.batch];
  for (std::int64_t row = 0; row < batch.count; ++row)
    out[row] = piece.out + (batch.first + row) * weight.out + piece.first_out;
  LinearPiece product = {.first_out = piece.first_out,
                         .last_out = std::min(weight.out, piece.first_out + piece_outputs(batch, weight)),
                         .out = out};
  inputs.give(batch, piece.batch, product);
  if (mapped(weight) == nullptr) {
    product.weight = &packed(weight);
    return linear_piece(product);
  }
  const Arena::Scope scope(scratch);
  const PackedTiles tiles = pack_piece(mapped(weight)->view(), product.first_out, product.last_out, scratch);
  product.weight = &tiles;
  product.last_out -= product.first_out;
  product.first_out = 0;
  linear_piece(product);
}

}  // namespace

void CpuBackend::do_experts(const ExpertsArgs& args) {
  const auto [tokens, channels] = args.x.shape();
  const std::int64_t selected = args.selected.extent(1);
  if (tokens == 0) return;
  const Grouped grouped = group_by_expert(args);
  const std::int64_t slots = std::ssize(grouped.slots);
  const std::int64_t dim = args.experts.front().w1->out;
  const Arena::Scope scope(args.arena);
  const auto gate = args.arena.take<float, 2>({slots, dim});
  const auto up = args.arena.take<float, 2>({slots, dim});
  const auto down = args.arena.take<float, 2>({slots, channels});

  for (std::int64_t batch = 0; batch < kBatchesAhead; ++batch) ask_ahead(args, grouped, batch);
  const std::int64_t batches = std::ssize(grouped.batches);
  std::vector<Piece> pieces;
  for (std::int64_t batch = 0; batch < batches; ++batch) {
    const ExpertWeights& expert = args.experts[grouped.batches[batch].expert];
    add_pieces(grouped, batch, *expert.w1, gate.data(), pieces);
    add_pieces(grouped, batch, *expert.w3, up.data(), pieces);
  }
  const std::int64_t rows_of_batch = (slots + batches - 1) / batches;
  Inputs inputs(slots, batches, channels, args.arena);
  for_each(batches, rows_of_batch * channels * kLayWork, [&](std::int64_t index, Arena&) {
    const Batch& batch = grouped.batches[index];
    for (std::int64_t row = batch.first; row < batch.first + batch.count; ++row)
      inputs.set_row(row, args.x[grouped.slots[row] / selected].data());
    inputs.prepare(batch, index, *args.experts[batch.expert].w1);
  });
  for_each(std::ssize(pieces), kPieceOutputs * channels * rows_of_batch, [&](std::int64_t index, Arena& scratch) {
    const Piece& piece = pieces[index];
    if (piece.first_out == 0 && piece.out == gate.data()) ask_ahead(args, grouped, piece.batch + kBatchesAhead);
    multiply(piece, grouped, inputs, scratch);
  });
  Inputs activated(slots, batches, dim, args.arena);
  for_each(batches, rows_of_batch * dim * kActivateWork, [&](std::int64_t index, Arena&) {
    const Batch& batch = grouped.batches[index];
    for (std::int64_t row = batch.first; row < batch.first + batch.count; ++row) {
      // The route's weight enters before w2.
      swiglu_row(gate[row].data(), up[row].data(), args.limit, args.weights.span()[grouped.slots[row]], dim,
                 gate[row].data());
      activated.set_row(row, gate[row].data());
    }
    activated.prepare(batch, index, *args.experts[batch.expert].w2);
  });
  pieces.clear();
  for (std::int64_t batch = 0; batch < batches; ++batch)
    add_pieces(grouped, batch, *args.experts[grouped.batches[batch].expert].w2, down.data(), pieces);
  for_each(std::ssize(pieces), kPieceOutputs * dim * rows_of_batch,
           [&](std::int64_t piece, Arena& scratch) { multiply(pieces[piece], grouped, activated, scratch); });

  std::vector<std::int64_t> row_of_slot(static_cast<std::size_t>(slots));
  for (std::int64_t row = 0; row < slots; ++row) row_of_slot[grouped.slots[row]] = row;
  for_each(tokens, selected * channels, [&, width = channels](std::int64_t token, Arena&) {
    float* out = args.out[token].data();
    std::copy_n(down[row_of_slot[token * selected]].data(), width, out);
    for (std::int64_t slot = 1; slot < selected; ++slot)
      add_row(down[row_of_slot[token * selected + slot]].data(), width, out);
  });
}

}  // namespace fathom
