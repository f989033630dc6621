// Fill-in-the-middle in PSM form (prefix, suffix, middle), as DeepSeek's models are trained:
//   <｜fim▁begin｜>prefix<｜fim▁hole｜>suffix<｜fim▁end｜>middle
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace fathom {

// Cut at two places that `seed` and the text choose: half of the texts of several lines between lines, all others
// between characters. A text of one character or none comes back as it is.
std::string fill_in_the_middle(std::string_view text, std::uint64_t seed);

// Whether the text is one of those, a share of `rate` of all, that are to be rearranged.
bool wants_fill_in_the_middle(std::string_view text, double rate, std::uint64_t seed);

}  // namespace fathom
