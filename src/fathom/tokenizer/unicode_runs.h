// The classes of all Unicode code points as runs (generated; unicode_class.h spreads them into a table).
#pragma once

#include <cstdint>
#include <span>

namespace fathom {

// Ascending; each entry is first code point * 16 + CharClass + (8 where \w matches). The first run opens at 0, the last
// ends at 0x10FFFF.
std::span<const std::uint32_t> unicode_runs();

}  // namespace fathom
