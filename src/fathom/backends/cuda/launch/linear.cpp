#include <algorithm>

#include "fathom/backends/cuda/launch/cuda_launcher.h"

namespace fathom::cuda {

Operand CudaLauncher::operand_of(TileKind kind) const {
  const bool rounded = options_.products == CudaProducts::fp8;
  return product_operand(product_device_, rounded ? Activations::fp8 : Activations::float32, kind);
}

PackedRows CudaLauncher::packed(const RowsOfX& x, PackedBy by, TileKind kind) {
  const Operand operand = operand_of(kind);
  return pack_rows(product_device_, x, by, operand, workspace(packed_rows_bytes(x.rows, x.in, x.groups, operand)),
                   device_.stream());
}

PackedTwice CudaLauncher::packed_twice(const RowsOfX& x) {
  std::uint8_t* e4m3 = workspace(packed_rows_bytes(x.rows, x.in, x.groups, Operand::e4m3));
  std::uint8_t* halves = workspace(packed_rows_bytes(x.rows, x.in, x.groups, Operand::f16));
  return pack_rows_twice(product_device_, x, e4m3, halves, device_.stream());
}

DeepProductKernel CudaLauncher::deep_product(const PreparedWeight& prepared, const float* x, std::int64_t rows) {
  const DeviceWeight& weight = plain(prepared).weight();
  DeepProductKernel kernel = {.weight = reinterpret_cast<const float*>(weight.data),
                              .x = x,
                              .out = nullptr,
                              .parts = nullptr,
                              .rows = std::min(rows, kDeepRows),
                              .outputs = weight.out,
                              .in = weight.in};
  const std::int64_t few = std::min(kernel.rows, kManyDeepRows) * kernel.pieces();  // of a last launch
  kernel.parts = scratch_.take<float, 1>({kernel.outputs * std::max(kernel.rows * kernel.sums(), few)}).data();
  return kernel;
}

void CudaLauncher::deep_linear(const LinearArgs& args) {
  const std::int64_t rows = args.x.extent(0);
  const Arena::Scope scope(scratch_);
  DeepProductKernel kernel = deep_product(args.weight, args.x.data(), rows);
  for (std::int64_t row = 0; row < rows; row += kDeepRows) {
    kernel.rows = std::min(kDeepRows, rows - row);
    kernel.x = args.x.data() + row * kernel.in;
    kernel.out = args.out.data() + row * kernel.outputs;
    launch_deep_product(kernel, device_.stream());
  }
}

void CudaLauncher::do_linear(const LinearArgs& args) {
  const std::int64_t rows = args.x.extent(0);
  if (const TiledWeight* weight = tiled(args.weight)) {
    if (rows == 0) return;
    const Arena::Scope scope(scratch_);
    const PackedRows x = packed({.x = args.x.data(), .rows = rows, .in = weight->in, .row_stride = weight->in},
                                PackedBy::launch, weight->weight().kind);
    const ProductOutput output = {.weight = &weight->weight(), .out = args.out.data(), .row_stride = weight->out};
    multiply(product_device_, {&output, 1}, x, device_.stream());
    return;
  }
  if (plain(args.weight).method() == ProductMethod::deep) return deep_linear(args);
  launch_product({.weight = plain(args.weight).weight(),
                  .x = args.x.data(),
                  .out = args.out.data(),
                  .rows = rows,
                  .groups = 1,
                  .outputs = args.weight.out},
                 device_.stream());
  device_.check_launch("linear");
}

void CudaLauncher::do_grouped_linear(const GroupedLinearArgs& args) {
  const auto [tokens, groups, in] = args.x.shape();
  if (const TiledWeight* weight = tiled(args.weight)) {
    if (tokens == 0) return;
    const Arena::Scope scope(scratch_);
    const PackedRows x = packed(
        {.x = args.x.data(), .rows = tokens, .in = in, .row_stride = groups * in, .groups = groups, .group_stride = in},
        PackedBy::products, weight->weight().kind);
    const TiledWeight* next = args.next != nullptr ? tiled(*args.next) : nullptr;
    multiply_groups(product_device_, weight->weight(), x, args.out.data(), device_.stream(),
                    next != nullptr ? &next->weight() : nullptr);
    return;
  }
  launch_product({.weight = plain(args.weight).weight(),
                  .x = args.x.data(),
                  .out = args.out.data(),
                  .rows = tokens,
                  .groups = groups,
                  .outputs = args.weight.out / groups},
                 device_.stream());
  device_.check_launch("grouped_linear");
}

}  // namespace fathom::cuda
