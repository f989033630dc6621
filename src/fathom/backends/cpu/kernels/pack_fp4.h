// Rows of FP4 codes into the order of a packed tile (packed_tiles.h).
#pragma once

#include <cstddef>
#include <cstdint>

namespace fathom {

// `rows` of up to sixteen outputs, low nibble = even column, `columns` even; `tile` takes ceil(columns / 8) blocks.
void pack_fp4_tile(const std::byte* const* rows, std::int64_t outputs, std::int64_t columns, std::byte* tile);

}  // namespace fathom
