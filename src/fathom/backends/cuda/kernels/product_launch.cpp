#include "fathom/backends/cuda/kernels/product_launch.h"

#include <algorithm>

#include "fathom/base/error.h"

namespace fathom::cuda {
namespace {

constexpr int kBlockReserve = 1536;  // bytes of shared memory that every resident block costs besides its stages
constexpr int kFewestDecodeStages = 3;
constexpr int kLargestCluster = 8;  // what every device with clusters grants
constexpr std::int64_t kMostOwnRows = 4;
constexpr std::int64_t kMostOwnInputs = 8192;  // a cluster's share of them lies in shared memory, in two parts too
constexpr int kSharedOfOwnRows = 200 * 1024;   // bytes, for as many

// Of a product whose weights are sent for ahead of its rows: the cache must still hold them when they are used.
constexpr double kMostSentFor = 24e6;
constexpr double kBytesOfACycle = 2200.0;  // of the device's memory

int stages_in(int bytes, int stage_bytes, int kept) {
  return std::min(kMostStages, (bytes - kept) / (stage_bytes + 16));
}

// Clusters of so many blocks that find room at once, a block to a multiprocessor: large ones do not find it on every
// one, as they stay within a part of the chip.
int clusters_at_once(const ProductDevice& device, int cluster) {
  if (cluster == 8 && device.clusters_of_eight >= 0) return device.clusters_of_eight;
  if (cluster == 4 && device.clusters_of_four >= 0) return device.clusters_of_four;
  const int usable = cluster > 2 ? device.multiprocessors * 10 / 11 : device.multiprocessors;
  return usable / cluster;
}

int rows_of(const DecodeSize& size) {
  return static_cast<int>(std::min<std::int64_t>(size.rows, size.columns / columns_of_row(size.operand)));
}

// As many stages as there is room for with so many blocks to a multiprocessor; none: too few.
DecodeShape shape_in(const ProductDevice& device, const DecodeSize& size, int cluster, int resident) {
  const int stage = decode_stage_bytes(size.kind, size.operand, size.columns, size.packs);
  const int shared = device.shared_of_multiprocessor / resident - kBlockReserve;
  DecodeShape shape = {.cluster = cluster, .kept_rows = rows_of(size), .keepers = size.leaves_packed ? 1 : cluster};
  shape.own_blocks = size.packs ? static_cast<int>(pieces_of(size.blocks, cluster)) : 0;
  const int kept = kept_bytes(size.operand, shape, size.blocks);
  const int stages = stages_in(std::min(device.shared_of_block - kBlockReserve, shared), stage,
                               kept + shape.own_blocks * block_bytes(size.operand, size.columns));
  // A block is widened while the one before is multiplied, or two are multiplied at a time.
  if (stages >= std::min(2, size.blocks)) shape.stages = stages;
  return shape;
}

void send_for_the_rest(const DecodeSize& size, DecodeShape& shape) {
  const auto own = static_cast<int>(pieces_of(size.blocks, shape.cluster));
  const int rest = std::max(0, own - shape.stages);
  const double bytes = 2.0 * static_cast<double>(size.units) * shape.cluster * rest * tile_bytes(size.kind);
  if (size.waits_long && bytes <= kMostSentFor) shape.sent_for = rest;
  const double at_once = 2.0 * static_cast<double>(size.units) * shape.cluster * tile_bytes(size.kind);
  if (size.waits_long && size.packs) shape.pace = static_cast<int>(at_once / kBytesOfACycle);
}

}  // namespace

int block_columns(std::int64_t rows, Operand operand) {
  const std::int64_t columns = rows * columns_of_row(operand);
  for (int few = 8; few <= kMostDecodeColumns; few *= 2)
    if (columns <= few) return few;
  return kPrefillColumns;
}

bool products_pack(const ProductDevice& device, std::int64_t rows, std::int64_t in) {
  return device.capability >= 90 && device.shared_of_block >= kSharedOfOwnRows && rows <= kMostOwnRows &&
         in <= kMostOwnInputs;
}

// The quickest of all clusters, with one to three thread blocks to a multiprocessor. What it takes on an H200, measured
// (docs/notes/2026-11-29-cuda-products.md): a block of inputs 0.4 us from one barrier to the next, of which widening
// takes the multiprocessor 0.25 for FP4 and 0.1 else, a wave 1.5 us from beginning to end, a cluster 1.5 us more, and
// memory at 32 bytes a nanosecond and multiprocessor.
DecodeShape decode_shape(const ProductDevice& device, const DecodeSize& size) {
  const int stage = decode_stage_bytes(size.kind, size.operand, size.columns, size.packs);
  const int most_clusters = device.capability >= 90 ? std::min(kLargestCluster, size.most_cluster) : 1;
  const double bytes = static_cast<double>(size.units) * size.blocks * stage;
  const double memory = bytes / (32e3 * device.multiprocessors);
  const double widening = size.kind == TileKind::fp4 ? 0.25 : 0.1;
  DecodeShape best;
  double least = 0.0;
  for (int cluster = size.leaves_packed ? 2 : 1; cluster <= std::max(1, std::min(most_clusters, size.blocks));
       cluster *= 2) {
    const int usable = clusters_at_once(device, cluster) * cluster;
    if (usable == 0) continue;
    for (int resident = resident_blocks(size.kind, size.operand, size.columns); resident >= 1; --resident) {
      const DecodeShape shape = shape_in(device, size, cluster, resident);
      if (shape.stages == 0) continue;
      const std::int64_t at_once = std::int64_t{usable} / cluster * resident;
      const auto waves = static_cast<double>(pieces_of(size.units + size.clusters_beside, at_once));
      const double blocks = static_cast<double>(size.blocks) / cluster;
      const double waits =
          shape.stages >= std::min(kFewestDecodeStages, size.blocks) ? 1.0 : 4.0;  // copies must run ahead
      // Some of what the waves wait for is never hidden.
      const double wave = waves * (0.4 * waits * blocks + 1.5);
      const double busiest = static_cast<double>(pieces_of(size.units * cluster, usable)) * blocks * widening;
      const double time = std::max({memory, wave, busiest}) + 0.25 * wave + (cluster > 1 ? 1.5 : 0.0);
      if (best.stages > 0 && time >= least) continue;
      best = shape;
      least = time;
    }
  }
  check(best.stages >= 1 || size.leaves_packed, "a stage of a product fits into shared memory");
  send_for_the_rest(size, best);
  return best;
}

std::array<DecodeShape, 2> shapes_beside(const ProductDevice& device, const DecodeSize& first,
                                         const DecodeSize& second) {
  constexpr int kResident = 2;
  for (int cluster = kLargestCluster; cluster >= 1; cluster /= 2)
    for (int own = cluster; own >= std::max(1, cluster / 2); own /= 2) {
      if (cluster > second.blocks || own > first.blocks || first.units * own % cluster != 0) continue;
      const std::int64_t blocks = first.units * own + second.units * cluster;
      if (blocks > std::int64_t{clusters_at_once(device, cluster)} * cluster * kResident) continue;
      std::array<DecodeShape, 2> shapes = {shape_in(device, first, own, kResident),
                                           shape_in(device, second, cluster, kResident)};
      if (shapes[0].stages == 0 || shapes[1].stages == 0) continue;
      return shapes;
    }
  return {};
}

int prefill_stages(const ProductDevice& device, int stage_bytes, int beside) {
  return stages_in(device.shared_of_block - kBlockReserve - beside, stage_bytes, 0);
}

PrefillShape prefill_shape(const ProductDevice& device, TileKind kind, Operand operand, std::int64_t pairs,
                           std::int64_t chunks) {
  const bool half = half_more(kind, operand);
  PrefillShape shape = {.stages = 0, .chunks = device.capability != 90 ? 2 : half ? 3 : 4};
  while (shape.chunks > 1 && pairs * pieces_of(chunks, shape.chunks) < device.multiprocessors) shape.chunks /= 2;
  while (true) {
    shape.stages = prefill_stages(device, prefill_stage_bytes(kind, operand, shape.chunks),
                                  device.capability == 90 && writes_fours(kind, operand) ? kFoursBytes : 0);
    if (shape.stages >= 2 || shape.chunks == 1) break;
    shape.chunks /= 2;
  }
  check(shape.stages >= 2, "two stages of a product fit into shared memory");
  shape.last_columns = shape.chunks * kPrefillColumns + (half && shape.chunks == 3 ? kPrefillColumns / 2 : 0);
  return shape;
}

}  // namespace fathom::cuda
