// Norms, rotations and SwiGLU: one pass over rows, float32 inside.
#include "fathom/trainer/kernels/kernels.h"
#include "fathom/trainer/kernels/rows.cuh"

namespace fathom::train {
namespace {

constexpr int kWarpsOfBlock = kThreads / kWarp;
constexpr std::int64_t kMostParts = 1024;  // blocks that sum a norm's weight gradient

template <class T>
__global__ void norm_forward(NormKernelArgs args) {
  const std::int64_t row = (static_cast<std::int64_t>(blockIdx.x) * blockDim.x + threadIdx.x) / kWarp;
  const int lane_id = threadIdx.x % kWarp;
  if (row >= args.rows) return;
  const T* x = static_cast<const T*>(args.x) + row * args.columns;
  float squares = 0.0F;
  for (std::int64_t column = lane_id * kVector; column < args.columns; column += kWarp * kVector) {
    const Eight values = load_eight(x + column);
#pragma unroll
    for (const float value : values.value) squares += value * value;
  }
  const float inverse = rsqrtf(warp_sum(squares) / static_cast<float>(args.columns) + args.eps);
  if (lane_id == 0) args.inverse[row] = inverse;
  for (std::int64_t column = lane_id * kVector; column < args.columns; column += kWarp * kVector) {
    Eight values = load_eight(x + column);
#pragma unroll
    for (int lane = 0; lane < kVector; ++lane)
      values.value[lane] *= args.weight == nullptr ? inverse : inverse * args.weight[column + lane];
    store_eight(static_cast<T*>(args.out) + row * args.columns + column, values);
  }
}

// d x = r (w dy - x r mean(w dy x r)); a block takes rows in turn and sums dy x r for the weight in shared memory.
template <class T>
__global__ void norm_backward(NormKernelArgs args) {
  extern __shared__ float sums[];  // [warps of a block, columns]
  const int warp = threadIdx.x / kWarp;
  const int lane_id = threadIdx.x % kWarp;
  float* own = sums + warp * args.columns;
  if (args.weight != nullptr)
    for (std::int64_t column = lane_id; column < args.columns; column += kWarp) own[column] = 0.0F;
  __syncwarp();
  for (std::int64_t row = static_cast<std::int64_t>(blockIdx.x) * kWarpsOfBlock + warp; row < args.rows;
       row += static_cast<std::int64_t>(gridDim.x) * kWarpsOfBlock) {
    const T* x = static_cast<const T*>(args.x) + row * args.columns;
    const T* gradient = static_cast<const T*>(args.gradient) + row * args.columns;
    const float inverse = args.inverse[row];
    float along = 0.0F;
    for (std::int64_t column = lane_id * kVector; column < args.columns; column += kWarp * kVector) {
      const Eight values = load_eight(x + column);
      const Eight change = load_eight(gradient + column);
#pragma unroll
      for (int lane = 0; lane < kVector; ++lane) {
        const float product = change.value[lane] * values.value[lane] * inverse;
        along += args.weight == nullptr ? product : product * args.weight[column + lane];
        if (args.weight != nullptr) own[column + lane] += product;
      }
    }
    along = warp_sum(along) / static_cast<float>(args.columns);
    for (std::int64_t column = lane_id * kVector; column < args.columns; column += kWarp * kVector) {
      const Eight values = load_eight(x + column);
      Eight change = load_eight(gradient + column);
#pragma unroll
      for (int lane = 0; lane < kVector; ++lane) {
        const float weighted =
            args.weight == nullptr ? change.value[lane] : change.value[lane] * args.weight[column + lane];
        change.value[lane] = (weighted - values.value[lane] * inverse * along) * inverse;
      }
      store_eight(static_cast<T*>(args.x_gradient) + row * args.columns + column, change);
    }
  }
  if (args.weight == nullptr) return;
  __syncthreads();
  for (std::int64_t column = threadIdx.x; column < args.columns; column += blockDim.x) {
    float sum = 0.0F;
    for (int from = 0; from < kWarpsOfBlock; ++from) sum += sums[from * args.columns + column];
    args.weight_gradient[static_cast<std::int64_t>(blockIdx.x) * args.columns + column] = sum;
  }
}

template <class T>
__global__ void rotate(RotateKernelArgs args) {
  const std::int64_t vectors = args.dim / kVector;
  const std::int64_t place = static_cast<std::int64_t>(blockIdx.x) * blockDim.x + threadIdx.x;
  if (place >= args.tokens * args.heads * vectors) return;
  const std::int64_t dimension = place % vectors * kVector;
  const std::int64_t token = place / vectors / args.heads;
  Eight values = load_eight(static_cast<const T*>(args.x) + place * kVector);
  const std::int64_t still = args.dim - 2 * args.pairs;
  if (dimension >= still) {
    const float* turns = args.turns + token * 2 * args.pairs + (dimension - still);
#pragma unroll
    for (int pair = 0; pair < kVector / 2; ++pair) {
      const float cosine = turns[2 * pair];
      const float sine = args.inverse ? -turns[2 * pair + 1] : turns[2 * pair + 1];
      const float real = values.value[2 * pair];
      const float imaginary = values.value[2 * pair + 1];
      values.value[2 * pair] = real * cosine - imaginary * sine;
      values.value[2 * pair + 1] = real * sine + imaginary * cosine;
    }
  }
  store_eight(static_cast<T*>(args.out) + place * kVector, values);
}

struct Gated {
  float gate;   // clamped
  float up;     // clamped
  float share;  // sigmoid(gate)
};

__device__ Gated gated(float gate, float up, float limit) {
  if (limit > 0.0F) {
    gate = fminf(gate, limit);
    up = fminf(fmaxf(up, -limit), limit);
  }
  return {gate, up, 1.0F / (1.0F + expf(-gate))};
}

template <class T>
__global__ void swiglu_forward(SwigluKernelArgs args) {
  const std::int64_t place = (static_cast<std::int64_t>(blockIdx.x) * blockDim.x + threadIdx.x) * kVector;
  if (place >= args.rows * args.columns) return;
  const Eight gate = load_eight(static_cast<const T*>(args.gate) + place);
  const Eight up = load_eight(static_cast<const T*>(args.up) + place);
  const float weight = args.weight == nullptr ? 1.0F : args.weight[place / args.columns];
  Eight out;
#pragma unroll
  for (int lane = 0; lane < kVector; ++lane) {
    const Gated values = gated(gate.value[lane], up.value[lane], args.limit);
    out.value[lane] = values.gate * values.share * values.up * weight;
  }
  store_eight(static_cast<T*>(args.out) + place, out);
}

// A warp a row; where the clamp holds, nothing flows back.
template <class T>
__global__ void swiglu_backward(SwigluKernelArgs args) {
  const std::int64_t row = (static_cast<std::int64_t>(blockIdx.x) * blockDim.x + threadIdx.x) / kWarp;
  const int lane_id = threadIdx.x % kWarp;
  if (row >= args.rows) return;
  const float weight = args.weight == nullptr ? 1.0F : args.weight[row];
  float weight_sum = 0.0F;
  for (std::int64_t column = lane_id * kVector; column < args.columns; column += kWarp * kVector) {
    const std::int64_t place = row * args.columns + column;
    const Eight gate = load_eight(static_cast<const T*>(args.gate) + place);
    const Eight up = load_eight(static_cast<const T*>(args.up) + place);
    const Eight gradient = load_eight(static_cast<const T*>(args.gradient) + place);
    Eight gate_gradient;
    Eight up_gradient;
#pragma unroll
    for (int lane = 0; lane < kVector; ++lane) {
      const Gated values = gated(gate.value[lane], up.value[lane], args.limit);
      const float silu = values.gate * values.share;
      weight_sum += gradient.value[lane] * silu * values.up;
      const float change = gradient.value[lane] * weight;
      const bool gate_held = args.limit > 0.0F && gate.value[lane] > args.limit;
      const bool up_held = args.limit > 0.0F && fabsf(up.value[lane]) > args.limit;
      gate_gradient.value[lane] =
          gate_held ? 0.0F : change * values.up * values.share * (1.0F + values.gate * (1.0F - values.share));
      up_gradient.value[lane] = up_held ? 0.0F : change * silu;
    }
    store_eight(static_cast<T*>(args.gate_gradient) + place, gate_gradient);
    store_eight(static_cast<T*>(args.up_gradient) + place, up_gradient);
  }
  if (args.weight == nullptr) return;
  weight_sum = warp_sum(weight_sum);
  if (lane_id == 0) args.weight_gradient[row] = weight_sum;
}

cudaStream_t as_stream(void* stream) { return static_cast<cudaStream_t>(stream); }

}  // namespace

std::int64_t norm_parts(std::int64_t rows) {
  const std::int64_t blocks = (rows + kWarpsOfBlock - 1) / kWarpsOfBlock;
  return blocks < kMostParts ? blocks : kMostParts;
}

void norm_forward_kernel(const NormKernelArgs& args, void* stream) {
  auto* kernel = args.bf16 ? norm_forward<__nv_bfloat16> : norm_forward<float>;
  kernel<<<blocks_for(args.rows * kWarp), kThreads, 0, as_stream(stream)>>>(args);
}
void norm_backward_kernel(const NormKernelArgs& args, void* stream) {
  auto* kernel = args.bf16 ? norm_backward<__nv_bfloat16> : norm_backward<float>;
  const std::size_t shared =
      args.weight == nullptr ? 0 : static_cast<std::size_t>(kWarpsOfBlock * args.columns) * sizeof(float);
  kernel<<<static_cast<unsigned>(norm_parts(args.rows)), kThreads, shared, as_stream(stream)>>>(args);
}
void rotate_kernel(const RotateKernelArgs& args, void* stream) {
  auto* kernel = args.bf16 ? rotate<__nv_bfloat16> : rotate<float>;
  kernel<<<blocks_for(args.tokens * args.heads * (args.dim / kVector)), kThreads, 0, as_stream(stream)>>>(args);
}
void swiglu_forward_kernel(const SwigluKernelArgs& args, void* stream) {
  auto* kernel = args.bf16 ? swiglu_forward<__nv_bfloat16> : swiglu_forward<float>;
  kernel<<<blocks_for(args.rows * (args.columns / kVector)), kThreads, 0, as_stream(stream)>>>(args);
}
void swiglu_backward_kernel(const SwigluKernelArgs& args, void* stream) {
  auto* kernel = args.bf16 ? swiglu_backward<__nv_bfloat16> : swiglu_backward<float>;
  kernel<<<blocks_for(args.rows * kWarp), kThreads, 0, as_stream(stream)>>>(args);
}

}  // namespace fathom::train
