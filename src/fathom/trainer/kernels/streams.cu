// Hyper-connections (report 2.2): Sinkhorn's normalisation, and the streams' way in and out of a sublayer.
#include "fathom/trainer/kernels/kernels.h"
#include "fathom/trainer/kernels/rows.cuh"

namespace fathom::train {
namespace {

constexpr int kStreams = 4;
constexpr int kSquare = kStreams * kStreams;
constexpr int kMostSteps = 64;  // normalisations that are walked back

struct Square {
  float value[kSquare];
};

__device__ Square load_square(const float* place) {
  Square result;
#pragma unroll
  for (int row = 0; row < kStreams; ++row)
    *reinterpret_cast<float4*>(result.value + row * kStreams) = reinterpret_cast<const float4*>(place)[row];
  return result;
}

__device__ void store_square(float* place, const Square& square) {
#pragma unroll
  for (int row = 0; row < kStreams; ++row)
    reinterpret_cast<float4*>(place)[row] = *reinterpret_cast<const float4*>(square.value + row * kStreams);
}

__device__ void softmax_rows(Square& square) {
#pragma unroll
  for (int row = 0; row < kStreams; ++row) {
    float* values = square.value + row * kStreams;
    const float largest = fmaxf(fmaxf(values[0], values[1]), fmaxf(values[2], values[3]));
    float sum = 0.0F;
#pragma unroll
    for (int column = 0; column < kStreams; ++column) sum += values[column] = expf(values[column] - largest);
#pragma unroll
    for (int column = 0; column < kStreams; ++column) values[column] /= sum;
  }
}

// Sums over columns' entries (even steps) or rows' entries (odd steps), one for each line.
template <bool kOverRows>
__device__ float4 line_sums(const Square& square) {
  float sums[kStreams] = {};
#pragma unroll
  for (int row = 0; row < kStreams; ++row)
#pragma unroll
    for (int column = 0; column < kStreams; ++column)
      sums[kOverRows ? column : row] += square.value[row * kStreams + column];
  return make_float4(sums[0], sums[1], sums[2], sums[3]);
}

template <bool kOverRows, class Change>
__device__ void each(Square& square, float4 lines, const Change& change) {
  const float line[kStreams] = {lines.x, lines.y, lines.z, lines.w};
#pragma unroll
  for (int row = 0; row < kStreams; ++row)
#pragma unroll
    for (int column = 0; column < kStreams; ++column)
      change(square.value[row * kStreams + column], line[kOverRows ? column : row]);
}

template <bool kOverRows>
__device__ float4 normalise(Square& square, float eps) {
  float4 divisors = line_sums<kOverRows>(square);
  divisors = make_float4(divisors.x + eps, divisors.y + eps, divisors.z + eps, divisors.w + eps);
  each<kOverRows>(square, divisors, [](float& value, float divisor) { value /= divisor; });
  return divisors;
}

__global__ void sinkhorn_forward(SinkhornKernelArgs args) {
  const std::int64_t token = static_cast<std::int64_t>(blockIdx.x) * blockDim.x + threadIdx.x;
  if (token >= args.tokens) return;
  Square square = load_square(args.logits + token * kSquare);
  softmax_rows(square);
  for (float& value : square.value) value += args.eps;
  normalise<true>(square, args.eps);
  for (std::int64_t iteration = 1; iteration < args.iterations; ++iteration) {
    normalise<false>(square, args.eps);
    normalise<true>(square, args.eps);
  }
  store_square(args.out + token * kSquare, square);
}

// Of y = x / (s + eps), s the sum of x: dx = (dy - sum(dy y)) / (s + eps); and x = y (s + eps).
template <bool kOverRows>
__device__ void walk_back(Square& result, Square& gradient, float4 divisors) {
  Square products;
#pragma unroll
  for (int place = 0; place < kSquare; ++place) products.value[place] = gradient.value[place] * result.value[place];
  each<kOverRows>(gradient, line_sums<kOverRows>(products), [](float& value, float along) { value -= along; });
  each<kOverRows>(gradient, divisors, [](float& value, float divisor) { value /= divisor; });
  each<kOverRows>(result, divisors, [](float& value, float divisor) { value *= divisor; });
}

__global__ void sinkhorn_backward(SinkhornKernelArgs args) {
  const std::int64_t token = static_cast<std::int64_t>(blockIdx.x) * blockDim.x + threadIdx.x;
  if (token >= args.tokens) return;
  Square result = load_square(args.logits + token * kSquare);
  softmax_rows(result);
  for (float& value : result.value) value += args.eps;
  float4 divisors[kMostSteps];
  const int steps = static_cast<int>(2 * args.iterations - 1);
  for (int step = 0; step < steps; ++step)
    divisors[step] = step % 2 == 0 ? normalise<true>(result, args.eps) : normalise<false>(result, args.eps);
  Square gradient = load_square(args.gradient + token * kSquare);
  for (int step = steps - 1; step >= 0; --step) {
    if (step % 2 == 0) {
      walk_back<true>(result, gradient, divisors[step]);
    } else {
      walk_back<false>(result, gradient, divisors[step]);
    }
  }
  Square probabilities = load_square(args.logits + token * kSquare);
  softmax_rows(probabilities);
  Square products;
#pragma unroll
  for (int place = 0; place < kSquare; ++place)
    products.value[place] = gradient.value[place] * probabilities.value[place];
  each<false>(gradient, line_sums<false>(products), [](float& value, float along) { value -= along; });
#pragma unroll
  for (int place = 0; place < kSquare; ++place) gradient.value[place] *= probabilities.value[place];
  store_square(args.out + token * kSquare, gradient);
}

template <class T>
__global__ void expand_forward(ExpandKernelArgs args) {
  const std::int64_t vectors = args.channels / kVector;
  const std::int64_t place = static_cast<std::int64_t>(blockIdx.x) * blockDim.x + threadIdx.x;
  const std::int64_t token = place / vectors;
  if (token >= args.tokens) return;
  const std::int64_t channel = place % vectors * kVector;
  const T* streams = static_cast<const T*>(args.streams) + token * kStreams * args.channels + channel;
  T* out = static_cast<T*>(args.out) + token * kStreams * args.channels + channel;
  const Square comb = load_square(args.comb + token * kSquare);
  const float4 posts = *reinterpret_cast<const float4*>(args.post + token * kStreams);
  const float post[kStreams] = {posts.x, posts.y, posts.z, posts.w};
  const Eight y = load_eight(static_cast<const T*>(args.y) + token * args.channels + channel);
  Eight x[kStreams];
#pragma unroll
  for (int stream = 0; stream < kStreams; ++stream) x[stream] = load_eight(streams + stream * args.channels);
#pragma unroll
  for (int stream = 0; stream < kStreams; ++stream) {
    Eight sum;
#pragma unroll
    for (int lane = 0; lane < kVector; ++lane) {
      sum.value[lane] = post[stream] * y.value[lane];
#pragma unroll
      for (int from = 0; from < kStreams; ++from)
        sum.value[lane] += comb.value[from * kStreams + stream] * x[from].value[lane];
    }
    store_eight(out + stream * args.channels, sum);
  }
}

// A warp a token.
template <class T>
__global__ void expand_backward(ExpandKernelArgs args) {
  const std::int64_t token = (static_cast<std::int64_t>(blockIdx.x) * blockDim.x + threadIdx.x) / kWarp;
  const int lane_id = threadIdx.x % kWarp;
  if (token >= args.tokens) return;
  const std::int64_t base = token * kStreams * args.channels;
  const Square comb = load_square(args.comb + token * kSquare);
  const float4 posts = *reinterpret_cast<const float4*>(args.post + token * kStreams);
  const float post[kStreams] = {posts.x, posts.y, posts.z, posts.w};
  float post_sums[kStreams] = {};
  float comb_sums[kSquare] = {};
  for (std::int64_t channel = lane_id * kVector; channel < args.channels; channel += kWarp * kVector) {
    Eight gradient[kStreams];
#pragma unroll
    for (int stream = 0; stream < kStreams; ++stream)
      gradient[stream] = load_eight(static_cast<const T*>(args.gradient) + base + stream * args.channels + channel);
    const Eight y = load_eight(static_cast<const T*>(args.y) + token * args.channels + channel);
    Eight y_gradient = {};
#pragma unroll
    for (int stream = 0; stream < kStreams; ++stream)
#pragma unroll
      for (int lane = 0; lane < kVector; ++lane) {
        post_sums[stream] += gradient[stream].value[lane] * y.value[lane];
        y_gradient.value[lane] += post[stream] * gradient[stream].value[lane];
      }
    store_eight(static_cast<T*>(args.y_gradient) + token * args.channels + channel, y_gradient);
#pragma unroll
    for (int from = 0; from < kStreams; ++from) {
      const Eight x = load_eight(static_cast<const T*>(args.streams) + base + from * args.channels + channel);
      Eight x_gradient = {};
#pragma unroll
      for (int stream = 0; stream < kStreams; ++stream)
#pragma unroll
        for (int lane = 0; lane < kVector; ++lane) {
          comb_sums[from * kStreams + stream] += x.value[lane] * gradient[stream].value[lane];
          x_gradient.value[lane] += comb.value[from * kStreams + stream] * gradient[stream].value[lane];
        }
      store_eight(static_cast<T*>(args.streams_gradient) + base + from * args.channels + channel, x_gradient);
    }
  }
#pragma unroll
  for (int stream = 0; stream < kStreams; ++stream) {
    const float sum = warp_sum(post_sums[stream]);
    if (lane_id == 0) args.post_gradient[token * kStreams + stream] = sum;
  }
#pragma unroll
  for (int place = 0; place < kSquare; ++place) {
    const float sum = warp_sum(comb_sums[place]);
    if (lane_id == 0) args.comb_gradient[token * kSquare + place] = sum;
  }
}

template <class T>
__global__ void collapse_forward(CollapseKernelArgs args) {
  const std::int64_t vectors = args.channels / kVector;
  const std::int64_t place = static_cast<std::int64_t>(blockIdx.x) * blockDim.x + threadIdx.x;
  const std::int64_t token = place / vectors;
  if (token >= args.tokens) return;
  const std::int64_t channel = place % vectors * kVector;
  const T* streams = static_cast<const T*>(args.streams) + token * kStreams * args.channels + channel;
  Eight sum = {};
#pragma unroll
  for (int stream = 0; stream < kStreams; ++stream) {
    const float pre = args.pre[token * kStreams + stream];
    const Eight x = load_eight(streams + stream * args.channels);
#pragma unroll
    for (int lane = 0; lane < kVector; ++lane) sum.value[lane] += pre * x.value[lane];
  }
  store_eight(static_cast<T*>(args.out) + token * args.channels + channel, sum);
}

template <class T>
__global__ void collapse_backward(CollapseKernelArgs args) {
  const std::int64_t token = (static_cast<std::int64_t>(blockIdx.x) * blockDim.x + threadIdx.x) / kWarp;
  const int lane_id = threadIdx.x % kWarp;
  if (token >= args.tokens) return;
  const std::int64_t base = token * kStreams * args.channels;
  float sums[kStreams] = {};
  for (std::int64_t channel = lane_id * kVector; channel < args.channels; channel += kWarp * kVector) {
    const Eight gradient = load_eight(static_cast<const T*>(args.gradient) + token * args.channels + channel);
#pragma unroll
    for (int stream = 0; stream < kStreams; ++stream) {
      const float pre = args.pre[token * kStreams + stream];
      const Eight x = load_eight(static_cast<const T*>(args.streams) + base + stream * args.channels + channel);
      Eight x_gradient;
#pragma unroll
      for (int lane = 0; lane < kVector; ++lane) {
        sums[stream] += gradient.value[lane] * x.value[lane];
        x_gradient.value[lane] = pre * gradient.value[lane];
      }
      store_eight(static_cast<T*>(args.streams_gradient) + base + stream * args.channels + channel, x_gradient);
    }
  }
#pragma unroll
  for (int stream = 0; stream < kStreams; ++stream) {
    const float sum = warp_sum(sums[stream]);
    if (lane_id == 0) args.pre_gradient[token * kStreams + stream] = sum;
  }
}

cudaStream_t as_stream(void* stream) { return static_cast<cudaStream_t>(stream); }

}  // namespace

void sinkhorn_forward_kernel(const SinkhornKernelArgs& args, void* stream) {
  sinkhorn_forward<<<blocks_for(args.tokens), kThreads, 0, as_stream(stream)>>>(args);
}
void sinkhorn_backward_kernel(const SinkhornKernelArgs& args, void* stream) {
  sinkhorn_backward<<<blocks_for(args.tokens), kThreads, 0, as_stream(stream)>>>(args);
}
void expand_forward_kernel(const ExpandKernelArgs& args, void* stream) {
  const unsigned blocks = blocks_for(args.tokens * (args.channels / kVector));
  auto* kernel = args.bf16 ? expand_forward<__nv_bfloat16> : expand_forward<float>;
  kernel<<<blocks, kThreads, 0, as_stream(stream)>>>(args);
}
void expand_backward_kernel(const ExpandKernelArgs& args, void* stream) {
  auto* kernel = args.bf16 ? expand_backward<__nv_bfloat16> : expand_backward<float>;
  kernel<<<blocks_for(args.tokens * kWarp), kThreads, 0, as_stream(stream)>>>(args);
}
void collapse_forward_kernel(const CollapseKernelArgs& args, void* stream) {
  const unsigned blocks = blocks_for(args.tokens * (args.channels / kVector));
  auto* kernel = args.bf16 ? collapse_forward<__nv_bfloat16> : collapse_forward<float>;
  kernel<<<blocks, kThreads, 0, as_stream(stream)>>>(args);
}
void collapse_backward_kernel(const CollapseKernelArgs& args, void* stream) {
  auto* kernel = args.bf16 ? collapse_backward<__nv_bfloat16> : collapse_backward<float>;
  kernel<<<blocks_for(args.tokens * kWarp), kThreads, 0, as_stream(stream)>>>(args);
}

}  // namespace fathom::train
