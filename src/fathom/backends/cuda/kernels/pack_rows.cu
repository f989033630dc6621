// Rows of float32 into blocks for products: a warp takes some blocks of 128 inputs of a row, finds the power of two
// of each, and writes the row's one or two columns.
#include "fathom/backends/cuda/kernels/launch.cuh"
#include "fathom/backends/cuda/kernels/pack_many_rows.cuh"
#include "fathom/backends/cuda/kernels/pack_rows.h"
#include "fathom/backends/cuda/kernels/pack_values.cuh"

namespace fathom::cuda {
namespace {

constexpr int kWarps = 8;
constexpr int kBlocksOfWarp = 4;  // loads of a warp in flight

__device__ float4 four(const float* row, int input, std::int64_t in, bool aligned) {
  if (aligned && input + 4 <= in) return *reinterpret_cast<const float4*>(row + input);
  const auto at = [&](int place) { return input + place < in ? row[input + place] : 0.0F; };
  return {at(0), at(1), at(2), at(3)};
}

// The exponent above which nothing of 128 magnitudes lies, from the largest of them.
__device__ int ceil_exponent(float value) {
  int exponent = 0;
  return frexpf(value, &exponent) == 0.5F ? exponent - 1 : exponent;
}

struct Column {
  std::uint8_t* block;
  float* scales;
  int column;
};

template <Operand kOperand>
__device__ void write_word(const Column& to, int input_byte, std::uint32_t word) {
  *reinterpret_cast<std::uint32_t*>(to.block + block_offset(kOperand, to.column, input_byte)) = word;
}

// Four inputs of a row from input 4 lane on, `largest` over the warp's 128; a largest that is no number spoils the row.
__device__ void write_e4m3(const Column& to, const float4& x, float largest, int lane) {
  const int exponent = ceil_exponent(fmaxf(largest, kSmallestLargest) / kE4m3Largest);
  write_word<Operand::e4m3>(to, 4 * lane, four_e4m3(scaled(x, power(-exponent))));
  if (lane == 0) to.scales[to.column] = isfinite(largest) ? power(exponent) : NAN;
}

__device__ void write_f16(const Column& to, int second_column, const float4& x, float largest, int lane) {
  int exponent = 0;
  frexpf(fminf(fmaxf(largest, 0x1p-90F), 0x1p120F), &exponent);
  exponent -= 15;  // the largest comes to [2^14, 2^15)
  const float4 whole = scaled(x, power(-exponent));
  const Column second = {to.block, to.scales, second_column};
  const int byte = lane / 4 * 32 + lane % 4 * 4;  // inputs 4t, 4t+1 stand at 2t, inputs 4t+2, 4t+3 at 2t+8
  write_word<Operand::f16>(to, byte, two_halves(whole.x, whole.y));
  write_word<Operand::f16>(to, byte + 16, two_halves(whole.z, whole.w));
  write_word<Operand::f16>(second, byte, two_halves(rest_of_half(whole.x), rest_of_half(whole.y)));
  write_word<Operand::f16>(second, byte + 16, two_halves(rest_of_half(whole.z), rest_of_half(whole.w)));
  if (lane != 0) return;
  to.scales[to.column] = isfinite(largest) ? power(exponent) : NAN;
  to.scales[second_column] = isfinite(largest) ? power(exponent - 11) : NAN;
}

// fmaxf would lose a NaN.
__device__ float larger(float a, float b) { return a >= b || isnan(a) ? a : b; }

// The warp's row, its block of inputs filled by all lanes.
template <Operand kOperand>
__device__ void write_block(const PackWork& work, std::int64_t packed_row, std::int64_t block, const float4& x) {
  const int lane = threadIdx.x % 32;
  float largest = larger(larger(fabsf(x.x), fabsf(x.y)), larger(fabsf(x.z), fabsf(x.w)));
  for (int step = 16; step > 0; step /= 2) largest = larger(largest, __shfl_xor_sync(0xffffffffU, largest, step));
  const int chunk_rows = work.columns / columns_of_row(kOperand);
  const std::int64_t chunk = std::int64_t{blockIdx.z} * work.chunks + packed_row / chunk_rows;
  const int column = static_cast<int>(packed_row % chunk_rows);
  std::uint8_t* to = work.blocks + (chunk * work.x_blocks + block) * block_bytes(kOperand, work.columns);
  auto* scales = reinterpret_cast<float*>(to + work.columns * kBlockInputs * operand_bytes(kOperand));
  if constexpr (kOperand == Operand::e4m3) {
    write_e4m3({to, scales, column}, x, largest, lane);
  } else {
    write_f16({to, scales, column}, column + chunk_rows, x, largest, lane);
  }
}

template <Operand kOperand>
__global__ void __launch_bounds__(32 * kWarps) pack(const __grid_constant__ PackWork work) {
  let_later_kernels_begin();
  wait_for_earlier_kernels();
  const std::int64_t packed_row = std::int64_t{blockIdx.y} * kWarps + threadIdx.x / 32;
  const std::int64_t limit = work.row_limit != nullptr ? *work.row_limit : work.packed_rows;
  if (packed_row >= limit) return;
  const std::int64_t first = std::int64_t{blockIdx.x} * kBlocksOfWarp;
  const std::int64_t slot = work.slots != nullptr ? work.slots[packed_row] : packed_row < work.rows ? packed_row : -1;
  float4 x[kBlocksOfWarp] = {};
  if (slot >= 0) {
    const std::int64_t row = work.up != nullptr ? packed_row : slot / work.slots_of_row;
    const float* values = work.x + row * work.row_stride + blockIdx.z * work.group_stride;
    const int input = static_cast<int>(first) * kBlockInputs + 4 * (threadIdx.x % 32);
#pragma unroll
    for (int block = 0; block < kBlocksOfWarp; ++block)
      x[block] = four(values, input + block * kBlockInputs, work.in, work.aligned);
    if (work.up != nullptr) {
      const float weight = work.weights != nullptr ? work.weights[slot] : 1.0F;
      float4 up[kBlocksOfWarp];
#pragma unroll
      for (int block = 0; block < kBlocksOfWarp; ++block)
        up[block] = four(work.up + row * work.row_stride, input + block * kBlockInputs, work.in, work.aligned);
#pragma unroll
      for (int block = 0; block < kBlocksOfWarp; ++block) x[block] = swiglu(x[block], up[block], work.limit, weight);
    }
  }
#pragma unroll
  for (int block = 0; block < kBlocksOfWarp; ++block)
    if (first + block < work.x_blocks) write_block<kOperand>(work, packed_row, first + block, x[block]);
}

bool aligned(const float* pointer, std::int64_t stride) {
  return reinterpret_cast<std::uintptr_t>(pointer) % 16 == 0 && stride % 4 == 0;
}

}  // namespace

void launch_pack(int capability, PackWork work, Operand operand, Stream stream) {
  if (work.packed_rows == 0 || work.in == 0) return;
  work.x_blocks = pieces_of(work.in, kBlockInputs);
  work.aligned = aligned(work.x, work.row_stride) && aligned(work.up, work.group_stride);
  if (pack_many::fits(work)) {
    auto* launch_rows =
        operand == Operand::e4m3 ? pack_many::launch_rows<Operand::e4m3> : pack_many::launch_rows<Operand::f16>;
    return launch_rows(capability, work, stream);
  }
  launch(stream, "pack",
         {.blocks = {static_cast<unsigned>(pieces_of(work.x_blocks, kBlocksOfWarp)),
                     static_cast<unsigned>(pieces_of(work.packed_rows, kWarps)), static_cast<unsigned>(work.groups)},
          .threads = 32 * kWarps,
          .chained = capability >= 90},
         operand == Operand::e4m3 ? pack<Operand::e4m3> : pack<Operand::f16>, work);
}

}  // namespace fathom::cuda
