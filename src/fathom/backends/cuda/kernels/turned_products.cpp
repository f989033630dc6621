#include "fathom/backends/cuda/kernels/turned_products.h"

#include <span>

#include "fathom/backends/cuda/kernels/turned_launch.h"
#include "fathom/base/error.h"

namespace fathom::cuda {
namespace {

constexpr std::int64_t kUnitOutputs = std::int64_t{kTurnedTiles} * kTileRows;
constexpr std::int64_t kHeadUnits = 2;

// Without targets.
ProductWork work_of(const ProductWeight& weight, const PackedRows& x) {
  check_equal(weight.in, x.in, "inputs of a product's weight");
  ProductWork work;
  work.weight_blocks = static_cast<int>(weight.blocks());
  work.parts = weight.parts;
  work.rows = static_cast<int>(x.rows);
  work.x_chunks = x.chunks();
  return work;
}

void add_target(ProductWork& work, const std::uint8_t* tiles, std::int64_t out, const std::uint8_t* x) {
  ProductTarget& target = work.targets[work.target_count++];
  target.tiles = tiles;
  target.x = x;
  target.out_rows = static_cast<int>(out);
}

bool is_packed_wide(const PackedRows& x) { return x.blocks != nullptr && x.columns == kPrefillColumns; }

PackedRows packed_result(const PackedRows& x, std::int64_t in, std::uint8_t* workspace) {
  return rows_packed_elsewhere({.rows = x.rows, .in = in}, Operand::e4m3, workspace);
}

}  // namespace

TurnedShape turned_shape(const ProductDevice& device, TileKind kind, Operand operand, const ProductWork& work) {
  if (device.capability != 90 || kind != TileKind::fp8 || operand != Operand::e4m3 || work.items != nullptr) return {};
  std::int64_t units = 0;
  for (const ProductTarget& target : std::span(work.targets).first(static_cast<std::size_t>(work.target_count)))
    units += turned_groups(target, kTurnedTiles) * pieces_of(work.x_chunks, kTurnedChunks);
  if (units < device.multiprocessors) return {};
  return {.stages = prefill_stages(device, kTurnedStageBytes, 0), .units = units};
}

std::optional<PackedRows> multiply_groups_packed(const ProductDevice& device, const ProductWeight& weight,
                                                 const PackedRows& x, std::uint8_t* workspace, Stream stream) {
  const std::int64_t latent = weight.out / x.groups;
  if (!is_packed_wide(x) || x.groups > kMaxTargets || latent * x.groups != weight.out || latent % kUnitOutputs != 0)
    return std::nullopt;
  ProductWork work = work_of(weight, x);
  for (std::int64_t group = 0; group < x.groups; ++group)
    add_target(work, weight.tiles + group * latent / kTileRows * weight.blocks() * tile_bytes(weight.kind), latent,
               x.blocks + group * x.group_bytes());
  const TurnedShape shape = turned_shape(device, weight.kind, x.operand, work);
  if (shape.stages == 0) return std::nullopt;
  const PackedRows result = packed_result(x, weight.out, workspace);
  launch_turned_packed(device, shape, work, {.blocks = workspace, .chunks = result.chunks()}, stream);
  return result;
}

std::optional<PackedRows> multiply_swiglu(const ProductDevice& device, const ProductWeight& gate,
                                          const ProductWeight& up, const PackedRows& x, float limit,
                                          std::uint8_t* workspace, Stream stream) {
  check_equal(gate.out, up.out, "outputs of the gate's and the other weight");
  check_equal(gate.in, up.in, "inputs of the gate's and the other weight");
  if (!is_packed_wide(x) || gate.kind != up.kind || gate.out % kBlockInputs != 0) return std::nullopt;
  ProductWork work = work_of(gate, x);
  add_target(work, gate.tiles, gate.out, x.blocks);
  add_target(work, up.tiles, up.out, x.blocks);
  TurnedShape shape = turned_shape(device, gate.kind, x.operand, work);
  if (shape.stages == 0) return std::nullopt;
  shape.units = gate.out / kBlockInputs * pieces_of(work.x_chunks, kTurnedChunks);
  const PackedRows result = packed_result(x, gate.out, workspace);
  launch_turned_swiglu(device, shape, work, {.blocks = workspace, .chunks = result.chunks(), .limit = limit}, stream);
  return result;
}

std::int64_t queries_workspace_bytes(const ProductDevice& device) {
  return device.multiprocessors * kTurnedKept * static_cast<std::int64_t>(sizeof(float4));
}

bool multiply_queries(const ProductDevice& device, const ProductWeight& weight, const PackedRows& x,
                      const RoundedQueriesKernel& queries, std::uint8_t* workspace, Stream stream) {
  const NormRotateKernel& of = queries.queries;
  if (!is_packed_wide(x) || !fits_rounded_queries(of) || of.head_dim != kHeadUnits * kUnitOutputs) return false;
  check_equal(weight.out, of.heads * of.head_dim, "outputs of the queries' weight");
  check_equal(x.rows, of.rows, "rows of queries");
  ProductWork work = work_of(weight, x);
  add_target(work, weight.tiles, weight.out, x.blocks);
  const TurnedShape shape = turned_shape(device, weight.kind, x.operand, work);
  if (shape.stages == 0) return false;
  launch_turned_queries(device, shape, work,
                        {.cosine = of.cosine,
                         .sine = of.sine,
                         .out = queries.out,
                         .kept = reinterpret_cast<float4*>(workspace),
                         .heads = of.heads,
                         .eps = of.eps},
                        stream);
  return true;
}

}  // namespace fathom::cuda
