// What the four warpgroups of a block do, for one query of 64 heads (attention_warpgroups.cu says the arithmetic). Two
// take tiles of keys in turn: they bring and decode a tile, multiply it with the queries and weigh. The other two
// multiply weights with keys, each half of the columns. So one tile is decoded while another is multiplied.
#pragma once

#include <type_traits>

#include "fathom/backends/cuda/kernels/attention_rows.cuh"
#include "fathom/backends/cuda/kernels/attention_weights.cuh"

namespace fathom::cuda {

#ifdef FATHOM_WARPGROUP_PRODUCTS

// Brings every second tile of keys, multiplies it with the queries and weighs it. Of a split block's one tile, both
// warpgroups bring the keys and the first one does the rest.
template <bool kSplit>
class WeighKeys {
 public:
  __device__ WeighKeys(const AttentionKernel& args, const BlockWork& work, BlockShared& shared)
      : args_(args), work_(work), shared_(shared), rows_(work, shared) {}

  __device__ void begin() { rows_.begin(); }

  __device__ void run(std::int64_t query) {
    if constexpr (kSplit) {
      rows_.decode();
      show_to_products();
      wait_for_weighers();
      if (warpgroup_id() > 0) return;
    }
    wait_round(shared_.queries_full, 0);
    // Only now: products behind it send for weights as soon as they begin, and its own rows would come after all of
    // them.
    if constexpr (kSplit) let_later_kernels_begin();
    for (int tile = warpgroup_id(); tile < work_.tiles(); tile += kWeighers) {
      const int own_tile = tile / kWeighers;
      if constexpr (!kSplit) {
        wait_free(shared_.keys_free[warpgroup_id()], own_tile);
        rows_.decode_tile(own_tile);
        show_to_products();
        wait_for_group();
      }
      float scores[kKeys / 2];
      multiply_queries(own_tile, scores);
      float of_tile[2];
      float sum_of_tile[2];
      weigh_scores(args_.scale, work_.end_key - work_.first_key - tile * kKeys, scores, of_tile, sum_of_tile);
      wait_free(shared_.weights_free, tile);
      store_weights(scores, shared_.weights);
      if constexpr (kSplit) {
        store_part(query, of_tile, sum_of_tile);
      } else {
        join(tile, of_tile, sum_of_tile);
      }
      arrive_warp(shared_.weights_full);
    }
    // The one that had the last tile: a barrier's rounds may be waited for in their order alone.
    if (!kSplit && warpgroup_id() == (work_.tiles() + kWeighers - 1) % kWeighers) finish();
    if constexpr (!kSplit) KeyRows::end();
  }

 private:
  __device__ void multiply_queries(int own_tile, float (&scores)[kKeys / 2]) {
    const Lines queries = lines_at(shared_address(shared_.queries));
    const Lines keys = lines_at(shared_address(shared_.keys[warpgroup_id()]));
    begin_products();
#pragma unroll
    for (int step = 0; step < kDim / kDepth; ++step) {
      const int at = step / 4 * kBandBytes + step % 4 * (2 * kDepth);
      multiply_lines(scores, lines_behind(queries, at), lines_behind(keys, at), step != 0);
    }
    commit_products();
    if constexpr (!kSplit) rows_.look_up_behind(own_tile + 2);
    wait_products<0>();
    hold_sums<kKeys>(scores);
  }

  // The other warpgroup joined the tile before.
  __device__ void join(int tile, const float (&of_tile)[2], const float (&sum_of_tile)[2]) const {
#pragma unroll
    for (int half = 0; half < 2; ++half) {
      float2& before = shared_.joined[head_of_thread(half)];
      float largest = tile == 0 ? kNoScore : before.x;
      const float sum = tile == 0 ? 0.0F : before.y;
      const Shares shares = join_largest(largest, of_tile[half]);
      __syncwarp();
      if (lane_id() % 4 != 0) continue;
      before = {largest, joined(shares, sum, sum_of_tile[half])};
      shared_.shares[head_of_thread(half)] = {shares.old, shares.fresh};
    }
  }

  __device__ void finish() const {
    wait_free(shared_.weights_free, work_.tiles());
#pragma unroll
    for (int half = 0; half < 2; ++half) {
      const int own = head_of_thread(half);
      const std::int64_t head = work_.first_head + own;
      const float2 all = work_.tiles() == 0 ? make_float2(kNoScore, 0.0F) : shared_.joined[own];
      const Multiplied finish(all.y, all.x, head < args_.heads ? args_.sink[head] : 0.0F);
      if (lane_id() % 4 == 0) shared_.shares[own] = {finish.inverse(), 0.0F};
    }
    arrive_warp(shared_.weights_full);
  }

  __device__ void store_part(std::int64_t query, const float (&of_tile)[2], const float (&sum_of_tile)[2]) const {
    float* part = part_of(args_, query, work_.first_key / kKeys);
#pragma unroll
    for (int half = 0; half < 2; ++half) {
      const std::int64_t head = work_.first_head + head_of_thread(half);
      if (lane_id() % 4 != 0 || head >= work_.end_head) continue;
      part[args_.heads * kDim + head] = of_tile[half];
      part[args_.heads * (kDim + 1) + head] = sum_of_tile[half];
    }
  }

  const AttentionKernel& args_;
  const BlockWork& work_;
  BlockShared& shared_;
  std::conditional_t<kSplit, LoneTileRows, KeyRows> rows_;
};

// The values of half of the columns.
template <bool kSplit>
class MultiplyWeights {
 public:
  __device__ MultiplyWeights(const AttentionKernel& args, const BlockWork& work, BlockShared& shared)
      : args_(args), work_(work), shared_(shared) {}

  __device__ void run(std::int64_t query) {
    float joint[kSplit ? 1 : kOwnBands][kLine / 2];
    if constexpr (!kSplit) clear(joint);
    for (int tile = 0; tile < work_.tiles(); ++tile) {
      TileWeights weights;
      Shares shares[2];
      take_weights(tile, weights, shares);
      const int buffer = tile % kWeighers;
#pragma unroll
      for (int band = 0; band < kOwnBands; ++band) {
        BandValues values;
        multiply_keys(shared_.keys[buffer][first_band() + band], weights, values);
        if constexpr (kSplit) {
          store_values(part_of(args_, query, work_.first_key / kKeys), place(band), values);
        } else {
          join_values(shares, values, joint[band]);
        }
      }
      arrive_warp(shared_.keys_free[buffer]);
    }
    if constexpr (!kSplit) finish(joint);
  }

 private:
  static constexpr int kOwnBands = kBands / 2;

  __device__ static int first_band() { return (warpgroup_id() - kWeighers) * kOwnBands; }
  __device__ ValuePlace place(int band) const { return {work_.first_head, work_.end_head, first_band() + band}; }

  __device__ static void clear(float (&joint)[kOwnBands][kLine / 2]) {
#pragma unroll
    for (int band = 0; band < kOwnBands; ++band)
#pragma unroll
      for (int index = 0; index < kLine / 2; ++index) joint[band][index] = 0.0F;
  }

  __device__ void take_weights(int tile, TileWeights& weights, Shares (&shares)[2]) const {
    wait_round(shared_.weights_full, tile);
    load_weights(shared_.weights, weights);
#pragma unroll
    for (int half = 0; half < 2; ++half) {
      const float2 own = shared_.shares[head_of_thread(half)];
      shares[half] = {own.x, own.y};
    }
    arrive_warp(shared_.weights_free);
  }

  __device__ void finish(float (&joint)[kOwnBands][kLine / 2]) const {
    wait_round(shared_.weights_full, work_.tiles());
    const float factors[2] = {shared_.shares[head_of_thread(0)].x, shared_.shares[head_of_thread(1)].x};
#pragma unroll
    for (int band = 0; band < kOwnBands; ++band) {
#pragma unroll
      for (int index = 0; index < kLine / 2; ++index) joint[band][index] *= factors[index / 2 % 2];
      store_values(args_.out + work_.token * args_.heads * kDim, place(band), joint[band]);
    }
  }

  const AttentionKernel& args_;
  const BlockWork& work_;
  BlockShared& shared_;
};

#endif

}  // namespace fathom::cuda
