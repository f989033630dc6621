#include "fathom/backends/cpu/kernels/pack_fp4.h"

#include <algorithm>
#include <cstdint>
#include <cstring>

#include "fathom/backends/cpu/kernels/packed_tiles.h"

namespace fathom {
namespace {

// Columns 0 to 7, two to a byte, of one output: four bytes at once.
void pack_eight(const std::byte* from, std::byte* to) {
  std::uint32_t source = 0;
  std::memcpy(&source, from, 4);
  std::uint32_t even = source & 0x0f0f0f0fU;  // columns 0, 2, 4, 6 in a byte each
  std::uint32_t odd = source >> 4U & 0x0f0f0f0fU;
  even |= even >> 12U;  // column k in the low nibble, k + 4 in the high one
  odd |= odd >> 12U;
  const auto first = static_cast<std::uint16_t>((even & 0xffU) | (odd & 0xffU) << 8U);
  const auto second = static_cast<std::uint16_t>((even >> 8U & 0xffU) | (odd & 0xff00U));
  std::memcpy(to, &first, 2);
  std::memcpy(to + 8, &second, 2);
}

}  // namespace

void pack_fp4_tile(const std::byte* const* rows, std::int64_t outputs, std::int64_t columns, std::byte* tile) {
  const std::int64_t row_bytes = columns / 2;
  const std::int64_t blocks = (columns + 7) / 8;
  if (outputs < kTileOutputs) std::memset(tile, 0, static_cast<std::size_t>(blocks * kBlockBytes));
  const auto place = [&](std::int64_t output, std::int64_t block) {
    return tile + block * kBlockBytes + output / 4 * 16 + output % 4 * 2;
  };
  const std::int64_t whole = row_bytes / 4;
  for (std::int64_t chunk = 0; chunk < whole; chunk += kChunkBlocks)
    for (std::int64_t output = 0; output < outputs; ++output) {
      std::byte* to = place(output, chunk);
      for (std::int64_t block = chunk; block < std::min(whole, chunk + kChunkBlocks); ++block, to += kBlockBytes)
        pack_eight(rows[output] + block * 4, to);
    }
  for (std::int64_t output = 0; whole < blocks && output < outputs; ++output) {
    std::byte last[4] = {};
    std::memcpy(last, rows[output] + whole * 4, static_cast<std::size_t>(row_bytes - whole * 4));
    pack_eight(last, place(output, whole));
  }
}

}  // namespace fathom
