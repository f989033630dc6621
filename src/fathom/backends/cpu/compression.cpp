// Gated pooling: a block's rows, from this step and from what earlier runs left.
#include <vector>

#include "fathom/backends/cpu/cpu_backend.h"
#include "fathom/backends/cpu/kernels/pool.h"

namespace fathom {
namespace {

struct Block {
  std::size_t run;
  std::int64_t entry;
};

std::vector<Block> new_blocks(const GatedPoolArgs& args) {
  std::vector<Block> blocks;
  for (std::size_t run = 0; run < args.runs.size(); ++run) {
    const std::int64_t first = args.runs[run].first_entry(args.ratio);
    const std::int64_t count = args.runs[run].new_entries(args.ratio);
    for (std::int64_t entry = first; entry < first + count; ++entry) blocks.push_back({run, entry});
  }
  return blocks;
}

const float* row_of(std::int64_t position, const Run& run, const Ring& ring, View<const float, 2> fresh) {
  if (position >= run.start) return fresh[run.first_row + position - run.start].data();
  return reinterpret_cast<const float*>(ring.row(position));
}

// Rows in order: the block before with its own columns and ape rows (overlap), then the block itself.
std::span<const PooledRow> rows_of(const GatedPoolArgs& args, const Block& block, Arena& scratch) {
  const Run& run = args.runs[block.run];
  const bool before = args.overlap && block.entry > 0;
  const std::int64_t count = (before ? 2 : 1) * args.ratio;
  const std::span<PooledRow> rows = scratch.take<PooledRow, 1>({count}).span();
  const std::int64_t first = (block.entry - (before ? 1 : 0)) * args.ratio;
  for (std::int64_t index = 0; index < count; ++index) {
    const std::int64_t position = first + index;
    const bool current = position >= block.entry * args.ratio;
    const std::int64_t column = args.overlap && current ? args.out.extent(1) : 0;
    rows[static_cast<std::size_t>(index)] = {row_of(position, run, args.kv_rings[block.run], args.kv) + column,
                                             row_of(position, run, args.gate_rings[block.run], args.gate) + column,
                                             args.ape[position % args.ratio].data() + column};
  }
  return rows;
}

}  // namespace

void CpuBackend::do_gated_pool(const GatedPoolArgs& args) {
  constexpr std::int64_t kWork = 40;  // per element: an exponential and a division
  const std::vector<Block> blocks = new_blocks(args);
  const std::int64_t dim = args.out.extent(1);
  for_each(std::ssize(blocks), dim * args.ratio * kWork, [&](std::int64_t index, Arena& scratch) {
    const Arena::Scope scope(scratch);
    pool_rows(rows_of(args, blocks[static_cast<std::size_t>(index)], scratch), dim, scratch, args.out[index].data());
  });
}

}  // namespace fathom
