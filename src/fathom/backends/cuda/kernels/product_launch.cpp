#include "fathom/backends/cuda/kernels/product_launch.h"

#include <algorithm>

#include "fathom/base/error.h"

namespace fathom::cuda {
namespace {

constexpr int kBlockReserve = 1024;  // bytes of shared memory that every resident block costs besides its own
constexpr int kMostStages = 8;
constexpr int kFewestDecodeStages = 3;
constexpr int kLargestCluster = 8;  // what every device with clusters grants

int stages_in(int bytes, int stage_bytes, int kept) { return std::min(kMostStages, (bytes - kept) / (stage_bytes + 16)); }

}  // namespace

int block_columns(std::int64_t rows, Operand operand) {
  const std::int64_t columns = rows * columns_of_row(operand);
  for (int few = 8; few <= kMostDecodeColumns; few *= 2)
    if (columns <= few) return few;
  return kPrefillColumns;
}

// Enough thread blocks to fill every multiprocessor one and a half times, if their kept sums leave room for stages; two
// to a multiprocessor, so that one copies while the other ends.
DecodeShape decode_shape(const ProductDevice& device, TileKind kind, Operand operand, int columns, std::int64_t units,
                         int blocks) {
  const int stage = decode_stage_bytes(kind, operand, columns);
  const int half = std::min(device.shared_of_block, device.shared_of_multiprocessor / 2 - kBlockReserve);
  const int most_clusters = device.capability >= 90 ? kLargestCluster : 1;
  DecodeShape best = {.stages = stages_in(half, stage, 0)};
  for (int cluster = 2; cluster <= std::min(most_clusters, blocks); cluster *= 2) {
    if (2 * units * (cluster / 2) >= 3 * device.multiprocessors) break;
    const int stages = stages_in(half, stage, kept_bytes(columns, cluster, blocks));
    if (stages >= kFewestDecodeStages) best = {.stages = stages, .cluster = cluster};
  }
  if (best.stages < 2) best.stages = stages_in(device.shared_of_block, stage, 0);
  check(best.stages >= 1, "a stage of a product fits into shared memory");
  return best;
}

PrefillShape prefill_shape(const ProductDevice& device, TileKind kind, Operand operand, std::int64_t pairs,
                           std::int64_t chunks) {
  PrefillShape shape = {.stages = 0, .chunks = device.capability == 90 ? 4 : 2};
  while (shape.chunks > 1 && pairs * pieces_of(chunks, shape.chunks) < device.multiprocessors) shape.chunks /= 2;
  while (true) {
    shape.stages = stages_in(device.shared_of_block, prefill_stage_bytes(kind, operand, shape.chunks), 0);
    if (shape.stages >= 2 || shape.chunks == 1) break;
    shape.chunks /= 2;
  }
  check(shape.stages >= 1, "a stage of a product fits into shared memory");
  return shape;
}

}  // namespace fathom::cuda
