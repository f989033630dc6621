#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "fathom/backends/reference/reference_backend.h"
#include "fathom/ops/released_arithmetic.h"

namespace fathom {
namespace {

// A position's row, from this run's fresh rows or from what an earlier run left.
const float* row_of(std::int64_t position, const Run& run, const Ring& ring, View<const float, 2> fresh) {
  if (position >= run.start) return fresh[run.first_row + position - run.start].data();
  return reinterpret_cast<const float*>(ring.row(position));
}

struct PooledRow {
  const float* kv;
  const float* gate;
  const float* ape;
};

void pool(const std::vector<PooledRow>& rows, View<float, 1> out) {
  std::vector<float> weights(rows.size());
  for (std::int64_t column = 0; column < out.size(); ++column) {
    float largest = -std::numeric_limits<float>::infinity();
    for (const PooledRow& row : rows) largest = std::max(largest, row.gate[column] + row.ape[column]);
    float weight_sum = 0.0F;
    for (std::size_t index = 0; index < rows.size(); ++index) {
      weights[index] = released_exp(rows[index].gate[column] + rows[index].ape[column] - largest);
      weight_sum += weights[index];
    }
    out[column] = cascade_sum(std::ssize(rows), [&](std::int64_t index) {
      return rows[static_cast<std::size_t>(index)].kv[column] * (weights[static_cast<std::size_t>(index)] / weight_sum);
    });
  }
}

}  // namespace

void ReferenceBackend::do_gated_pool(const GatedPoolArgs& args) {
  const std::int64_t dim = args.out.extent(1);
  std::int64_t out_row = 0;
  std::vector<PooledRow> rows;
  for (std::size_t index = 0; index < args.runs.size(); ++index) {
    const Run& run = args.runs[index];
    const auto add_block = [&](std::int64_t block, std::int64_t first_column) {
      for (std::int64_t position = block * args.ratio; position < (block + 1) * args.ratio; ++position)
        rows.push_back({row_of(position, run, args.kv_rings[index], args.kv) + first_column,
                        row_of(position, run, args.gate_rings[index], args.gate) + first_column,
                        args.ape[position % args.ratio].data() + first_column});
    };
    const std::int64_t first = run.first_entry(args.ratio);
    for (std::int64_t block = first; block < first + run.new_entries(args.ratio); ++block, ++out_row) {
      rows.clear();
      if (args.overlap && block > 0) add_block(block - 1, 0);
      add_block(block, args.overlap ? dim : 0);
      pool(rows, args.out[out_row]);
    }
  }
}

void ReferenceBackend::do_index_top_k(const IndexTopKArgs& args) {
  const auto [tokens, index_heads, index_dim] = args.q.shape();
  const std::int64_t top_k = args.selected.extent(1);
  std::vector<float> key(static_cast<std::size_t>(index_dim));
  for (std::size_t index = 0; index < args.runs.size(); ++index) {
    const Run& run = args.runs[index];
    for (std::int64_t token = 0; token < run.tokens; ++token) {
      const std::int64_t row = run.first_row + token;
      const std::int64_t visible = visible_entries(run.start + token, args.ratio);
      std::vector<std::pair<float, std::int64_t>> scored;  // (-score, entry): sorting puts the best first
      for (std::int64_t entry = 0; entry < visible; ++entry) {
        decode_index_key(args.format, {args.keys[index].row(entry), static_cast<std::size_t>(args.format.row_bytes())},
                         key);
        float score = 0.0F;
        for (std::int64_t head = 0; head < index_heads; ++head) {
          float product = 0.0F;
          for (std::int64_t column = 0; column < index_dim; ++column)
            product += args.q[row][head][column] * key[column];
          score += args.weights[row][head] * std::max(product, 0.0F);
        }
        scored.emplace_back(-score, entry);
      }
      std::sort(scored.begin(), scored.end());
      if (std::ssize(scored) > top_k) scored.resize(static_cast<std::size_t>(top_k));
      for (std::int64_t slot = 0; slot < top_k; ++slot)
        args.selected[row][slot] = slot < std::ssize(scored) ? static_cast<std::int32_t>(scored[slot].second) : -1;
    }
  }
}

}  // namespace fathom
