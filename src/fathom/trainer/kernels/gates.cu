// The gates of the hyper-connections (report 2.2) and the cross-entropy, each in one pass and one pass back. A warp a
// token; the 4 x 4 matrix of the streams lies over sixteen lanes, twice.
#include <cfloat>

#include "fathom/trainer/kernels/kernels.h"
#include "fathom/trainer/kernels/rows.cuh"

namespace fathom::train {
namespace {

constexpr unsigned kAll = 0xffffffffU;
constexpr int kStreams = 4;
constexpr int kSquare = kStreams * kStreams;
constexpr int kGates = 2 * kStreams + kSquare;
constexpr int kMostSteps = 64;

__device__ float sum_of_two(float value, int near, int far) {
  value += __shfl_xor_sync(kAll, value, near);
  return value + __shfl_xor_sync(kAll, value, far);
}
__device__ float sum_over_columns(float value) { return sum_of_two(value, 1, 2); }  // one row's entries
__device__ float sum_over_rows(float value) { return sum_of_two(value, 4, 8); }     // one column's entries

__device__ float row_softmax(float value) {
  float largest = fmaxf(value, __shfl_xor_sync(kAll, value, 1));
  largest = fmaxf(largest, __shfl_xor_sync(kAll, largest, 2));
  const float share = expf(value - largest);
  return share / sum_over_columns(share);
}

// Step 0 sums over rows, then columns and rows in turn.
__device__ float step_sum(float value, int step) {
  return step % 2 == 0 ? sum_over_rows(value) : sum_over_columns(value);
}

__device__ float sigmoid(float value) { return 1.0F / (1.0F + expf(-value)); }

// What a lane knows of a token's gates: its entry of the square, and of its number among the eight others.
struct RawGates {
  float inverse;  // 1 / rms of the streams
  float square;   // raw, of entry lane % 16
  float vector;   // raw, pre for lane 0 .. 3, post for 4 .. 7
};

__device__ float mixed(const GatesKernelArgs& args, std::int64_t token, int gate) {
  const float* row = args.mix + token * args.mix_columns;
  return args.mix_columns == kGates ? row[gate] : row[gate] + row[kGates + gate];
}

__device__ RawGates raw_gates(const GatesKernelArgs& args, std::int64_t token, int lane_id, float inverse) {
  const int entry = 2 * kStreams + lane_id % kSquare;
  const int number = lane_id % (2 * kStreams);
  const float scale = args.scale[number < kStreams ? 0 : 1];
  return {inverse, args.base[entry] + mixed(args, token, entry) * inverse * args.scale[2],
          args.base[number] + mixed(args, token, number) * inverse * scale};
}

template <class T>
__global__ void gates_forward(GatesKernelArgs args) {
  const std::int64_t token = (static_cast<std::int64_t>(blockIdx.x) * blockDim.x + threadIdx.x) / kWarp;
  const int lane_id = threadIdx.x % kWarp;
  if (token >= args.tokens) return;
  const std::int64_t columns = kStreams * args.channels;
  const T* streams = static_cast<const T*>(args.streams) + token * columns;
  float squares = 0.0F;
  for (std::int64_t column = lane_id * kVector; column < columns; column += kWarp * kVector) {
    const Eight values = load_eight(streams + column);
#pragma unroll
    for (const float value : values.value) squares += value * value;
  }
  const float inverse = rsqrtf(warp_sum(squares) / static_cast<float>(columns) + args.norm_eps);
  const RawGates raw = raw_gates(args, token, lane_id, inverse);
  const float share = sigmoid(raw.vector);
  const float pre = share + args.eps;  // of lanes 0 .. 3
  float square = row_softmax(raw.square) + args.eps;
  for (int step = 0; step < 2 * args.iterations - 1; ++step) square /= step_sum(square, step) + args.eps;
  if (lane_id < kSquare) args.comb[token * kSquare + lane_id] = square;
  if (lane_id >= kStreams && lane_id < 2 * kStreams) args.post[token * kStreams + lane_id - kStreams] = 2.0F * share;
  if (lane_id < kStreams) args.pre[token * kStreams + lane_id] = pre;
  if (lane_id == 0) args.inverse[token] = inverse;
  float weights[kStreams];
#pragma unroll
  for (int stream = 0; stream < kStreams; ++stream) weights[stream] = __shfl_sync(kAll, pre, stream);
  for (std::int64_t channel = lane_id * kVector; channel < args.channels; channel += kWarp * kVector) {
    Eight sum = {};
#pragma unroll
    for (int stream = 0; stream < kStreams; ++stream) {
      const Eight x = load_eight(streams + stream * args.channels + channel);
#pragma unroll
      for (int lane = 0; lane < kVector; ++lane) sum.value[lane] += weights[stream] * x.value[lane];
    }
    store_eight(static_cast<T*>(args.out) + token * args.channels + channel, sum);
  }
}

// Of y = x / (s + eps), s the sum of x: dx = (dy - sum(dy y)) / (s + eps); and x = y (s + eps).
__device__ float square_backward(float raw, float gradient, int iterations, float eps) {
  const float shares = row_softmax(raw);
  float result = shares + eps;
  float divisors[kMostSteps];
  const int steps = 2 * iterations - 1;
  for (int step = 0; step < steps; ++step) {
    divisors[step] = step_sum(result, step) + eps;
    result /= divisors[step];
  }
  for (int step = steps - 1; step >= 0; --step) {
    gradient = (gradient - step_sum(gradient * result, step)) / divisors[step];
    result *= divisors[step];
  }
  return (gradient - sum_over_columns(gradient * shares)) * shares;
}

// Gradients of the raw gates, of the mix they come from, and what the norm takes along x.
template <class T>
__global__ void gates_backward(GatesKernelArgs args) {
  const std::int64_t token = (static_cast<std::int64_t>(blockIdx.x) * blockDim.x + threadIdx.x) / kWarp;
  const int lane_id = threadIdx.x % kWarp;
  if (token >= args.tokens) return;
  const std::int64_t columns = kStreams * args.channels;
  const T* streams = static_cast<const T*>(args.streams) + token * columns;
  float sums[kStreams] = {};
  for (std::int64_t channel = lane_id * kVector; channel < args.channels; channel += kWarp * kVector) {
    const Eight gradient = load_eight(static_cast<const T*>(args.out_gradient) + token * args.channels + channel);
#pragma unroll
    for (int stream = 0; stream < kStreams; ++stream) {
      const Eight x = load_eight(streams + stream * args.channels + channel);
#pragma unroll
      for (int lane = 0; lane < kVector; ++lane) sums[stream] += gradient.value[lane] * x.value[lane];
    }
  }
#pragma unroll
  for (int stream = 0; stream < kStreams; ++stream) sums[stream] = warp_sum(sums[stream]);
  const RawGates raw = raw_gates(args, token, lane_id, args.inverse[token]);
  const int number = lane_id % (2 * kStreams);
  const float share = sigmoid(raw.vector);
  float change = number < kStreams ? sums[0] : 2.0F * args.post_gradient[token * kStreams + number % kStreams];
#pragma unroll
  for (int stream = 1; stream < kStreams; ++stream)
    if (number == stream) change = sums[stream];
  change *= share * (1.0F - share);
  const float square_change = square_backward(raw.square, args.comb_gradient[token * kSquare + lane_id % kSquare],
                                              static_cast<int>(args.iterations), args.eps);
  // Lanes 0 .. 7 speak for the vectors, 8 .. 23 for the square: entry lane - 8 lies with that lane.
  const float moved = __shfl_sync(kAll, square_change, (lane_id + kSquare - 2 * kStreams) % kSquare);
  const bool speaks = lane_id < kGates;
  const float raw_change = lane_id < 2 * kStreams ? change : moved;
  const float scale = args.scale[lane_id < kStreams ? 0 : (lane_id < 2 * kStreams ? 1 : 2)];
  const float normed = speaks ? mixed(args, token, lane_id) * raw.inverse : 0.0F;
  const float normed_change = speaks ? raw_change * scale : 0.0F;
  const float along = warp_sum(normed_change * normed) * raw.inverse * raw.inverse / static_cast<float>(columns);
  if (lane_id == 0) args.along[token] = along;
  if (!speaks) return;
  args.raw_gradient[token * 2 * kGates + lane_id] = raw_change;                    // base's share
  args.raw_gradient[token * 2 * kGates + kGates + lane_id] = raw_change * normed;  // scale's share
  const float mix_change = normed_change * raw.inverse;
  if (args.bf16) {
    auto* halves = static_cast<__nv_bfloat16*>(args.mix_gradient) + token * 2 * kGates;
    const __nv_bfloat16 high = __float2bfloat16(mix_change);
    halves[lane_id] = high;
    halves[kGates + lane_id] = __float2bfloat16(mix_change - __bfloat162float(high));
  } else {
    static_cast<float*>(args.mix_gradient)[token * kGates + lane_id] = mix_change;
  }
}

// streams_gradient holds mix_gradient . fn, and gets the rest: pre dx - streams along.
template <class T>
__global__ void gates_finish(GatesKernelArgs args) {
  const std::int64_t vectors = args.channels / kVector;
  const std::int64_t place = static_cast<std::int64_t>(blockIdx.x) * blockDim.x + threadIdx.x;
  const std::int64_t token = place / vectors;
  if (token >= args.tokens) return;
  const std::int64_t channel = place % vectors * kVector;
  const Eight gradient = load_eight(static_cast<const T*>(args.out_gradient) + token * args.channels + channel);
  const float along = args.along[token];
#pragma unroll
  for (int stream = 0; stream < kStreams; ++stream) {
    const std::int64_t at = (token * kStreams + stream) * args.channels + channel;
    const float pre = args.pre[token * kStreams + stream];
    const Eight x = load_eight(static_cast<const T*>(args.streams) + at);
    Eight sum = load_eight(static_cast<const T*>(args.streams_gradient) + at);
#pragma unroll
    for (int lane = 0; lane < kVector; ++lane) sum.value[lane] += pre * gradient.value[lane] - x.value[lane] * along;
    store_eight(static_cast<T*>(args.streams_gradient) + at, sum);
  }
}

constexpr int kWarpsOfBlock = kThreads / kWarp;

struct Normalizer {
  float largest;
  float sum;
};

__device__ Normalizer joined(Normalizer left, Normalizer right) {
  const float largest = fmaxf(left.largest, right.largest);
  return {largest, left.sum * expf(left.largest - largest) + right.sum * expf(right.largest - largest)};
}

// A block a token: the loss, and the logits' gradient in the compute type.
template <class T>
__global__ void cross_entropy(CrossEntropyKernelArgs args) {
  __shared__ Normalizer parts[kWarpsOfBlock];
  const std::int64_t token = blockIdx.x;
  const float* logits = args.logits + token * args.vocab;
  T* gradient = args.gradient == nullptr ? nullptr : static_cast<T*>(args.gradient) + token * args.vocab;
  const std::int64_t target = args.targets[token];
  if (target < 0) {
    if (threadIdx.x == 0) args.loss[token] = 0.0F;
    if (gradient == nullptr) return;
    for (std::int64_t column = threadIdx.x * kVector; column < args.vocab; column += kThreads * kVector)
      store_eight(gradient + column, Eight{});
    return;
  }
  Normalizer own{-FLT_MAX, 0.0F};
  for (std::int64_t column = threadIdx.x * kVector; column < args.vocab; column += kThreads * kVector) {
    const Eight values = load_eight(logits + column);
    float largest = own.largest;
#pragma unroll
    for (const float value : values.value) largest = fmaxf(largest, value);
    own.sum *= expf(own.largest - largest);
    own.largest = largest;
#pragma unroll
    for (const float value : values.value) own.sum += expf(value - largest);
  }
#pragma unroll
  for (int distance = kWarp / 2; distance > 0; distance /= 2)
    own = joined(own, {__shfl_xor_sync(kAll, own.largest, distance), __shfl_xor_sync(kAll, own.sum, distance)});
  if (threadIdx.x % kWarp == 0) parts[threadIdx.x / kWarp] = own;
  __syncthreads();
  own = parts[0];
  for (int warp = 1; warp < kWarpsOfBlock; ++warp) own = joined(own, parts[warp]);
  const float normalizer = own.largest + logf(own.sum);
  if (threadIdx.x == 0) args.loss[token] = normalizer - logits[target];
  if (gradient == nullptr) return;
  for (std::int64_t column = threadIdx.x * kVector; column < args.vocab; column += kThreads * kVector) {
    Eight values = load_eight(logits + column);
#pragma unroll
    for (int lane = 0; lane < kVector; ++lane)
      values.value[lane] = expf(values.value[lane] - normalizer) - (column + lane == target ? 1.0F : 0.0F);
    store_eight(gradient + column, values);
  }
}

cudaStream_t as_stream(void* stream) { return static_cast<cudaStream_t>(stream); }

}  // namespace

void gates_forward_kernel(const GatesKernelArgs& args, void* stream) {
  auto* kernel = args.bf16 ? gates_forward<__nv_bfloat16> : gates_forward<float>;
  kernel<<<blocks_for(args.tokens * kWarp), kThreads, 0, as_stream(stream)>>>(args);
}
void gates_backward_kernel(const GatesKernelArgs& args, void* stream) {
  auto* kernel = args.bf16 ? gates_backward<__nv_bfloat16> : gates_backward<float>;
  kernel<<<blocks_for(args.tokens * kWarp), kThreads, 0, as_stream(stream)>>>(args);
}
void gates_finish_kernel(const GatesKernelArgs& args, void* stream) {
  auto* kernel = args.bf16 ? gates_finish<__nv_bfloat16> : gates_finish<float>;
  kernel<<<blocks_for(args.tokens * (args.channels / kVector)), kThreads, 0, as_stream(stream)>>>(args);
}
void cross_entropy_kernel(const CrossEntropyKernelArgs& args, void* stream) {
  if (args.tokens == 0) return;
  auto* kernel = args.bf16 ? cross_entropy<__nv_bfloat16> : cross_entropy<float>;
  kernel<<<static_cast<unsigned>(args.tokens), kThreads, 0, as_stream(stream)>>>(args);
}

}  // namespace fathom::train
