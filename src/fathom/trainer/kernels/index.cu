// The lightning indexer (report 2.3.1): scores, the choice of the best entries, and the loss that teaches them.
#include <cfloat>

#include "fathom/trainer/kernels/kernels.h"
#include "fathom/trainer/kernels/rows.cuh"

namespace fathom::train {
namespace {

constexpr unsigned kAll = 0xffffffffU;
constexpr int kMostHeads = 16;
constexpr int kDigits = 256;

// scores[token, entry] = sum over heads of weight relu(product); the products stay as they are.
template <class T>
__global__ void index_scores(IndexKernelArgs args) {
  const std::int64_t vectors = args.entries / kVector;
  const std::int64_t place = static_cast<std::int64_t>(blockIdx.x) * blockDim.x + threadIdx.x;
  const std::int64_t token = place / vectors;
  if (token >= args.tokens) return;
  const std::int64_t entry = place % vectors * kVector;
  Eight sum = {};
  for (std::int64_t head = 0; head < args.heads; ++head) {
    const float weight = static_cast<float>(static_cast<const T*>(args.weights)[token * args.heads + head]);
    const Eight product =
        load_eight(static_cast<const T*>(args.products) + (token * args.heads + head) * args.entries + entry);
#pragma unroll
    for (int lane = 0; lane < kVector; ++lane) sum.value[lane] += weight * fmaxf(product.value[lane], 0.0F);
  }
  store_eight(args.scores + token * args.entries + entry, sum);
}

// The order of numbers as the order of unsigned integers; what is hidden lies below all of them.
__device__ unsigned key_of(float score, bool hidden) {
  const unsigned bits = __float_as_uint(score + 0.0F);  // -0 and 0 are equal
  return hidden ? 0U : ((bits & 0x80000000U) != 0 ? ~bits : bits | 0x80000000U);
}

// A block a token: the top_k-th largest key digit by digit, then all above it and the first of those equal to it.
__global__ void index_choose(IndexKernelArgs args) {
  extern __shared__ unsigned keys[];  // [entries]
  __shared__ unsigned counts[kDigits];
  __shared__ unsigned prefix;
  __shared__ unsigned wanted;
  const std::int64_t token = blockIdx.x;
  const float* scores = args.scores + token * args.entries;
  bool* hidden = args.hidden + token * args.hidden_stride;
  const int entries = static_cast<int>(args.entries);
  for (int entry = threadIdx.x; entry < entries; entry += kThreads) keys[entry] = key_of(scores[entry], hidden[entry]);
  if (threadIdx.x == 0) {
    prefix = 0;
    wanted = static_cast<unsigned>(args.top_k);
  }
  for (int shift = 24; shift >= 0; shift -= 8) {
    counts[threadIdx.x] = 0;
    __syncthreads();
    const unsigned above = shift == 24 ? 0U : prefix >> (shift + 8);
    for (int entry = threadIdx.x; entry < entries; entry += kThreads)
      if (shift == 24 || keys[entry] >> (shift + 8) == above) atomicAdd(&counts[keys[entry] >> shift & 0xffU], 1U);
    __syncthreads();
    if (threadIdx.x == 0) {
      int digit = kDigits - 1;
      while (digit > 0 && counts[digit] < wanted) wanted -= counts[digit--];
      prefix |= static_cast<unsigned>(digit) << shift;
    }
    __syncthreads();
  }
  // Each thread a stretch, so that equals can be counted in order.
  const int stretch = (entries + kThreads - 1) / kThreads;
  const int begin = min(static_cast<int>(threadIdx.x) * stretch, entries);
  const int end = min(begin + stretch, entries);
  unsigned equal = 0;
  for (int entry = begin; entry < end; ++entry) equal += keys[entry] == prefix ? 1U : 0U;
  counts[threadIdx.x] = equal;
  __syncthreads();
  unsigned before = 0;
  for (unsigned thread = 0; thread < threadIdx.x; ++thread) before += counts[thread];
  for (int entry = begin; entry < end; ++entry) {
    const bool chosen = keys[entry] > prefix || (keys[entry] == prefix && before++ < wanted);
    if (!chosen) hidden[entry] = true;
  }
}

struct Normalizer {
  float largest = -FLT_MAX;
  float sum = 0.0F;

  __device__ void add(float value) {
    if (value > largest) {
      sum *= __expf(largest - value);
      largest = value;
    }
    sum += __expf(value - largest);
  }
  // Over the lanes of a warp.
  __device__ void join() {
#pragma unroll
    for (int distance = kWarp / 2; distance > 0; distance /= 2) {
      const float other = __shfl_xor_sync(kAll, largest, distance);
      const float other_sum = __shfl_xor_sync(kAll, sum, distance);
      const float common = fmaxf(largest, other);
      sum = sum * __expf(largest - common) + other_sum * __expf(other - common);
      largest = common;
    }
  }
};

// A warp a token: KL(p || softmax(scores)) over the entries seen, p the mean over heads of the main attention there.
template <class T>
__global__ void index_compare(IndexKernelArgs args) {
  const std::int64_t token = (static_cast<std::int64_t>(blockIdx.x) * blockDim.x + threadIdx.x) / kWarp;
  const int lane_id = threadIdx.x % kWarp;
  if (token >= args.tokens) return;
  const float* scores = args.scores + token * args.entries;
  const bool* hidden = args.hidden + token * args.hidden_stride;
  const T* main = static_cast<const T*>(args.main_products) + token * args.main_heads * args.entries;
  T* change = static_cast<T*>(args.change) + token * args.entries;
  Normalizer share;
  Normalizer attended[kMostHeads];
  for (std::int64_t entry = lane_id; entry < args.entries; entry += kWarp) {
    if (hidden[entry]) continue;
    share.add(scores[entry]);
#pragma unroll
    for (int head = 0; head < kMostHeads; ++head)
      if (head < args.main_heads)
        attended[head].add(args.main_scale * static_cast<float>(main[head * args.entries + entry]));
  }
  share.join();
#pragma unroll
  for (int head = 0; head < kMostHeads; ++head)
    if (head < args.main_heads) attended[head].join();
  const float normalizer = share.largest + logf(share.sum);
  const float part = 1.0F / static_cast<float>(args.main_heads);
  float loss = 0.0F;
  for (std::int64_t entry = lane_id; entry < args.entries; entry += kWarp) {
    float difference = 0.0F;
    if (!hidden[entry]) {
      float target = 0.0F;
#pragma unroll
      for (int head = 0; head < kMostHeads; ++head)
        if (head < args.main_heads)
          target +=
              __expf(args.main_scale * static_cast<float>(main[head * args.entries + entry]) - attended[head].largest) /
              attended[head].sum;
      target *= part;
      const float log_share = scores[entry] - normalizer;
      if (target > 0.0F) loss += target * (logf(target) - log_share);
      difference = expf(log_share) - target;
    }
    change[entry] = static_cast<T>(difference);
  }
  loss = warp_sum(loss);
  if (lane_id == 0) args.loss[token] = loss;
}

// A warp a token and head: the weight's gradient, and the product's in the product's place.
template <class T>
__global__ void index_back(IndexKernelArgs args) {
  const std::int64_t row = (static_cast<std::int64_t>(blockIdx.x) * blockDim.x + threadIdx.x) / kWarp;
  const int lane_id = threadIdx.x % kWarp;
  if (row >= args.tokens * args.heads) return;
  const float weight = static_cast<float>(static_cast<const T*>(args.weights)[row]);
  const T* change = static_cast<const T*>(args.change) + row / args.heads * args.entries;
  T* products = static_cast<T*>(args.products) + row * args.entries;
  float sum = 0.0F;
  for (std::int64_t entry = lane_id * kVector; entry < args.entries; entry += kWarp * kVector) {
    const Eight difference = load_eight(change + entry);
    Eight product = load_eight(products + entry);
#pragma unroll
    for (int lane = 0; lane < kVector; ++lane) {
      const bool rises = product.value[lane] > 0.0F;
      sum += rises ? difference.value[lane] * product.value[lane] : 0.0F;
      product.value[lane] = rises ? weight * difference.value[lane] : 0.0F;
    }
    store_eight(products + entry, product);
  }
  sum = warp_sum(sum);
  if (lane_id == 0) static_cast<T*>(args.weights_gradient)[row] = static_cast<T>(sum);
}

cudaStream_t as_stream(void* stream) { return static_cast<cudaStream_t>(stream); }

}  // namespace

void index_scores_kernel(const IndexKernelArgs& args, void* stream) {
  auto* kernel = args.bf16 ? index_scores<__nv_bfloat16> : index_scores<float>;
  kernel<<<blocks_for(args.tokens * (args.entries / kVector)), kThreads, 0, as_stream(stream)>>>(args);
}
void index_choose_kernel(const IndexKernelArgs& args, void* stream) {
  const std::size_t shared = static_cast<std::size_t>(args.entries) * sizeof(unsigned);
  index_choose<<<static_cast<unsigned>(args.tokens), kThreads, shared, as_stream(stream)>>>(args);
}
void index_compare_kernel(const IndexKernelArgs& args, void* stream) {
  auto* kernel = args.bf16 ? index_compare<__nv_bfloat16> : index_compare<float>;
  kernel<<<blocks_for(args.tokens * kWarp), kThreads, 0, as_stream(stream)>>>(args);
}
void index_back_kernel(const IndexKernelArgs& args, void* stream) {
  auto* kernel = args.bf16 ? index_back<__nv_bfloat16> : index_back<float>;
  kernel<<<blocks_for(args.tokens * args.heads * kWarp), kThreads, 0, as_stream(stream)>>>(args);
}

}  // namespace fathom::train
