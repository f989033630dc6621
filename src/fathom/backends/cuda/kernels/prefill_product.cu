#include "fathom/backends/cuda/kernels/prefill_product.cuh"

#include <algorithm>

#include "fathom/backends/cuda/kernels/cuda_check.h"

namespace fathom::cuda {
namespace {

struct Launch {
  int capability;
  int stages;
  int units;
  int blocks;
  int bytes;
};

template <TileKind kKind, Operand kOperand, int kChunks>
void launch(const Launch& to, const ProductWork& work, cudaStream_t stream) {
  const auto kernel = prefill_product<kKind, kOperand, kChunks>;
  cuda_check(cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, to.bytes),
             "cudaFuncSetAttribute of prefill_product");
  launch_chained({.grid = dim3(static_cast<unsigned>(to.blocks)),
                  .threads = kPrefillThreads,
                  .shared_bytes = to.bytes,
                  .capability = to.capability,
                  .stream = stream},
                 "prefill_product", kernel, work, to.stages, to.units);
}

// Only sm_90a has the registers for four chunks: its warpgroups trade them.
template <TileKind kKind, Operand kOperand>
void choose_chunks(const Launch& to, const ProductWork& work, cudaStream_t stream) {
  if (to.capability == 90) {
    launch<kKind, kOperand, 4>(to, work, stream);
  } else {
    launch<kKind, kOperand, 2>(to, work, stream);
  }
}

}  // namespace

void launch_prefill(const ProductDevice& device, const ProductLaunch& launch, const ProductWork& work,
                    const PrefillShape& shape, cudaStream_t stream) {
  const std::int64_t units = launch.places * work.pairs;
  const Launch to = {
      .capability = device.capability,
      .stages = shape.stages,
      .units = static_cast<int>(units),
      .blocks = static_cast<int>(std::min<std::int64_t>(units, device.multiprocessors)),
      .bytes = shared_bytes(shape.stages, prefill_stage_bytes(launch.kind, launch.operand, work.group_chunks), 0)};
  if (launch.operand == Operand::e4m3) {
    if (launch.kind == TileKind::fp4) choose_chunks<TileKind::fp4, Operand::e4m3>(to, work, stream);
    if (launch.kind == TileKind::fp8) choose_chunks<TileKind::fp8, Operand::e4m3>(to, work, stream);
    return;
  }
  if (launch.kind == TileKind::fp4) choose_chunks<TileKind::fp4, Operand::f16>(to, work, stream);
  if (launch.kind == TileKind::fp8) choose_chunks<TileKind::fp8, Operand::f16>(to, work, stream);
  if (launch.kind == TileKind::f16) choose_chunks<TileKind::f16, Operand::f16>(to, work, stream);
}

}  // namespace fathom::cuda
