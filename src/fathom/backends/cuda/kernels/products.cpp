// Checks and launches of dense products.
#include "fathom/backends/cuda/kernels/products.h"

#include <algorithm>

#include "fathom/backends/cuda/kernels/cuda_check.h"
#include "fathom/backends/cuda/kernels/pack_rows.h"
#include "fathom/backends/cuda/kernels/probe.h"
#include "fathom/backends/cuda/kernels/product_launch.h"
#include "fathom/backends/cuda/kernels/products_beside.h"
#include "fathom/backends/cuda/kernels/turned_launch.h"
#include "fathom/base/error.h"

namespace fathom::cuda {
namespace {

constexpr std::int64_t kFewRows = 8;                 // a launch that waits more than it reads
constexpr std::int64_t kMostSentForNext = 16 << 20;  // bytes: beside its own weights in the second-level cache
constexpr std::int64_t kMostSumsOfOneBlock = 2;      // columns: their memory is that of the stages

PackedRows packed_shape(std::int64_t rows, std::int64_t in, std::int64_t groups, Operand operand) {
  return {.operand = operand,
          .columns = block_columns(rows, operand),
          .rows = rows,
          .in = in,
          .groups = groups,
          .blocks = nullptr};
}

PackWork pack_work(const PackedRows& packed, std::uint8_t* workspace) {
  PackWork work;
  work.rows = packed.rows;
  work.in = packed.in;
  work.groups = packed.groups;
  work.columns = packed.columns;
  work.chunks = packed.chunks();
  work.packed_rows = packed.chunks() * (packed.columns / columns_of_row(packed.operand));
  work.blocks = workspace;
  return work;
}

void add_target(ProductWork& work, const ProductOutput& output, const float* rows, const std::uint8_t* blocks) {
  const ProductWeight& weight = *output.weight;
  ProductTarget& target = work.targets[work.target_count++];
  target.tiles = weight.tiles;
  target.x = blocks;
  target.rows = rows;
  target.out = output.out;
  target.row_stride = output.row_stride;
  target.out_rows = static_cast<int>(weight.out);
  target.first_pair = work.pairs;
  work.pairs += static_cast<int>(pieces_of(weight.row_tiles(), 2));
}

OwnRows own_rows(const RowsOfX& x) {
  return {.norm = x.norm,
          .row_stride = x.row_stride,
          .in = static_cast<int>(x.in),
          .limit = x.eps,
          .aligned = four_at_once(x.x, x.row_stride) && x.group_stride % 4 == 0 ? 1 : 0,
          .awaited = x.awaited};
}

// False: nothing was launched, as no shape leaves rows packed.
bool launch(const ProductDevice& device, const PackedRows& x, const ProductWeight& like, ProductWork& work,
            Stream stream) {
  work.weight_blocks = static_cast<int>(like.blocks());
  work.parts = like.parts;
  work.rows = static_cast<int>(x.rows);
  work.x_chunks = x.chunks();
  ProductLaunch to = {.capability = device.capability,
                      .kind = like.kind,
                      .operand = x.operand,
                      .columns = x.columns,
                      .places = x.chunks()};
  const bool packs = x.blocks == nullptr;
  if (packs) work.own = own_rows(x.own);
  check(work.own.norm == nullptr || (like.kind == TileKind::fp8 && x.columns == kOwnColumns && work.packed == nullptr),
        "rows are normed by products of few rows and FP8 weights");
  if (x.columns < kPrefillColumns) {
    const DecodeShape shape = decode_shape(device, {.kind = to.kind,
                                                    .operand = to.operand,
                                                    .columns = to.columns,
                                                    .units = to.places * work.pairs,
                                                    .blocks = work.weight_blocks,
                                                    .rows = x.rows,
                                                    .packs = packs,
                                                    .waits_long = work.next != nullptr,
                                                    .leaves_packed = work.packed != nullptr});
    if (shape.stages == 0) return false;
    launch_decode(to, work, shape, stream);
    return true;
  }
  const TurnedShape turned = turned_shape(device, to.kind, to.operand, work);
  if (turned.stages > 0) {
    launch_turned(device, turned, work, stream);
    return true;
  }
  const PrefillShape shape = prefill_shape(device, to.kind, to.operand, work.pairs, x.chunks());
  work.group_chunks = shape.chunks;
  to.places = pieces_of(x.chunks(), shape.chunks);
  launch_prefill(device, to, work, shape, stream);
  return true;
}

// The product of few rows, without a shape: one chunk of eight columns, which the kernel packs.
struct OwnProduct {
  BesideProduct product;
  DecodeSize size;
};

OwnProduct own_product(std::span<const ProductOutput> outputs, Operand operand, const float* rows, std::int64_t count,
                       const OwnRows& own) {
  const ProductWeight& like = *outputs.front().weight;
  OwnProduct result;
  result.product.kind = like.kind;
  result.product.operand = operand;
  ProductWork& work = result.product.work;
  work.weight_blocks = static_cast<int>(like.blocks());
  work.parts = like.parts;
  work.rows = static_cast<int>(count);
  work.own = own;
  for (const ProductOutput& output : outputs) {
    const ProductWeight& weight = *output.weight;
    check(weight.kind == like.kind && weight.parts == like.parts, "the weights of a launch are of one kind");
    check_equal(weight.in, own.in, "inputs of a product's weight");
    if (weight.out > 0) add_target(work, output, rows, nullptr);
  }
  result.size = {.kind = like.kind,
                 .operand = operand,
                 .columns = kOwnColumns,
                 .units = work.pairs,
                 .blocks = work.weight_blocks,
                 .rows = count,
                 .packs = true};
  return result;
}

bool fits_own_columns(std::int64_t rows, Operand operand) { return rows * columns_of_row(operand) <= kOwnColumns; }

void check_weight_and_rows(const ProductWeight& weight, const PackedRows& x) {
  check_equal(weight.in, x.in, "inputs of a product's weight");
  check(weight.kind != TileKind::f16 || x.operand == Operand::f16, "bfloat16 weights meet rows of binary16");
}

// Of multiply_groups, without results of `packed`.
ProductWork groups_work(const ProductWeight& weight, const PackedRows& x, float* out, const ProductWeight* next) {
  check(x.groups >= 1 && x.groups <= kMaxTargets, "a launch multiplies 1 to 16 groups");
  check_weight_and_rows(weight, x);
  check_equal(weight.out % x.groups, 0, "outputs of a grouped product beyond whole groups");
  const std::int64_t latent = weight.out / x.groups;
  ProductWork work;
  for (std::int64_t group = 0; group < x.groups && latent > 0; ++group) {
    const std::int64_t first_tile = group * latent / kTileRows;
    ProductTarget& target = work.targets[work.target_count++];
    target.tiles = weight.tiles + first_tile * weight.blocks() * tile_bytes(weight.kind);
    if (x.blocks != nullptr) target.x = x.blocks + group * x.group_bytes();
    target.rows = x.own.x + group * x.own.group_stride;
    target.out = out + group * latent;
    target.row_stride = weight.out;
    target.skipped = static_cast<int>(group * latent - first_tile * kTileRows);
    target.out_rows = target.skipped + static_cast<int>(latent);
    target.first_pair = work.pairs;
    work.pairs += static_cast<int>(pieces_of(target.out_rows, 2 * kTileRows));
  }
  if (next != nullptr && x.rows <= kFewRows) {
    work.next = next->tiles;
    work.next_bytes = std::min(kMostSentForNext, next->row_tiles() * next->blocks() * tile_bytes(next->kind));
  }
  return work;
}

}  // namespace

ProductDevice product_device(int ordinal) {
  const auto attribute = [&](cudaDeviceAttr name) {
    int value = 0;
    cuda_check(cudaDeviceGetAttribute(&value, name, ordinal), "cudaDeviceGetAttribute");
    return value;
  };
  ProductDevice device = {.capability = compiled_capability(),
                          .multiprocessors = attribute(cudaDevAttrMultiProcessorCount),
                          .shared_of_block = attribute(cudaDevAttrMaxSharedMemoryPerBlockOptin),
                          .shared_of_multiprocessor = attribute(cudaDevAttrMaxSharedMemoryPerMultiprocessor),
                          .lone_experts = attribute(cudaDevAttrCooperativeLaunch) != 0};
  if (device.capability >= 90) {
    const int most = device.shared_of_multiprocessor / 2 + 1;
    device.clusters_of_four = product_clusters_with_room(4, most);
    device.clusters_of_eight = product_clusters_with_room(8, most);
  }
  return device;
}

Operand product_operand(const ProductDevice& device, Activations activations, TileKind kind) {
  const bool e4m3 = activations == Activations::fp8 && kind != TileKind::f16 && device.capability >= 89;
  return e4m3 ? Operand::e4m3 : Operand::f16;
}

std::int64_t packed_rows_bytes(std::int64_t rows, std::int64_t in, std::int64_t groups, Operand operand) {
  return packed_shape(rows, in, groups, operand).group_bytes() * groups;
}

bool products_norm(std::int64_t in) { return in % kNormGroup == 0 && in <= kMostNormGroups * kNormGroup; }

PackedRows pack_rows(const ProductDevice& device, const RowsOfX& x, PackedBy by, Operand operand,
                     std::uint8_t* workspace, Stream stream) {
  PackedRows packed = packed_shape(x.rows, x.in, x.groups, operand);
  if (by == PackedBy::products && products_pack(device, x.rows, x.in)) {
    packed.own = x;
    return packed;
  }
  check(x.norm == nullptr, "a launch packs rows that are normed");
  packed.blocks = workspace;
  PackWork work = pack_work(packed, workspace);
  work.x = x.x;
  work.row_stride = x.row_stride;
  work.group_stride = x.group_stride;
  launch_pack(device.capability, work, operand, stream);
  return packed;
}

PackedTwice pack_rows_twice(const ProductDevice& device, const RowsOfX& x, std::uint8_t* e4m3, std::uint8_t* halves,
                            Stream stream) {
  check_equal(x.groups, 1, "groups of rows that are packed twice");
  const PackedTwice packed = {.e4m3 = rows_packed_elsewhere(x, Operand::e4m3, e4m3),
                              .halves = rows_packed_elsewhere(x, Operand::f16, halves)};
  PackWork work[] = {pack_work(packed.e4m3, e4m3), pack_work(packed.halves, halves)};
  for (PackWork& of : work) {
    of.x = x.x;
    of.row_stride = x.row_stride;
    of.group_stride = x.group_stride;
  }
  launch_pack_twice(device.capability, work[0], work[1], stream);
  return packed;
}

PackedRows rows_packed_elsewhere(const RowsOfX& x, Operand operand, std::uint8_t* workspace) {
  PackedRows packed = packed_shape(x.rows, x.in, x.groups, operand);
  packed.blocks = workspace;
  return packed;
}

PackedRows pack_swiglu(const ProductDevice& device, const SwigluRows& rows, Operand operand, std::uint8_t* workspace,
                       Stream stream) {
  PackedRows packed = packed_shape(rows.rows, rows.in, 1, operand);
  packed.blocks = workspace;
  PackWork work = pack_work(packed, workspace);
  work.x = rows.gate;
  work.up = rows.up;
  work.row_stride = rows.in;
  work.limit = rows.limit;
  work.weights = rows.weights;
  launch_pack(device.capability, work, operand, stream);
  return packed;
}

void multiply(const ProductDevice& device, std::span<const ProductOutput> outputs, const PackedRows& x, Stream stream,
              bool adds) {
  check(!outputs.empty() && outputs.size() <= kMostProductOutputs, "a launch multiplies 1 to 16 weights");
  const ProductWeight& like = *outputs.front().weight;
  ProductWork work;
  work.adds = adds ? 1 : 0;
  for (const ProductOutput& output : outputs) {
    const ProductWeight& weight = *output.weight;
    check_weight_and_rows(weight, x);
    check(weight.kind == like.kind && weight.parts == like.parts, "the weights of a launch are of one kind");
    if (weight.out == 0) continue;
    add_target(work, output, x.own.x, x.blocks);
  }
  if (work.pairs == 0 || x.rows == 0) return;
  launch(device, x, like, work, stream);
}

void multiply_groups(const ProductDevice& device, const ProductWeight& weight, const PackedRows& x, float* out,
                     Stream stream, const ProductWeight* next) {
  ProductWork work = groups_work(weight, x, out, next);
  if (work.pairs == 0 || x.rows == 0) return;
  launch(device, x, weight, work, stream);
}

std::optional<PackedRows> multiply_few_groups_packed(const ProductDevice& device, const ProductWeight& weight,
                                                     const PackedRows& x, std::uint8_t* workspace, Stream stream,
                                                     const ProductWeight* next) {
  const bool own = x.blocks == nullptr && x.columns == kOwnColumns && x.rows > 0;
  if (!own || x.rows * columns_of_row(x.operand) > kMostSumsOfOneBlock || weight.kind != TileKind::fp8 ||
      weight.out == 0 || weight.out % (x.groups * kBlockInputs) != 0)
    return std::nullopt;
  ProductWork work = groups_work(weight, x, nullptr, next);
  work.packed = workspace;
  if (!launch(device, x, weight, work, stream)) return std::nullopt;
  return rows_packed_elsewhere({.rows = x.rows, .in = weight.out}, x.operand, workspace);
}

bool multiply_two_kinds(const ProductDevice& device, std::span<const ProductOutput> first,
                        std::span<const ProductOutput> second, Operand operand, const RowsOfX& x, Stream stream) {
  if (first.empty() || second.empty() || first.size() > kMostProductOutputs || second.size() > kMostProductOutputs)
    return false;
  if (first.front().weight->kind != TileKind::fp8 || second.front().weight->kind != TileKind::f16) return false;
  if (!products_pack(device, x.rows, x.in) || !fits_own_columns(x.rows, Operand::f16)) return false;
  OwnProduct fp8 = own_product(first, operand, x.x, x.rows, own_rows(x));
  OwnProduct half = own_product(second, Operand::f16, x.x, x.rows, own_rows(x));
  if (fp8.product.work.pairs == 0 || half.product.work.pairs == 0) return false;
  const auto shapes = shapes_beside(device, fp8.size, half.size);
  if (shapes[0].stages == 0) return false;
  fp8.product.shape = shapes[0];
  half.product.shape = shapes[1];
  launch_two_products(fp8.product, half.product, stream);
  return true;
}

bool multiply_beside_route(const ProductDevice& device, const ProductOutput& output, Operand operand,
                           const SwigluRows& rows, const RouteKernel& route, const ExpertPlan* plan, Stream stream) {
  if (output.weight->kind != TileKind::fp8 || output.weight->out == 0) return false;
  if (!products_pack(device, rows.rows, rows.in) || !fits_own_columns(rows.rows, operand)) return false;
  const OwnRows own = {.up = rows.up,
                       .weights = rows.weights,
                       .row_stride = rows.in,
                       .in = static_cast<int>(rows.in),
                       .limit = rows.limit,
                       .aligned = four_at_once(rows.gate, rows.in) && four_at_once(rows.up, rows.in) ? 1 : 0};
  OwnProduct down = own_product({&output, 1}, operand, rows.gate, rows.rows, own);
  down.size.clusters_beside = 1;
  down.size.most_cluster = 4;  // the experts' blocks begin beside it, if there are no two of it on their multiprocessor
  down.product.shape = decode_shape(device, down.size);
  launch_product_beside_route(down.product, route, plan, stream);
  return true;
}

}  // namespace fathom::cuda
