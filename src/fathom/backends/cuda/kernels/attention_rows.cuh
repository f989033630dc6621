// How a warp brings its sixteen rows of every tile of its warpgroup: looked up a tile ahead, fetched four rows ahead,
// decoded to bfloat16. And how a block brings a tile that is its only one.
#pragma once

#include "fathom/backends/cuda/kernels/attention_block.cuh"

namespace fathom::cuda {

#ifdef FATHOM_WARPGROUP_PRODUCTS

// A lone tile's rows that no choice of this step decides come into the second-level cache before it is the block's
// turn. By all threads.
__device__ inline void send_for_rows(const QueryKeys& keys, std::int64_t first_key) {
  constexpr unsigned kLines = (kRowBytes + kCacheLine - 1) / kCacheLine;
  for (unsigned index = threadIdx.x; index < kLines * kKeys; index += blockDim.x) {
    const std::int64_t key = first_key + index % kKeys;
    if (key >= (keys.selected == nullptr ? keys.most : keys.window_keys)) continue;
    if (const std::byte* row = keys.row(key); row != nullptr)
      asm volatile("prefetch.global.L2 [%0];" ::"l"(row + index / kKeys * kCacheLine));
  }
}

// A row that lies off its boundary, or none: zeros.
__device__ inline void fetch_slowly(const std::byte* row, uint2* to) {
#pragma unroll 1
  for (int word = lane_id(); word < kRowBytes / 4; word += kWarp)
    reinterpret_cast<unsigned*>(to)[word] = row == nullptr ? 0U : read_u32(row + 4 * word);
}

__device__ inline uint4 both_halves(uint2 low, uint2 high) { return {low.x, low.y, high.x, high.y}; }

// A lane has eight columns of each half of a row: codes, or behind them bfloat16.
__device__ inline void decode_row(const uint2 (&raw)[kWords], int key, uint4 (&to)[kBands][kKeys][kPieces]) {
  constexpr int kCodes = kNope / 8;
  const int lane = lane_id();
  const bool codes = kWarp + lane < kCodes;
  const int second_word = codes ? kWarp + lane : kCodes + 2 * (kWarp + lane - kCodes);
  const auto* exponents = reinterpret_cast<const unsigned char*>(&raw[kWords - 1]);
  const unsigned exponent = exponents[lane / kPieces];
  const unsigned second_exponent = exponents[kWarp / kPieces + lane / kPieces];  // behind the codes: no matter
  const uint2 first = raw[lane];
  const uint2 second = raw[second_word];
  const uint2 behind = raw[second_word + 1];
  uint4 piece = both_halves(widened_small_codes(first.x, exponent), widened_small_codes(first.y, exponent));
  uint4 second_piece =
      both_halves(widened_small_codes(second.x, second_exponent), widened_small_codes(second.y, second_exponent));
  if (__any_sync(kAllLanes, max(exponent, second_exponent) > kMostExponent)) {
    piece = both_halves(widened_codes(first.x, exponent), widened_codes(first.y, exponent));
    second_piece = both_halves(widened_codes(second.x, second_exponent), widened_codes(second.y, second_exponent));
  }
  if (!codes) second_piece = both_halves(second, behind);
  uint4* own = &to[lane / kPieces][key][(lane ^ key) % kPieces];
  own[0] = piece;
  own[kWarp / kPieces * kBandBytes / 16] = second_piece;
}

// Sends for a row, by a warp; `ordinary` where it is one and lies on its boundary.
__device__ inline void fetch_row(const std::byte* from, bool ordinary, uint2 (&to)[kWords]) {
  if (!ordinary) return fetch_slowly(from, to);
  const std::byte* own = from + 8 * lane_id();
#pragma unroll
  for (int word = 0; word < kWords; word += kWarp)
    if (word + kWarp <= kWords || word + lane_id() < kWords) copy_eight_later(own + 8 * word, &to[word + lane_id()]);
}

class KeyRows {
 public:
  // The warpgroup takes every kWeighers-th tile.
  __device__ KeyRows(const BlockWork& work, BlockShared& shared)
      : first_key_(work.first_key), end_key_(work.end_key), shared_(shared) {}

  __device__ void begin() {
    look_up(lane_id() / kOwnRows);
#pragma unroll 1
    for (int row = 0; row < kRing - 1; ++row) fetch(row);
  }

  // The warp's rows of the warpgroup's next tile, and the first ones of the tile behind it sent for.
  __device__ void decode_tile(int own_tile) {
    const int first = own_tile * kOwnRows;
    const int group = warpgroup_id();
#pragma unroll 1
    for (int row = 0; row < kOwnRows; ++row) {
      wait_for_copies_but<kRing - 2>();
      __syncwarp();  // the row is here, the one before has been read
      const uint2(&raw)[kWords] = raw_of(first + row);
      fetch(first + row + kRing - 1);
      decode_row(raw, warp_of_group() * kOwnRows + row, shared_.keys[group]);
    }
  }

  // When all rows of the tile before were sent for.
  __device__ void look_up_behind(int own_tile) {
    if (lane_id() / kOwnRows == own_tile % 2) look_up_own(own_tile);
    ordinary_ = __ballot_sync(kAllLanes, row_ != nullptr && aligned_to(row_, 8));
  }

  __device__ static void end() { wait_for_copies(); }

 private:
  // Lanes of half h hold the rows of a tile of parity h.
  __device__ void look_up(int own_tile) {
    look_up_own(own_tile);
    ordinary_ = __ballot_sync(kAllLanes, row_ != nullptr && aligned_to(row_, 8));
  }
  __device__ void look_up_own(int own_tile) {
    const int tile = own_tile * kWeighers + warpgroup_id();
    const int key = first_key_ + tile * kKeys + warp_of_group() * kOwnRows + lane_id() % kOwnRows;
    row_ = key < end_key_ ? shared_.query_keys.row(key) : nullptr;
  }

  __device__ uint2 (&raw_of(int row) const)[kWords] {
    return shared_.raw[warp_id()][static_cast<unsigned>(row) % kRing];
  }

  // Sends for a row; those behind the last tile are none.
  __device__ void fetch(int row) const {
    uint2(&to)[kWords] = raw_of(row);
    const int lane = row % kWarp;
    const auto* from =
        reinterpret_cast<const std::byte*>(__shfl_sync(kAllLanes, reinterpret_cast<unsigned long long>(row_), lane));
    fetch_row(from, (ordinary_ >> lane & 1U) != 0, to);
    end_of_copies();
  }

  const int first_key_;
  const int end_key_;
  BlockShared& shared_;
  const std::byte* row_ = nullptr;
  unsigned ordinary_ = 0;  // of all lanes' rows
};

// The rows of a lone tile, by the warps of both warpgroups that weigh, all on their way at once. As stored they lie
// where a second tile would.
class LoneTileRows {
 public:
  __device__ LoneTileRows(const BlockWork& work, BlockShared& shared) : work_(work), shared_(shared) {}

  __device__ void begin() const {
    const int key = work_.first_key + first_own() + lane_id() % kOwn;
    const std::byte* row = key < work_.end_key ? shared_.query_keys.row(key) : nullptr;
    const unsigned ordinary = __ballot_sync(kAllLanes, row != nullptr && aligned_to(row, 8));
#pragma unroll
    for (int own = 0; own < kOwn; ++own) {
      const auto from = __shfl_sync(kAllLanes, reinterpret_cast<unsigned long long>(row), own);
      fetch_row(reinterpret_cast<const std::byte*>(from), (ordinary >> own & 1U) != 0, raw_of(own));
    }
    end_of_copies();
  }

  __device__ void decode() const {
    wait_for_copies();
    __syncwarp();
#pragma unroll 2
    for (int own = 0; own < kOwn; ++own) decode_row(raw_of(own), first_own() + own, shared_.keys[0]);
  }

 private:
  static constexpr int kOwn = kKeys / (kWeighers * kWarps);
  static_assert(sizeof(uint2[kKeys][kWords]) <= sizeof(BlockShared::keys) / kWeighers);

  __device__ static int first_own() { return warp_id() * kOwn; }
  __device__ uint2 (&raw_of(int own) const)[kWords] {
    return reinterpret_cast<uint2(*)[kWords]>(&shared_.keys[1])[first_own() + own];
  }

  const BlockWork& work_;
  BlockShared& shared_;
};

#endif

}  // namespace fathom::cuda
