#include "fathom/backends/cuda/kernels/decode_product.cuh"

namespace fathom::cuda {
namespace {

template <TileKind kKind, Operand kOperand, int kColumns, OwnPacking kPacking = OwnPacking::none>
void launch_columns(const ProductLaunch& to, const ProductWork& work, const DecodeShape& shape, Stream stream) {
  const int kept = kept_bytes(kOperand, shape, work.weight_blocks);
  const int bytes =
      shared_bytes(shape.stages, decode_stage_bytes(kKind, kOperand, kColumns, kPacking != OwnPacking::none),
                   kept + shape.own_blocks * block_bytes(kOperand, kColumns));
  launch(stream, "decode_product",
         {.blocks = {static_cast<unsigned>(to.places * work.pairs * shape.cluster)},
          .threads = kDecodeThreads,
          .shared_bytes = static_cast<unsigned>(bytes),
          .cluster = static_cast<unsigned>(shape.cluster),
          .chained = to.capability >= 90},
         decode_product<kKind, kOperand, kColumns, kPacking>, work, shape);
}

template <TileKind kKind, Operand kOperand>
void choose_columns(const ProductLaunch& to, const ProductWork& work, const DecodeShape& shape, Stream stream) {
  if constexpr (kKind == TileKind::fp8) {
    if (work.packed != nullptr)
      return launch_columns<kKind, kOperand, 8, OwnPacking::rows_and_sums>(to, work, shape, stream);
    if (work.own.awaited.numbers != nullptr)
      return launch_columns<kKind, kOperand, 8, OwnPacking::awaited>(to, work, shape, stream);
    if (work.own.norm != nullptr)
      return launch_columns<kKind, kOperand, 8, OwnPacking::normed>(to, work, shape, stream);
  }
  if (shape.own_blocks > 0) {
    return work.own.up != nullptr ? launch_columns<kKind, kOperand, 8, OwnPacking::swiglu>(to, work, shape, stream)
                                  : launch_columns<kKind, kOperand, 8, OwnPacking::rows>(to, work, shape, stream);
  }
  if (to.columns == 8) launch_columns<kKind, kOperand, 8>(to, work, shape, stream);
  if (to.columns == 16) launch_columns<kKind, kOperand, 16>(to, work, shape, stream);
  if (to.columns == 32) launch_columns<kKind, kOperand, 32>(to, work, shape, stream);
}

}  // namespace

int product_clusters_with_room(int cluster, int shared_bytes) {
  auto* kernel = decode_product<TileKind::fp8, Operand::e4m3, 8, OwnPacking::rows>;
  return clusters_with_room(reinterpret_cast<const void*>(kernel), {.threads = kDecodeThreads,
                                                                    .shared_bytes = static_cast<unsigned>(shared_bytes),
                                                                    .cluster = static_cast<unsigned>(cluster)});
}

void launch_decode(const ProductLaunch& to, const ProductWork& work, const DecodeShape& shape, Stream stream) {
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
