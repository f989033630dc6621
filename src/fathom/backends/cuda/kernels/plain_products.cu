#include "fathom/backends/cuda/kernels/plain_products.h"

#include "fathom/backends/cuda/kernels/launch.cuh"
#include "fathom/backends/cuda/kernels/numbers.cuh"
#include "fathom/backends/cuda/kernels/threads.cuh"

namespace fathom::cuda {
namespace {

constexpr int kThreads = 256;
constexpr int kDepth = 32;  // columns in shared memory at a time
constexpr std::int64_t kManyTokens = 64;

__device__ float scale_of(const DeviceWeight& weight, std::int64_t row, std::int64_t column) {
  if (!weight.scaled) return 1.0F;
  const std::int64_t columns = (weight.in + weight.scale_columns - 1) / weight.scale_columns;
  const std::int64_t index = row / weight.scale_rows * columns + column / weight.scale_columns;
  return weight.float_scales ? read_float(weight.scale + 4 * index) : widened_e8m0(byte_at(weight.scale + index));
}

// The code times its scale, one rounding.
__device__ float weight_value(const DeviceWeight& weight, std::int64_t row, std::int64_t column) {
  const std::int64_t index = row * weight.in + column;
  switch (weight.format) {
    case WeightFormat::f32: return read_float(weight.data + 4 * index);
    case WeightFormat::bf16: return widened_bf16(read_u16(weight.data + 2 * index));
    case WeightFormat::fp8_block: return widened_e4m3(byte_at(weight.data + index)) * scale_of(weight, row, column);
    case WeightFormat::fp4_group: {
      const unsigned pair = byte_at(weight.data + row * (weight.in / 2) + column / 2);
      return widened_e2m1((column & 1) != 0 ? pair >> 4 : pair & 15U) * scale_of(weight, row, column);
    }
  }
  return 0.0F;
}

// A tile of rows times outputs; threads stand 16 by 16, each with kOwn rows and kOwn outputs.
template <int kOwn>
__global__ void product(ProductKernel args, std::int64_t out_tiles) {
  begin_in_turn();
  constexpr int kSide = 16;
  constexpr int kTile = kSide * kOwn;
  __shared__ float weights[kTile][kDepth + 1];
  __shared__ float inputs[kTile][kDepth + 1];
  const std::int64_t first_out = blockIdx.x % out_tiles * kTile;
  const std::int64_t group = blockIdx.x / out_tiles % args.groups;
  const std::int64_t first_row = blockIdx.x / (out_tiles * args.groups) * kTile;
  const int own_out = threadIdx.x % kSide;
  const int own_row = threadIdx.x / kSide;
  const std::int64_t in = args.weight.in;
  float sums[kOwn][kOwn] = {};
  for (std::int64_t first = 0; first < in; first += kDepth) {
    const int depth = static_cast<int>(min(static_cast<std::int64_t>(kDepth), in - first));
    for (int index = threadIdx.x; index < kTile * kDepth; index += kThreads) {
      const int line = index / kDepth;
      const std::int64_t column = first + index % kDepth;
      const std::int64_t out = first_out + line;
      const std::int64_t row = first_row + line;
      weights[line][index % kDepth] =
          column < in && out < args.outputs ? weight_value(args.weight, group * args.outputs + out, column) : 0.0F;
      inputs[line][index % kDepth] =
          column < in && row < args.rows ? args.x[(row * args.groups + group) * in + column] : 0.0F;
    }
    __syncthreads();
    for (int column = 0; column < depth; ++column)
#pragma unroll
      for (int row = 0; row < kOwn; ++row)
#pragma unroll
        for (int out = 0; out < kOwn; ++out)
          sums[row][out] += weights[own_out + out * kSide][column] * inputs[own_row + row * kSide][column];
    __syncthreads();
  }
#pragma unroll
  for (int row = 0; row < kOwn; ++row)
#pragma unroll
    for (int out = 0; out < kOwn; ++out) {
      const std::int64_t of_row = first_row + own_row + row * kSide;
      const std::int64_t of_out = first_out + own_out + out * kSide;
      if (of_row < args.rows && of_out < args.outputs)
        args.out[(of_row * args.groups + group) * args.outputs + of_out] = sums[row][out];
    }
}

// A block has 32 outputs of one slot: all threads decode the weight's columns into shared memory, a warp has the
// chains.
__global__ void expert_product(ExpertProductKernel args, std::int64_t out_tiles) {
  begin_in_turn();
  constexpr int kTile = 32;  // outputs
  __shared__ float weights[kTile][kDepth * 4 + 1];
  __shared__ float inputs[kDepth * 4];
  const std::int64_t slot = blockIdx.x / out_tiles;
  const std::int64_t first_out = blockIdx.x % out_tiles * kTile;
  const int expert = args.selected[slot];
  if (expert < 0 || expert >= args.experts) {
    if (threadIdx.x == 0) *args.fault = {FaultCode::unknown_expert, expert, args.experts};
    return;
  }
  const DeviceWeight weight = args.weights[expert * args.weight_step];
  const float* x = args.x + slot / args.slots_per_row * weight.in;
  constexpr int kColumns = kDepth * 4;
  float sum = 0.0F;
  for (std::int64_t first = 0; first < weight.in; first += kColumns) {
    const int depth = static_cast<int>(min(static_cast<std::int64_t>(kColumns), weight.in - first));
    for (int index = threadIdx.x; index < kTile * kColumns; index += kThreads) {
      const int line = index / kColumns;
      const int column = index % kColumns;
      if (column < depth && first_out + line < args.outputs)
        weights[line][column] = weight_value(weight, first_out + line, first + column);
    }
    for (int column = threadIdx.x; column < depth; column += kThreads) inputs[column] = x[first + column];
    __syncthreads();
    if (threadIdx.x < kTile)
      for (int column = 0; column < depth; ++column) sum += weights[threadIdx.x][column] * inputs[column];
    __syncthreads();
  }
  const std::int64_t out = first_out + threadIdx.x;
  if (threadIdx.x < kTile && out < args.outputs) args.out[slot * args.outputs + out] = sum;
}

__global__ void slot_sum(SlotSumKernel args) {
  begin_in_turn();
  const std::int64_t place = global_thread();
  if (place >= args.tokens * args.channels) return;
  const std::int64_t token = place / args.channels;
  const float* part = args.parts + token * args.slots * args.channels + place % args.channels;
  float sum = part[0];
  for (std::int64_t slot = 1; slot < args.slots; ++slot) sum += part[slot * args.channels];
  args.out[place] = sum;
}

__global__ void embed(EmbedKernel args) {
  begin_in_turn();
  const std::int64_t place = global_thread();
  const std::int64_t channels = args.table.in;
  if (place >= args.tokens * channels) return;
  const std::int64_t token = place / channels;
  const std::int64_t channel = place % channels;
  const float value = weight_value(args.table, args.ids[token], channel);
  float* stream = args.streams + token * args.stream_count * channels + channel;
  for (std::int64_t index = 0; index < args.stream_count; ++index) stream[index * channels] = value;
}

// Four channels of a token to every stream.
__global__ void embed_fours(EmbedKernel args, unsigned blocks_of_token) {
  begin_in_turn();
  const std::int64_t token = blockIdx.x / blocks_of_token;
  const std::int64_t channel = (std::int64_t{blockIdx.x % blocks_of_token} * kThreads + threadIdx.x) * 4;
  const std::int64_t channels = args.table.in;
  if (channel >= channels) return;
  const std::int32_t id = args.ids[token];
  const float4 values = {weight_value(args.table, id, channel), weight_value(args.table, id, channel + 1),
                         weight_value(args.table, id, channel + 2), weight_value(args.table, id, channel + 3)};
  float* stream = args.streams + token * args.stream_count * channels + channel;
  for (std::int64_t index = 0; index < args.stream_count; ++index)
    *reinterpret_cast<float4*>(stream + index * channels) = values;
}

std::int64_t tiles_of(std::int64_t size, std::int64_t tile) { return (size + tile - 1) / tile; }

template <int kOwn>
void launch_product_tiles(const ProductKernel& args, Stream stream) {
  constexpr std::int64_t kTile = 16 * kOwn;
  const std::int64_t out_tiles = tiles_of(args.outputs, kTile);
  const std::int64_t blocks = out_tiles * args.groups * tiles_of(args.rows, kTile);
  launch(stream, "product", {.blocks = {blocks_for(blocks, 1)}, .threads = kThreads, .chained = stream.chained},
         product<kOwn>, args, out_tiles);
}

}  // namespace

void launch_product(const ProductKernel& args, Stream stream) {
  if (args.rows * args.outputs * args.groups == 0) return;
  if (args.rows <= 16) {
    launch_product_tiles<1>(args, stream);
  } else {
    launch_product_tiles<4>(args, stream);
  }
}

void launch_expert_product(const ExpertProductKernel& args, Stream stream) {
  if (args.slots * args.outputs == 0) return;
  const std::int64_t out_tiles = tiles_of(args.outputs, 32);
  launch(stream, "expert_product",
         {.blocks = {blocks_for(args.slots * out_tiles, 1)}, .threads = kThreads, .chained = stream.chained},
         expert_product, args, out_tiles);
}

void launch_slot_sum(const SlotSumKernel& args, Stream stream) {
  if (args.tokens * args.channels == 0) return;
  launch(
      stream, "slot_sum",
      {.blocks = {blocks_for(args.tokens * args.channels, kThreads)}, .threads = kThreads, .chained = stream.chained},
      slot_sum, args);
}

void launch_embed(const EmbedKernel& args, Stream stream) {
  if (args.tokens * args.table.in == 0) return;
  if (args.tokens >= kManyTokens && args.table.in % 4 == 0 &&
      reinterpret_cast<std::uintptr_t>(args.streams) % sizeof(float4) == 0) {
    const auto blocks = static_cast<unsigned>(tiles_of(args.table.in, std::int64_t{4} * kThreads));
    launch(stream, "embed_fours",
           {.blocks = {static_cast<unsigned>(args.tokens) * blocks}, .threads = kThreads, .chained = stream.chained},
           embed_fours, args, blocks);
    return;
  }
  launch(
      stream, "embed",
      {.blocks = {blocks_for(args.tokens * args.table.in, kThreads)}, .threads = kThreads, .chained = stream.chained},
      embed, args);
}

}  // namespace fathom::cuda
