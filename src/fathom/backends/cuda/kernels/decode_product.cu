#include "fathom/backends/cuda/kernels/decode_product.cuh"

#include "fathom/backends/cuda/kernels/cuda_check.h"

namespace fathom::cuda {
namespace {

template <TileKind kKind, Operand kOperand, int kColumns>
void launch(const ProductLaunch& launch, const ProductWork& work, const DecodeShape& shape, cudaStream_t stream) {
  const int bytes = shared_bytes(shape.stages, decode_stage_bytes(kKind, kOperand, kColumns),
                                 kept_bytes(kOperand, shape.kept_rows, shape.cluster, work.weight_blocks));
  const auto kernel = decode_product<kKind, kOperand, kColumns>;
  cuda_check(cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, bytes),
             "cudaFuncSetAttribute of decode_product");
  launch_chained({.grid = dim3(static_cast<unsigned>(launch.places * work.pairs * shape.cluster)),
                  .threads = kDecodeThreads,
                  .shared_bytes = bytes,
                  .cluster = shape.cluster,
                  .capability = launch.capability,
                  .stream = stream},
                 "decode_product", kernel, work, shape);
}

template <TileKind kKind, Operand kOperand>
void choose_columns(const ProductLaunch& to, const ProductWork& work, const DecodeShape& shape, cudaStream_t stream) {
  if (to.columns == 8) launch<kKind, kOperand, 8>(to, work, shape, stream);
  if (to.columns == 16) launch<kKind, kOperand, 16>(to, work, shape, stream);
  if (to.columns == 32) launch<kKind, kOperand, 32>(to, work, shape, stream);
}

}  // namespace

void launch_decode(const ProductLaunch& to, const ProductWork& work, const DecodeShape& shape, cudaStream_t stream) {
  if (to.operand == Operand::e4m3) {
    if (to.kind == TileKind::fp4) choose_columns<TileKind::fp4, Operand::e4m3>(to, work, shape, stream);
    if (to.kind == TileKind::fp8) choose_columns<TileKind::fp8, Operand::e4m3>(to, work, shape, stream);
    return;
  }
  if (to.kind == TileKind::fp4) choose_columns<TileKind::fp4, Operand::f16>(to, work, shape, stream);
  if (to.kind == TileKind::fp8) choose_columns<TileKind::fp8, Operand::f16>(to, work, shape, stream);
  if (to.kind == TileKind::f16) choose_columns<TileKind::f16, Operand::f16>(to, work, shape, stream);
}

}  // namespace fathom::cuda
