// Products on a CUDA device: out = weight * x for dense weights and for routed experts, over device memory. The caller
// owns everything: weights once prepared, workspaces, streams. No function allocates, waits or reads device memory.
//
// A row of a result has the same bits whatever rows stand beside it: every sum goes over 128 inputs inside the tensor
// core and over these sums in the order of the inputs, in every kernel.
#pragma once

#include <cuda_runtime.h>

#include <cstdint>
#include <optional>
#include <span>

#include "fathom/backends/cuda/kernels/awaited_row.h"
#include "fathom/backends/cuda/kernels/launching.h"
#include "fathom/backends/cuda/kernels/product_layout.h"
#include "fathom/tensor/weight.h"

namespace fathom::cuda {

// What the launches need to know of a device.
struct ProductDevice {
  int capability = 0;  // the code's (probe.h): 90 for 9.0a
  int multiprocessors = 0;
  int shared_of_block = 0;  // bytes of shared memory
  int shared_of_multiprocessor = 0;
  int clusters_of_four = -1;  // that find room at once, a block to a multiprocessor; below 0: not known
  int clusters_of_eight = -1;
  bool lone_experts = false;  // blocks that wait for one another may be launched, and CudaOptions want it
};
// Of the current device, which has this number.
ProductDevice product_device(int ordinal);

enum class Activations : std::uint8_t {
  float32,  // 22 bits of every float32, in two binary16
  fp8,      // rounded to e4m3 with a power of two per 128, as the released kernels do; FP4 and FP8 weights alone
};

// A weight as products read it (product_layout.h), in device memory.
struct ProductWeight {
  TileKind kind = TileKind::f16;
  int parts = 1;
  std::int64_t out = 0;
  std::int64_t in = 0;
  const std::uint8_t* tiles = nullptr;  // aligned to 16

  std::int64_t row_tiles() const { return pieces_of(out, kTileRows); }
  std::int64_t blocks() const { return pieces_of(in, kBlockInputs) * parts; }
};

std::int64_t product_weight_bytes(const WeightView& weight);
// `stored` is in device memory; it is read until the stream has come past this. Products may read the tiles ahead of
// the stream: it has to be waited for once before the first of them.
ProductWeight prepare_product_weight(const WeightView& stored, std::uint8_t* tiles, Stream stream);

// What a weight is multiplied as: e4m3 for FP8 activations where weight and device can, binary16 otherwise.
Operand product_operand(const ProductDevice& device, Activations activations, TileKind kind);

// x[row, group, input] = x[row * row_stride + group * group_stride + input]
struct RowsOfX {
  const float* x = nullptr;
  std::int64_t rows = 0;
  std::int64_t in = 0;
  std::int64_t row_stride = 0;
  std::int64_t groups = 1;
  std::int64_t group_stride = 0;
  const float* norm = nullptr;  // [in]: they are normed by the products that pack them (products_norm)
  float eps = 0.0F;             // of the norm
  AwaitedRow awaited = {};      // the same row, of one: products that pack it may read it before it is in x
};

// Rows ready to be multiplied by any number of weights.
struct PackedRows {
  Operand operand = Operand::f16;
  int columns = 0;  // of a block
  std::int64_t rows = 0;
  std::int64_t in = 0;
  std::int64_t groups = 1;
  const std::uint8_t* blocks = nullptr;  // [groups, blocks, chunks]; null: few rows, which the products pack themselves
  RowsOfX own = {};                      // these

  std::int64_t chunks() const { return pieces_of(rows, columns / columns_of_row(operand)); }
  std::int64_t group_bytes() const { return chunks() * pieces_of(in, kBlockInputs) * block_bytes(operand, columns); }
};

std::int64_t packed_rows_bytes(std::int64_t rows, std::int64_t in, std::int64_t groups, Operand operand);
// Who packs few rows: a launch, or each thread block of the products its share. The latter saves the launch, and pays
// where the weights are there before the rows are; where they are still on their way, the rows would wait behind them.
enum class PackedBy : std::uint8_t { launch, products };
// Whether products can pack so many rows of so many inputs themselves.
bool products_pack(const ProductDevice& device, std::int64_t rows, std::int64_t in);
// Whether a product of FP8 weights that packs its rows can norm them too.
bool products_norm(std::int64_t in);
// `workspace` is aligned to 16 and holds packed_rows_bytes. x must stay until the last of the products.
PackedRows pack_rows(const ProductDevice& device, const RowsOfX& x, PackedBy by, Operand operand,
                     std::uint8_t* workspace, Stream stream);

struct PackedTwice {
  PackedRows e4m3;
  PackedRows halves;
};
// As e4m3 and as two halves, each in a workspace of its own; one group.
PackedTwice pack_rows_twice(const ProductDevice& device, const RowsOfX& x, std::uint8_t* e4m3, std::uint8_t* halves,
                            Stream stream);

// The same rows, which somebody else writes to `workspace` as product_layout.h says.
PackedRows rows_packed_elsewhere(const RowsOfX& x, Operand operand, std::uint8_t* workspace);

// silu(min(gate, limit)) * clamp(up, -limit, limit) * weights[row], packed; limit 0: no clamp; weights null: 1.
struct SwigluRows {
  const float* gate = nullptr;     // [rows, in]
  const float* up = nullptr;       // [rows, in]
  const float* weights = nullptr;  // [rows] or null
  std::int64_t rows = 0;
  std::int64_t in = 0;
  float limit = 0.0F;
};
PackedRows pack_swiglu(const ProductDevice& device, const SwigluRows& rows, Operand operand, std::uint8_t* workspace,
                       Stream stream);

// out[row * row_stride + output] = sum over inputs of weight[output, input] * x[row, input]
struct ProductOutput {
  const ProductWeight* weight = nullptr;
  float* out = nullptr;
  std::int64_t row_stride = 0;
};
// Up to 16 weights of one kind and width over the same rows (of group 0) in one launch; `adds`: to what is in `out`.
inline constexpr std::size_t kMostProductOutputs = 16;
void multiply(const ProductDevice& device, std::span<const ProductOutput> outputs, const PackedRows& x, Stream stream,
              bool adds = false);

// out[row, group, o] = sum_i weight[group * (weight.out / groups) + o, i] * x[row, group, i]; out is contiguous. Up to
// 16 groups. `next` is the weight that will be multiplied next, or null: some of it may be sent for ahead.
void multiply_groups(const ProductDevice& device, const ProductWeight& weight, const PackedRows& x, float* out,
                     Stream stream, const ProductWeight* next = nullptr);

// multiply_groups of rows that the products pack, then pack_rows of all groups' outputs side by side, in one launch.
// `workspace` holds packed_rows_bytes of them. Nothing has been done where it does not say so.
std::optional<PackedRows> multiply_few_groups_packed(const ProductDevice& device, const ProductWeight& weight,
                                                     const PackedRows& x, std::uint8_t* workspace, Stream stream,
                                                     const ProductWeight* next = nullptr);

// Routed experts of one kind and shape; tables lie in device memory. An expert whose w1 is null is skipped: its slots
// count as zero, and somebody else adds them.
struct ExpertTables {
  TileKind kind = TileKind::fp4;
  int parts = 1;
  std::int64_t experts = 0;
  std::int64_t channels = 0;
  std::int64_t expert_dim = 0;
  const std::uint8_t* const* w1 = nullptr;  // [experts] tiles
  const std::uint8_t* const* w2 = nullptr;
  const std::uint8_t* const* w3 = nullptr;
};

// out[token] = sum over slots, ascending, of w2(swiglu(w1 x, w3 x) * weight). The weight enters before w2.
struct ExpertProducts {
  ExpertTables experts;
  const float* x = nullptr;                // [tokens, channels]
  const std::int32_t* selected = nullptr;  // [tokens, slots]
  const float* weights = nullptr;          // [tokens, slots]
  std::int64_t tokens = 0;
  std::int64_t slots = 0;  // experts of a token
  float limit = 0.0F;
  float* out = nullptr;                // [tokens, channels], or null: each slot's row is left where ExpertRows says
  std::uint32_t* use = nullptr;        // [experts] times chosen, added to; or null
  Fault* fault = nullptr;              // or null: for an expert that does not exist
  const float* beside = nullptr;       // [tokens, channels] added to the sum, or null
  bool distinct = false;               // no token names an expert twice: none has more rows than there are tokens
  bool planned = false;                // by a launch of expert_plan's, ahead of this
  const PackedRows* packed = nullptr;  // x in blocks of 64 columns, or null
};
std::int64_t expert_workspace_bytes(const ProductDevice& device, const ExpertTables& experts, std::int64_t tokens,
                                    std::int64_t slots, Operand operand);
// In the workspace.
struct ExpertRows {
  const float* rows = nullptr;                // [rows, channels]
  const std::int32_t* row_of_slot = nullptr;  // [tokens * slots] -1: its expert is not here
};
ExpertRows expert_products(const ProductDevice& device, const ExpertProducts& args, Operand operand,
                           std::uint8_t* workspace, Stream stream);

}  // namespace fathom::cuda
