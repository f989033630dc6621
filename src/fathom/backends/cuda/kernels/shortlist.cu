#include "fathom/backends/cuda/kernels/shortlist.h"

#include <limits>

#include "fathom/backends/cuda/kernels/launch.cuh"
#include "fathom/backends/cuda/kernels/threads.cuh"
#include "fathom/ops/gumbel.h"

namespace fathom::cuda {
namespace {

constexpr int kThreads = 256;
constexpr int kWarps = kThreads / kWarp;
constexpr int kOwn = static_cast<int>(kShortlistPart) / kThreads;
constexpr double kNone = -1.0e300;
constexpr float kNoLogit = -std::numeric_limits<float>::infinity();

// The largest and the second of some logits; equal ones are two.
struct Largest {
  float first = kNoLogit;
  float second = kNoLogit;

  __device__ void take(const Largest& other) {
    second = fmaxf(fminf(first, other.first), fmaxf(second, other.second));
    first = fmaxf(first, other.first);
  }
};

// What a block has seen, in every thread after combine().
struct Seen {
  double most = kNone;
  Largest logits;
  int odd = 0;  // a logit that is too large or no number

  __device__ void take(const Seen& other) {
    most = fmax(most, other.most);
    logits.take(other.logits);
    odd |= other.odd;
  }
};

__device__ Seen combine(Seen seen, Seen* of_warps) {
#pragma unroll
  for (int distance = kWarp / 2; distance > 0; distance /= 2) {
    Seen other;
    other.most = __shfl_xor_sync(kAllLanes, seen.most, distance);
    other.logits.first = __shfl_xor_sync(kAllLanes, seen.logits.first, distance);
    other.logits.second = __shfl_xor_sync(kAllLanes, seen.logits.second, distance);
    other.odd = __shfl_xor_sync(kAllLanes, seen.odd, distance);
    seen.take(other);
  }
  if (lane_id() == 0) of_warps[warp_id()] = seen;
  __syncthreads();
  Seen all = of_warps[0];
#pragma unroll
  for (int warp = 1; warp < kWarps; ++warp) all.take(of_warps[warp]);
  return all;
}

__device__ double sum_with_noise(const ShortlistRow& row, float logit, std::int64_t id) {
  if (row.temperature == 0.0) return static_cast<double>(logit);
  const double uniform = gumbel_uniform(gumbel_bits(row.place, static_cast<std::int32_t>(id)));
  return static_cast<double>(logit) / row.temperature - log(-log(uniform));
}

__device__ double margin_of(const ShortlistRow& row) { return row.temperature == 0.0 ? 0.0 : kShortlistMargin; }

__global__ void __launch_bounds__(kThreads) shortlist_parts(const __grid_constant__ ShortlistKernel args) {
  begin_in_turn();
  __shared__ Seen of_warps[kWarps];
  __shared__ int count;
  const std::int64_t row = blockIdx.y;
  const ShortlistRow by = args.rows[row];
  const float* logits = args.logits + row * args.row_stride;
  if (threadIdx.x == 0) count = 0;
  double sums[kOwn];
  Seen seen;
#pragma unroll
  for (int own = 0; own < kOwn; ++own) {
    const std::int64_t id = blockIdx.x * kShortlistPart + own * kThreads + threadIdx.x;
    sums[own] = kNone;
    if (id >= args.ids) continue;
    const float logit = logits[id];
    if (!(fabsf(logit) <= static_cast<float>(kMostShortlistLogit))) {  // NaN too
      seen.odd = 1;
      continue;
    }
    sums[own] = sum_with_noise(by, logit, id);
    seen.most = fmax(seen.most, sums[own]);
    seen.logits.take({logit, kNoLogit});
  }
  const Seen all = combine(seen, of_warps);
  ShortlistPart& part = args.parts[row * gridDim.x + blockIdx.x];
  const double least = all.most - margin_of(by);
#pragma unroll
  for (int own = 0; own < kOwn; ++own) {
    if (sums[own] == kNone || sums[own] < least) continue;
    const int place = atomicAdd(&count, 1);
    if (place >= ShortlistPart::kMost) continue;
    const std::int64_t id = blockIdx.x * kShortlistPart + own * kThreads + threadIdx.x;
    part.tokens[place] = static_cast<int>(id);
    part.logits[place] = logits[id];
    part.sums[place] = sums[own];
  }
  __syncthreads();
  if (threadIdx.x != 0) return;
  part.most = all.most;
  part.largest = all.logits.first;
  part.second = all.logits.second;
  part.count = all.odd != 0 ? -1 : count;
}

// A block a row.
__global__ void __launch_bounds__(kThreads) join_shortlists(const __grid_constant__ ShortlistKernel args, int parts) {
  begin_in_turn();
  __shared__ Seen of_warps[kWarps];
  __shared__ int count;
  const std::int64_t row = blockIdx.x;
  const ShortlistPart* found = args.parts + row * parts;
  __shared__ int crowded;  // parts with too many, where they matter
  if (threadIdx.x == 0) count = crowded = 0;
  Seen seen;
  for (int part = threadIdx.x; part < parts; part += kThreads) {
    const ShortlistPart& of = found[part];
    seen.take({of.most, {of.largest, of.second}, of.count < 0 ? 1 : 0});
  }
  const Seen all = combine(seen, of_warps);
  Shortlist& out = args.out[row];
  const double least = all.most - margin_of(args.rows[row]);
  for (int part = threadIdx.x; part < parts; part += kThreads) {
    if (found[part].most < least) continue;
    if (found[part].count > ShortlistPart::kMost) atomicAdd(&crowded, 1);
    for (int index = 0; index < min(found[part].count, ShortlistPart::kMost); ++index) {
      if (found[part].sums[index] < least) continue;
      const int place = atomicAdd(&count, 1);
      if (place >= Shortlist::kMost) continue;
      out.tokens.data()[place] = found[part].tokens[index];
      out.logits.data()[place] = found[part].logits[index];
    }
  }
  __syncthreads();
  if (threadIdx.x != 0) return;
  out.count = all.odd != 0 || crowded > 0 || count > Shortlist::kMost ? -1 : count;
  out.largest = all.logits.first;
  out.second = all.logits.second;
}

}  // namespace

void launch_shortlist(const ShortlistKernel& args, Stream stream) {
  if (args.count == 0 || args.ids == 0) return;
  const auto parts = static_cast<unsigned>(args.parts_of_row());
  launch(stream, "shortlist_parts",
         {.blocks = {parts, static_cast<unsigned>(args.count)}, .threads = kThreads, .chained = stream.chained},
         shortlist_parts, args);
  launch(stream, "join_shortlists",
         {.blocks = {static_cast<unsigned>(args.count)}, .threads = kThreads, .chained = stream.chained},
         join_shortlists, args, static_cast<int>(parts));
}

}  // namespace fathom::cuda
