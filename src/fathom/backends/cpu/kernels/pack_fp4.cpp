#include "fathom/backends/cpu/kernels/pack_fp4.h"

#include <algorithm>
#include <cstring>

#include "fathom/backends/cpu/kernels/packed_tiles.h"

namespace fathom {

void pack_fp4_tile(const std::byte* const* rows, std::int64_t outputs, std::int64_t columns, std::byte* tile) {
  const std::int64_t row_bytes = columns / 2;
  const std::int64_t blocks = (columns + 7) / 8;
  if (outputs < kTileOutputs) std::memset(tile, 0, static_cast<std::size_t>(blocks * kBlockBytes));
  for (std::int64_t output = 0; output < outputs; ++output) {
    std::byte* to = tile + output / 4 * 16 + output % 4 * 2;
    for (std::int64_t block = 0; block < blocks; ++block, to += kBlockBytes) {
      std::uint8_t source[4] = {};  // columns 0 to 7, two to a byte
      std::memcpy(source, rows[output] + block * 4,
                  static_cast<std::size_t>(std::min<std::int64_t>(4, row_bytes - block * 4)));
      const auto join = [](unsigned low, unsigned high) {
        return std::byte(static_cast<std::uint8_t>(low | high << 4));
      };
      to[0] = join(source[0] & 0xfU, source[2] & 0xfU);
      to[1] = join(source[0] >> 4U, source[2] >> 4U);
      to[8] = join(source[1] & 0xfU, source[3] & 0xfU);
      to[9] = join(source[1] >> 4U, source[3] >> 4U);
    }
  }
}

}  // namespace fathom
