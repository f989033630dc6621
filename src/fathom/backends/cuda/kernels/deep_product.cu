#include "fathom/backends/cuda/kernels/deep_product.h"

#include "fathom/backends/cuda/kernels/deep_rows.cuh"
#include "fathom/backends/cuda/kernels/deep_sum.cuh"
#include "fathom/backends/cuda/kernels/launch.cuh"

namespace fathom::cuda {
namespace {

constexpr int kWarps = 8;
constexpr int kRows = kSumsAtOnce;  // of a block: they share the weight's piece
constexpr int kInputs = static_cast<int>(kDeepPiece) / kWarp;

struct Inputs {
  float values[kInputs];
};

__device__ Inputs inputs_of(const float* row, std::int64_t first, std::int64_t in) {
  Inputs inputs;
#pragma unroll
  for (int index = 0; index < kInputs; ++index) inputs.values[index] = first + index < in ? row[first + index] : 0.0F;
  return inputs;
}

// A block a piece and eight rows; its warps share the outputs.
__global__ void __launch_bounds__(kWarps* kWarp) sum_pieces(DeepProductKernel args, std::int64_t pieces) {
  begin_in_turn();
  const std::int64_t piece = blockIdx.x % pieces;
  const std::int64_t first_row = blockIdx.x / pieces * kRows;
  const std::int64_t first = piece * kDeepPiece + lane_id() * kInputs;
  const int rows = static_cast<int>(min(static_cast<std::int64_t>(kRows), args.rows - first_row));
  Inputs x[kRows] = {};
#pragma unroll
  for (int row = 0; row < kRows; ++row)
    if (row < rows) x[row] = inputs_of(args.x + (first_row + row) * args.in, first, args.in);
  for (std::int64_t output = warp_id(); output < args.outputs; output += kWarps) {
    const Inputs weight = inputs_of(args.weight + output * args.in, first, args.in);
    float sums[kRows] = {};
#pragma unroll
    for (int row = 0; row < kRows; ++row)
#pragma unroll
      for (int index = 0; index < kInputs; ++index)
        sums[row] = fmaf(weight.values[index], x[row].values[index], sums[row]);
    const float sum = sums_of_lanes(sums);
    const int row = sum_of_lane();
    if (lane_id() % 4 == 0 && row < rows)
      args.parts[((first_row + row) * args.outputs + output) * pieces + piece] = sum;
  }
}

// A warp a row and output.
__global__ void join_pieces(DeepProductKernel args, std::int64_t parts) {
  begin_in_turn();
  const std::int64_t place = global_thread() / kWarp;
  if (place >= args.rows * args.outputs) return;
  const float sum = joined_pieces(args.parts + place * parts, parts);
  if (lane_id() == 0) args.out[place] = sum;
}

bool aligned(const float* pointer) { return reinterpret_cast<std::uintptr_t>(pointer) % 16 == 0; }

void launch_pieces(const DeepProductKernel& args, Stream stream) {
  const std::int64_t pieces = args.pieces();
  launch(stream, "sum_pieces",
         {.blocks = {blocks_for(args.rows, kRows) * static_cast<unsigned>(pieces)},
          .threads = kWarps * kWarp,
          .chained = stream.chained},
         sum_pieces, args, pieces);
}

void launch_rows(const DeepProductKernel& args, Stream stream) {
  launch(stream, "sum_rows",
         {.blocks = {blocks_for(args.rows, deep_rows::kRows) * static_cast<unsigned>(kDeepParts)},
          .threads = deep_rows::kWarps * kWarp,
          .shared_bytes = deep_rows::kStages * deep_rows::kStageBytes,
          .chained = stream.chained},
         deep_rows::sum_rows, args);
}

}  // namespace

bool DeepProductKernel::in_parts() const {
  return rows >= kManyDeepRows && outputs <= deep_rows::kOutputs && in % (kWarp * kDeepPiece) == 0 && aligned(x) &&
         aligned(weight);
}

void launch_deep_product(const DeepProductKernel& args, Stream stream) {
  if (args.rows * args.outputs * args.pieces() == 0) return;
  args.in_parts() ? launch_rows(args, stream) : launch_pieces(args, stream);
  if (args.out == nullptr) return;
  launch(
      stream, "join_pieces",
      {.blocks = {blocks_for(args.rows * args.outputs, kWarps)}, .threads = kWarps * kWarp, .chained = stream.chained},
      join_pieces, args, args.sums());
}

}  // namespace fathom::cuda
