#include "fathom/backends/cuda/kernels/lone_experts.cuh"

#include <algorithm>

#include "fathom/backends/cuda/kernels/product_launch.h"

namespace fathom::cuda {
namespace {

constexpr int kMostLoneStages = 7;  // so that a block finds room beside the launch ahead of it
constexpr int kFewestLoneStages = 4;
constexpr int kReserve = 2048;  // of shared memory that is not the launch's to give out

// Registers for a block of the launch ahead of it beside its own.
__global__ void __maxnreg__(80) lone_experts(const __grid_constant__ LoneExperts work, const LoneShape shape) {
#ifdef FATHOM_WARPGROUP_PRODUCTS
  extern __shared__ __align__(128) std::uint8_t memory[];
  LoneExpertsBlock(work, shape, memory).run();
#endif
}

}  // namespace

LoneShape lone_shape(const ProductDevice& device, const ExpertTables& experts, Operand operand) {
  if (!device.lone_experts || device.capability != 90 || experts.kind != TileKind::fp4 || operand != Operand::e4m3 ||
      experts.parts != 1)
    return {};
  if (experts.channels % kLoneInputs != 0 || experts.expert_dim % kLoneInputs != 0) return {};
  const std::int64_t tiles = std::max(2 * experts.expert_dim, experts.channels) / kTileRows;
  LoneShape shape;
  shape.group_items = static_cast<int>(device.multiprocessors / tiles);
  // With many multiprocessors idle, several smaller launches are quicker.
  if (10 * shape.group_items * tiles < 8 * device.multiprocessors) return {};
  for (int stages = kMostLoneStages; stages >= kFewestLoneStages; --stages) {
    const int bytes = lone_places(stages, experts.experts, experts.channels, experts.expert_dim).bytes;
    if (bytes > device.shared_of_block - kReserve) continue;
    shape.blocks = static_cast<int>(shape.group_items * tiles);
    shape.stages = stages;
    shape.shared_bytes = bytes;
    return shape;
  }
  return {};
}

void launch_lone_experts(const LoneExperts& work, const LoneShape& shape, Stream stream) {
  launch(stream, "lone_experts",
         {.blocks = {static_cast<unsigned>(shape.blocks)},
          .threads = kLoneThreads,
          .shared_bytes = static_cast<unsigned>(shape.shared_bytes),
          .chained = true,
          .together = true},
         lone_experts, work, shape);
}

}  // namespace fathom::cuda
