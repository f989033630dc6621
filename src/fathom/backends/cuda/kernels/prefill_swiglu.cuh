// SwiGLU of what two experts' weights gave the same rows, packed as pack_rows.cu packs it: the next product's blocks of
// 128 inputs. A unit of the gate's weight comes first, the other weight's follows on the same block. Both leave their
// sums in memory of the block's own (they stay in the second-level cache), because nothing but an unrolled loop reaches
// those in registers, and SwiGLU of 112 of them would be more code than a multiprocessor keeps.
#pragma once

#include <cstdint>

#include "fathom/backends/cuda/kernels/pack_values.cuh"
#include "fathom/backends/cuda/kernels/prefill_blocks.cuh"
#include "fathom/backends/cuda/kernels/prefill_launch.h"
#include "fathom/backends/cuda/kernels/product_unit.cuh"
#include "fathom/backends/cuda/kernels/threads.cuh"

namespace fathom::cuda {

struct PrefillSwiglu {
  using Layout = PrefillLayout<TileKind::fp4, Operand::e4m3>;
  using Args = PrefillSwigluArgs;
  static constexpr int kTargets = 2;

  template <int kCount>
  __device__ static void take(const Args& args, const ProductUnit& /*unit*/, int target,
                              const float (&totals)[kCount][Layout::kSums]) {
    float4* const kept = kept_of(args) + target * kPrefillMostFours * kPrefillConsumers;
    Layout::template for_chunks<kCount, 0>([&](auto chunk) {
#pragma unroll
      for (int four = 0; four < Layout::columns_of(chunk) / 8; ++four) {
        const float* const sums = &totals[chunk][4 * four];
        __stcg(kept + (chunk * kFoursOfChunk + four) * kPrefillConsumers, float4{sums[0], sums[1], sums[2], sums[3]});
      }
    });
  }

  // Half a chunk of columns at a time; the next half's sums are on their way meanwhile, and its weights' slots those of
  // the one behind.
  __device__ static void finish(const ProductWork& work, const Args& args, const ProductUnit& unit) {
    const int last = (unit.rows + kColumns - 1) / kColumns - 1;
    const float4* kept = kept_of(args);
    const std::int32_t* slots = args.slots + unit.first_row + own_column();
    std::uint8_t* blocks = args.blocks + (unit_block(unit) * work.x_chunks + unit.first_row / kPrefillColumns) *
                                             block_bytes(Operand::e4m3, kPrefillColumns);
    Half half = fetch(kept);
    int next_slot = slots[min(1, last) * kColumns];
    float weight = weight_of(args, *slots);
#pragma unroll 1
    for (int index = 0; index <= last; ++index) {
      const Half next = fetch(kept + min(index + 1, last) * kFours * kPrefillConsumers);
      const float next_weight = weight_of(args, next_slot);
      next_slot = slots[min(index + 2, last) * kColumns];
      activate(half, weight, args.limit);
      pack(half, index, blocks + index / 2 * block_bytes(Operand::e4m3, kPrefillColumns));
      half = next;
      weight = next_weight;
    }
  }

 private:
  static constexpr int kColumns = kPrefillColumns / 2;  // of a half
  static constexpr int kFours = kColumns / 8;
  static constexpr int kFoursOfChunk = kPrefillColumns / 8;
  static constexpr int kWarps = kPrefillConsumers / 32;

  // A thread's columns are 8 i + 2 t + c of each four i: outputs g of two columns, then outputs g + 8. Its number 2 i +
  // c of a quarter's columns is the lane's 4 (2 i + c) + t where a lane has one of the warp's columns.
  struct Half {
    float4 gate[kFours];
    float4 up[kFours];
  };
  __device__ static int quarter() { return lane_id() % 4; }
  __device__ static int own_column() { return lane_id() / 8 * 8 + 2 * quarter() + lane_id() / 4 % 2; }
  template <typename T>
  __device__ static T of_column(T value, int number) {
    return __shfl_sync(kAllLanes, value, 4 * number + quarter());
  }

  __device__ static float4* kept_of(const Args& args) {
    return args.kept + std::int64_t{blockIdx.x} * kPrefillKept + threadIdx.x;
  }
  __device__ static Half fetch(const float4* kept) {
    Half half;
#pragma unroll
    for (int four = 0; four < kFours; ++four) half.gate[four] = __ldcg(kept + four * kPrefillConsumers);
#pragma unroll
    for (int four = 0; four < kFours; ++four)
      half.up[four] = __ldcg(kept + (kPrefillMostFours + four) * kPrefillConsumers);
    return half;
  }
  __device__ static float weight_of(const Args& args, int slot) {
    return args.weights != nullptr && slot >= 0 ? args.weights[slot] : 1.0F;
  }
  __device__ static std::int64_t unit_block(const ProductUnit& unit) { return -unit.first_output / kBlockInputs; }

  // Into the place of the gates.
  __device__ static void activate(Half& half, float weight, float limit) {
#pragma unroll
    for (int four = 0; four < kFours; ++four) {
      float4& gate = half.gate[four];
      const float4& up = half.up[four];
      const float weights[2] = {of_column(weight, 2 * four), of_column(weight, 2 * four + 1)};
      gate = {swiglu(gate.x, up.x, limit, weights[0]), swiglu(gate.y, up.y, limit, weights[1]),
              swiglu(gate.z, up.z, limit, weights[0]), swiglu(gate.w, up.w, limit, weights[1])};
    }
  }

  __device__ static void pack(const Half& half, int index, std::uint8_t* block) {
    const unsigned largest = largest_of_block(warp_largest(half), index % 2);
    const int exponent = e4m3_exponent(largest);
    const float factor = power(-exponent);
    const int first = index % 2 * kColumns;
    if (warp_id() == 0)
      reinterpret_cast<float*>(block + kPrefillColumns * kBlockInputs)[first + own_column()] =
          e4m3_scale(largest, exponent);
    std::uint8_t* const to = block + block_offset(Operand::e4m3, first + lane_id() / 4, 16 * warp_id() + own_byte());
#pragma unroll
    for (int four = 0; four < kFours; ++four) {
      const float4& x = half.gate[four];
      const float factors[2] = {of_column(factor, 2 * four), of_column(factor, 2 * four + 1)};
      const std::uint32_t codes =
          two_e4m3(x.x * factors[0], x.z * factors[0]) | two_e4m3(x.y * factors[1], x.w * factors[1]) << 16;
      *reinterpret_cast<std::uint32_t*>(to + four * (8 * kBlockInputs)) = four_outputs(transposed(codes));
    }
  }

  // As bits, whose order is that of magnitudes, NaN above: lane by lane the largest of the warp's outputs of its
  // column.
  __device__ static unsigned warp_largest(const Half& half) {
    unsigned own[2 * kFours];
#pragma unroll
    for (int four = 0; four < kFours; ++four) {
      own[2 * four] = __float_as_uint(largest_of(half.gate[four].x, half.gate[four].z));
      own[2 * four + 1] = __float_as_uint(largest_of(half.gate[four].y, half.gate[four].w));
    }
#pragma unroll
    for (int count = kFours; count > 0; count /= 2) {  // a lane hands on as many, and keeps as many
      const bool upper = (lane_id() & 4 * count) != 0;
#pragma unroll
      for (int number = 0; number < count; ++number) {
        const unsigned handed = upper ? own[number] : own[number + count];
        const unsigned kept = upper ? own[number + count] : own[number];
        own[number] = max(kept, __shfl_xor_sync(kAllLanes, handed, 4 * count));
      }
    }
    return own[0];
  }
  // Of all warps'. Two places take turns, so that one meeting is enough.
  __device__ static unsigned largest_of_block(unsigned own, int turn) {
    __shared__ unsigned all[2][kWarps][kWarp];
    static_assert(sizeof(all) <= kPrefillStaged);
    all[turn][warp_id()][lane_id()] = own;
    asm volatile("bar.sync 1, %0;" ::"n"(kPrefillConsumers) : "memory");
    unsigned largest = 0;
#pragma unroll
    for (int warp = 0; warp < kWarps; ++warp) largest = max(largest, all[turn][warp][lane_id()]);
    return largest;
  }

  __device__ static std::uint32_t two_e4m3(float first, float second) {
    return __nv_cvt_float2_to_fp8x2({first, second}, __NV_SATFINITE, __NV_E4M3);
  }
  // Outputs g and g + 8 of columns 2 t and 2 t + 1 are outputs 2 t, 2 t + 8, 2 t + 1, 2 t + 9 of column g then.
  __device__ static std::uint32_t transposed(std::uint32_t codes) {
    std::uint32_t result;
    asm volatile("movmatrix.sync.aligned.m8n8.trans.b16 %0, %1;" : "=r"(result) : "r"(codes));
    return result;
  }
  // Four side by side of a column's sixteen, from own_byte on.
  __device__ static std::uint32_t four_outputs(std::uint32_t codes) {
    const std::uint32_t own = __byte_perm(codes, 0, 0x3120);
    const std::uint32_t other = __shfl_xor_sync(kAllLanes, own, 1);
    return __byte_perm(own, other, quarter() % 2 == 0 ? 0x5410 : 0x3276);
  }
  __device__ static int own_byte() { return quarter() % 2 * 8 + quarter() / 2 * 4; }
};

}  // namespace fathom::cuda
