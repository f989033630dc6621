// Attention's softmax (report 2.3) and the pooling of tokens into entries (2.3.1), with their gradients.
#include <cfloat>

#include "fathom/trainer/kernels/kernels.h"
#include "fathom/trainer/kernels/rows.cuh"

namespace fathom::train {
namespace {

__device__ float warp_max(float value) {
#pragma unroll
  for (int distance = kWarp / 2; distance > 0; distance /= 2)
    value = fmaxf(value, __shfl_xor_sync(0xffffffffU, value, distance));
  return value;
}

// One row of scores: [sink, nothing ... | window | entries | nothing].
struct ScoreRow {
  const bool* window_hidden;
  const bool* entries_hidden;
  std::int64_t sink_columns;
  std::int64_t window;
  std::int64_t entries;

  // A bit for each of the eight keys from `column` on: set where it is seen.
  __device__ unsigned seen(std::int64_t column) const {
    column -= sink_columns;
    if (column < 0) return 0U;
    if (column < window) return seen_of(window_hidden + column, window - column);
    column -= window;
    return column < entries ? seen_of(entries_hidden + column, entries - column) : 0U;
  }

  static __device__ unsigned seen_of(const bool* hidden, std::int64_t left) {
    unsigned bits = 0U;
    if (left >= kVector && reinterpret_cast<std::uintptr_t>(hidden) % kVector == 0) {
      const uint2 bytes = *reinterpret_cast<const uint2*>(hidden);
#pragma unroll
      for (int lane = 0; lane < kVector; ++lane)
        bits |= ((lane < 4 ? bytes.x >> (8 * lane) : bytes.y >> (8 * (lane - 4))) & 1U) << lane;
      return ~bits & 0xffU;
    }
    for (int lane = 0; lane < kVector && lane < left; ++lane) bits |= hidden[lane] ? 0U : 1U << lane;
    return bits;
  }
};

__device__ ScoreRow score_row(const AttentionSoftmaxKernelArgs& args, std::int64_t token) {
  return {args.window_hidden + token * args.window, args.entries_hidden + token * args.entries_stride,
          args.sink_columns, args.window, args.entries};
}

// A warp a row; first the sum, then the shares. The sink takes part in the sum, the columns beside it do not.
template <class T>
__global__ void attention_softmax(AttentionSoftmaxKernelArgs args) {
  const std::int64_t row = (static_cast<std::int64_t>(blockIdx.x) * blockDim.x + threadIdx.x) / kWarp;
  const int lane_id = threadIdx.x % kWarp;
  if (row >= args.tokens * args.heads) return;
  const ScoreRow shown = score_row(args, row / args.heads);
  const float sink = args.sink[row % args.heads];
  T* scores = static_cast<T*>(args.scores) + row * args.width;
  float largest = sink;
  float sum = lane_id == 0 ? 1.0F : 0.0F;
  for (std::int64_t column = lane_id * kVector; column < args.width; column += kWarp * kVector) {
    const unsigned seen = shown.seen(column);
    if (seen == 0U) continue;
    const Eight values = load_eight(scores + column);
    float common = largest;
#pragma unroll
    for (int lane = 0; lane < kVector; ++lane)
      if ((seen >> lane & 1U) != 0U) common = fmaxf(common, values.value[lane]);
    sum *= __expf(largest - common);
    largest = common;
#pragma unroll
    for (int lane = 0; lane < kVector; ++lane)
      sum += (seen >> lane & 1U) != 0U ? __expf(values.value[lane] - largest) : 0.0F;
  }
  const float common = warp_max(largest);
  sum = warp_sum(sum * __expf(largest - common));
  const float inverse = 1.0F / sum;
  for (std::int64_t column = lane_id * kVector; column < args.width; column += kWarp * kVector) {
    const unsigned seen = shown.seen(column);
    Eight values = {};
    if (seen != 0U) {
      const Eight logits = load_eight(scores + column);
#pragma unroll
      for (int lane = 0; lane < kVector; ++lane)
        values.value[lane] = (seen >> lane & 1U) != 0U ? __expf(logits.value[lane] - common) * inverse : 0.0F;
    }
    if (column == 0) values.value[0] = __expf(sink - common) * inverse;
    store_eight(scores + column, values);
  }
}

// d score = p (d p - sum(p d p)); the sink's d p is zero.
template <class T>
__global__ void attention_softmax_backward(AttentionSoftmaxKernelArgs args) {
  const std::int64_t row = (static_cast<std::int64_t>(blockIdx.x) * blockDim.x + threadIdx.x) / kWarp;
  const int lane_id = threadIdx.x % kWarp;
  if (row >= args.tokens * args.heads) return;
  const T* shares = static_cast<const T*>(args.probabilities) + row * args.width;
  T* gradient = static_cast<T*>(args.scores) + row * args.width;
  const std::int64_t end = args.sink_columns + args.window + args.entries;
  float along = 0.0F;
  for (std::int64_t column = args.sink_columns + lane_id * kVector; column < end; column += kWarp * kVector) {
    const Eight p = load_eight(shares + column);
    const Eight change = load_eight(gradient + column);
#pragma unroll
    for (int lane = 0; lane < kVector; ++lane)
      if (column + lane < end) along += p.value[lane] * change.value[lane];
  }
  along = warp_sum(along);
  for (std::int64_t column = lane_id * kVector; column < args.width; column += kWarp * kVector) {
    const Eight p = load_eight(shares + column);
    Eight change = load_eight(gradient + column);
#pragma unroll
    for (int lane = 0; lane < kVector; ++lane) {
      const bool key = column + lane >= args.sink_columns && column + lane < end;
      change.value[lane] = key ? p.value[lane] * (change.value[lane] - along) : 0.0F;
    }
    if (column == 0 && args.sink_gradient != nullptr) args.sink_gradient[row] = -p.value[0] * along;
    store_eight(gradient + column, change);
  }
}

// The slots of one entry: the block before with the first half of the columns, then its own with the last.
struct Slot {
  std::int64_t token;
  std::int64_t column;
  std::int64_t place;  // within its block: ape's row
};

struct EntrySlots {
  const PoolKernelArgs& args;
  std::int64_t entry;
  std::int64_t dimension;
  bool before;  // the block before counts

  __device__ std::int64_t first() const { return before ? 0 : (args.overlap ? args.ratio : 0); }
  __device__ std::int64_t count() const { return args.overlap ? 2 * args.ratio : args.ratio; }
  __device__ Slot at(std::int64_t slot) const {
    if (args.overlap && slot < args.ratio) return {args.first[entry] - args.ratio + slot, dimension, slot};
    const std::int64_t place = args.overlap ? slot - args.ratio : slot;
    return {args.first[entry] + place, (args.overlap ? args.dim : 0) + dimension, place};
  }
};

template <class T>
__device__ float value_at(const void* rows, std::int64_t place) {
  return static_cast<float>(static_cast<const T*>(rows)[place]);
}

template <class T>
__device__ float gate_at(const PoolKernelArgs& args, const Slot& slot) {
  return value_at<T>(args.gate, slot.token * args.columns + slot.column) +
         args.ape[slot.place * args.columns + slot.column];
}

template <class T>
__global__ void pool_forward(PoolKernelArgs args) {
  const std::int64_t place = static_cast<std::int64_t>(blockIdx.x) * blockDim.x + threadIdx.x;
  const std::int64_t entry = place / args.dim;
  if (entry >= args.entries) return;
  if (args.unused[entry]) {
    args.out[place] = 0.0F;
    args.largest[place] = 0.0F;
    args.sum[place] = 1.0F;
    return;
  }
  const EntrySlots slots{args, entry, place % args.dim, args.overlap && !args.no_previous[entry]};
  float largest = -FLT_MAX;
  float sum = 0.0F;
  float total = 0.0F;
  for (std::int64_t index = slots.first(); index < slots.count(); ++index) {
    const Slot slot = slots.at(index);
    const float gate = gate_at<T>(args, slot);
    if (gate > largest) {
      const float less = expf(largest - gate);
      sum *= less;
      total *= less;
      largest = gate;
    }
    const float share = expf(gate - largest);
    sum += share;
    total += share * value_at<T>(args.kv, slot.token * args.columns + slot.column);
  }
  args.out[place] = total / sum;
  args.largest[place] = largest;
  args.sum[place] = sum;
}

// Every token's column belongs to one entry at most: nothing is added up, and what belongs to none stays zero.
template <class T>
__global__ void pool_backward(PoolKernelArgs args) {
  const std::int64_t place = static_cast<std::int64_t>(blockIdx.x) * blockDim.x + threadIdx.x;
  const std::int64_t entry = place / args.dim;
  if (entry >= args.entries || args.unused[entry]) return;
  const EntrySlots slots{args, entry, place % args.dim, args.overlap && !args.no_previous[entry]};
  const float gradient = args.gradient[place];
  const float pooled = args.out[place];
  for (std::int64_t index = slots.first(); index < slots.count(); ++index) {
    const Slot slot = slots.at(index);
    const std::int64_t at = slot.token * args.columns + slot.column;
    const float share = expf(gate_at<T>(args, slot) - args.largest[place]) / args.sum[place];
    static_cast<T*>(args.kv_gradient)[at] = static_cast<T>(share * gradient);
    static_cast<T*>(args.gate_gradient)[at] = static_cast<T>(share * gradient * (value_at<T>(args.kv, at) - pooled));
  }
}

cudaStream_t as_stream(void* stream) { return static_cast<cudaStream_t>(stream); }

}  // namespace

void attention_softmax_kernel(const AttentionSoftmaxKernelArgs& args, void* stream) {
  auto* kernel = args.bf16 ? attention_softmax<__nv_bfloat16> : attention_softmax<float>;
  kernel<<<blocks_for(args.tokens * args.heads * kWarp), kThreads, 0, as_stream(stream)>>>(args);
}
void attention_softmax_backward_kernel(const AttentionSoftmaxKernelArgs& args, void* stream) {
  auto* kernel = args.bf16 ? attention_softmax_backward<__nv_bfloat16> : attention_softmax_backward<float>;
  kernel<<<blocks_for(args.tokens * args.heads * kWarp), kThreads, 0, as_stream(stream)>>>(args);
}
void pool_forward_kernel(const PoolKernelArgs& args, void* stream) {
  auto* kernel = args.bf16 ? pool_forward<__nv_bfloat16> : pool_forward<float>;
  kernel<<<blocks_for(args.entries * args.dim), kThreads, 0, as_stream(stream)>>>(args);
}
void pool_backward_kernel(const PoolKernelArgs& args, void* stream) {
  auto* kernel = args.bf16 ? pool_backward<__nv_bfloat16> : pool_backward<float>;
  kernel<<<blocks_for(args.entries * args.dim), kThreads, 0, as_stream(stream)>>>(args);
}

}  // namespace fathom::train
