// How a warp brings its rows of every tile of its warpgroup: looked up a tile ahead, fetched three rows ahead, decoded
// to bfloat16.
#pragma once

#include "fathom/backends/cuda/kernels/attention_block.cuh"

namespace fathom::cuda {

#ifdef FATHOM_WARPGROUP_PRODUCTS

// kSplit: both warpgroups bring the block's only tile, else warpgroup kGroup every kWeighers-th.
template <bool kSplit, int kGroup>
class KeyRows {
 public:
  static constexpr int kBuffer = kSplit ? 0 : kGroup;

  __device__ KeyRows(const BlockWork& work, BlockShared& shared)
      : first_key_(work.first_key),
        end_key_(work.end_key),
        lane_(lane_id()),
        first_row_((kSplit ? kGroup * kWarps + warp_of_group() : warp_of_group()) * kOwnRows),
        shared_(shared) {}

  __device__ void begin() {
    look_up(lane_ / kOwnRows);
    for (int row = 0; row < kRing - 1; ++row) fetch(row, row);
  }

  // The warp's rows of a tile, and the first ones of the tile behind it sent for.
  __device__ void decode_tile(int own_tile) {
    const int first = own_tile * kOwnRows % kWarp;  // the lane that holds the first row
#pragma unroll 1
    for (int rows = 0; rows < kOwnRows; rows += kRing)
#pragma unroll
      for (int slot = 0; slot < kRing; ++slot) {
        wait_for_copies_but<kRing - 2>();
        __syncwarp();  // the row is here, the one before has been read
        fetch((first + rows + slot + kRing - 1) % kWarp, (slot + kRing - 1) % kRing);
        decode(shared_.raw[warp_id()][slot], rows + slot);
      }
  }

  // When all rows of the tile before were sent for. Lanes of half h hold the rows of a tile of parity h.
  __device__ void look_up_behind(int own_tile) {
    if (lane_ / kOwnRows == own_tile % 2) look_up_own(own_tile);
    mark_ordinary();
  }

  __device__ static void end() { wait_for_copies(); }

 private:
  static constexpr int kOwnRows = kKeys / kWarps / (kSplit ? kWeighers : 1);

  __device__ void look_up(int own_tile) {
    look_up_own(own_tile);
    mark_ordinary();
  }
  __device__ void look_up_own(int own_tile) {
    const int tile = kSplit ? 0 : own_tile * kWeighers + kGroup;
    const int key = first_key_ + tile * kKeys + first_row_ + lane_ % kOwnRows;
    row_ = key < end_key_ ? shared_.query_keys.row(key) : nullptr;
  }
  __device__ void mark_ordinary() { ordinary_ = __ballot_sync(kAllLanes, row_ != nullptr && aligned_to(row_, 8)); }

  // Sends for the row that a lane holds.
  __device__ void fetch(int lane, int slot) const {
    uint2(&to)[kWords] = shared_.raw[warp_id()][slot];
    const auto* from =
        reinterpret_cast<const std::byte*>(__shfl_sync(kAllLanes, reinterpret_cast<unsigned long long>(row_), lane));
    if ((ordinary_ >> lane & 1U) != 0) {
      copy_eight_later(from + 8 * lane_, &to[lane_]);
      copy_eight_later(from + 8 * (lane_ + kWarp), &to[lane_ + kWarp]);
      const int last = min(lane_ + 2 * kWarp, kWords - 1);  // of some lanes the same word: no branch
      copy_eight_later(from + 8 * last, &to[last]);
    } else {
      fetch_slowly(from, to);
    }
    end_of_copies();
  }

  // A row that lies off its boundary, or none: zeros.
  __device__ static void fetch_slowly(const std::byte* row, uint2* to) {
#pragma unroll 1
    for (int word = lane_id(); word < kRowBytes / 4; word += kWarp)
      reinterpret_cast<unsigned*>(to)[word] = row == nullptr ? 0U : read_u32(row + 4 * word);
  }

  // A lane has eight columns of each half of a row: codes, or behind them bfloat16.
  __device__ void decode(const uint2 (&raw)[kWords], int row) const {
    constexpr int kCodes = kNope / 8;
    constexpr int kHalf = kWarp / kPieces;  // the bands of the first 32 pieces
    const bool codes = kWarp + lane_ < kCodes;
    const int second_word = codes ? kWarp + lane_ : kCodes + 2 * (kWarp + lane_ - kCodes);
    const auto* exponents = reinterpret_cast<const unsigned char*>(&raw[kWords - 1]) + lane_ / kPieces;
    const unsigned exponent = exponents[0];
    const unsigned second_exponent = exponents[kHalf];  // behind the codes: no matter
    const uint2 first = raw[lane_];
    const uint2 second = raw[second_word];
    const uint2 behind = raw[second_word + 1];
    uint4 piece = both(widened_small_codes(first.x, exponent), widened_small_codes(first.y, exponent));
    uint4 second_piece =
        both(widened_small_codes(second.x, second_exponent), widened_small_codes(second.y, second_exponent));
    if (__any_sync(kAllLanes, max(exponent, second_exponent) > kMostExponent)) {
      piece = both(widened_codes(first.x, exponent), widened_codes(first.y, exponent));
      second_piece = both(widened_codes(second.x, second_exponent), widened_codes(second.y, second_exponent));
    }
    if (!codes) second_piece = both(second, behind);
    const int key = first_row_ + row;
    uint4* own = &shared_.keys[kBuffer][lane_ / kPieces][key][(lane_ ^ row) % kPieces];  // first_row_: of eights
    own[0] = piece;
    own[kHalf * kBandBytes / 16] = second_piece;
  }

  __device__ static uint4 both(uint2 low, uint2 high) { return {low.x, low.y, high.x, high.y}; }

  const int first_key_;
  const int end_key_;
  const int lane_;
  const int first_row_;  // of a tile
  BlockShared& shared_;
  const std::byte* row_ = nullptr;
  unsigned ordinary_ = 0;  // of all lanes' rows
};

#endif

}  // namespace fathom::cuda
