// Note [Bf16 in twelve bits]: a trained weight's values lie within few powers of two, so that nearly all of their upper
// bytes, sign and seven bits of exponent, are among sixteen. A large matrix of bf16 (the head: two thirds of what a
// model of few layers reads a token) is held as lower bytes and indices of four bits to their upper ones, and a block
// with any other upper byte as it is: the same values to the bit, three quarters of the bytes.
//
// A block's 32 values, [output][column], are four eights: 0, 1, 2, 3. It holds their lower bytes in the order 0, 2, 1,
// 3 (what interleaving the bytes of vectors of 16 and 32 wants), then sixteen bytes: the indices of eights 0 and 2 in
// the low nibbles, of 1 and 3 in the high ones.
#pragma once

#include <array>
#include <vector>

#include "fathom/backends/cpu/kernels/packed_tiles.h"

namespace fathom {

// Which upper bytes have an index.
struct UpperBytes {
  static constexpr std::uint8_t kNone = 0xff;

  std::array<std::uint8_t, 16> bytes{};
  std::array<std::uint8_t, 256> index{};  // of each, or kNone
  double others = 1.0;                    // the share of values with none
};

// The sixteen that are most frequent among `values`.
UpperBytes choose_upper_bytes(std::span<const std::uint16_t> values);

// A tile of plain blocks of bf16 as indexed ones, `to`; those that cannot be are added to `plain`.
void index_tile(std::span<const std::byte> tile, const UpperBytes& upper, std::byte* to,
                std::vector<PlainBlock>& plain);

}  // namespace fathom
