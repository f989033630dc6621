#include "fathom/backends/cuda/kernels/product_launch.h"

#include <algorithm>

#include "fathom/base/error.h"

namespace fathom::cuda {
namespace {

constexpr int kBlockReserve = 1536;  // bytes of shared memory that every resident block costs besides its stages
constexpr int kMostStages = 8;
constexpr int kFewestDecodeStages = 2;
constexpr int kLargestCluster = 8;  // what every device with clusters grants

int stages_in(int bytes, int stage_bytes, int kept) {
  return std::min(kMostStages, (bytes - kept) / (stage_bytes + 16));
}

}  // namespace

int block_columns(std::int64_t rows, Operand operand) {
  const std::int64_t columns = rows * columns_of_row(operand);
  for (int few = 8; few <= kMostDecodeColumns; few *= 2)
    if (columns <= few) return few;
  return kPrefillColumns;
}

// The cheapest of all clusters, one or two thread blocks to a multiprocessor, in units of a stage's time: two blocks
// overlap what one waits for, a wave and a cluster each cost their beginning and end.
DecodeShape decode_shape(const ProductDevice& device, TileKind kind, Operand operand, int columns, std::int64_t units,
                         int blocks) {
  const int stage = decode_stage_bytes(kind, operand, columns);
  const int most_clusters = device.capability >= 90 ? kLargestCluster : 1;
  DecodeShape best;
  double least = 0.0;
  for (int cluster = 1; cluster <= std::max(1, std::min(most_clusters, blocks)); cluster *= 2)
    for (int resident = 1; resident <= 2; ++resident) {
      const int bytes = std::min(device.shared_of_block - kBlockReserve / 2,
                                 device.shared_of_multiprocessor / resident - kBlockReserve);
      const int stages = stages_in(bytes, stage, kept_bytes(columns, cluster, blocks));
      if (stages < std::min(kFewestDecodeStages, blocks)) continue;
      const auto waves = static_cast<double>(pieces_of(units * cluster, device.multiprocessors * resident));
      const double block_time = resident == 2 ? 1.3 : 1.0;
      const double cost = waves * (block_time * blocks / cluster + 3.0) + (cluster > 1 ? 2.0 : 0.0);
      if (best.stages > 0 && cost >= least) continue;
      best = {.stages = std::max(stages, 1), .cluster = cluster};
      least = cost;
    }
  check(best.stages >= 1, "a stage of a product fits into shared memory");
  return best;
}

PrefillShape prefill_shape(const ProductDevice& device, TileKind kind, Operand operand, std::int64_t pairs,
                           std::int64_t chunks) {
  PrefillShape shape = {.stages = 0, .chunks = device.capability == 90 ? 4 : 2};
  while (shape.chunks > 1 && pairs * pieces_of(chunks, shape.chunks) < device.multiprocessors) shape.chunks /= 2;
  while (true) {
    shape.stages =
        stages_in(device.shared_of_block - kBlockReserve, prefill_stage_bytes(kind, operand, shape.chunks), 0);
    if (shape.stages >= 2 || shape.chunks == 1) break;
    shape.chunks /= 2;
  }
  check(shape.stages >= 1, "a stage of a product fits into shared memory");
  return shape;
}

}  // namespace fathom::cuda
