// How far two texts are apart.
#pragma once

#include <cstdint>
#include <string_view>

namespace fathom {

// Levenshtein's: bytes put in, taken out or exchanged to make the one text of the other.
std::int64_t edit_distance(std::string_view one, std::string_view other);
// 1 - distance / the longer text's bytes; 1 for two empty texts.
double edit_similarity(std::string_view one, std::string_view other);

}  // namespace fathom
