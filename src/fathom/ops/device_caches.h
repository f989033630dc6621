// Sequences' caches in a GPU's memory: what they take of it besides their bytes.
#pragma once

#include <algorithm>
#include <cstdint>

namespace fathom {

// The driver rounds a cache's pieces up, by an eighth at most; and steps behind long texts want more than others.
inline constexpr std::int64_t kStepsBehindLongTexts = std::int64_t{640} << 20;

constexpr std::int64_t bytes_for_caches(std::int64_t caches) { return caches / 7 * 8 + kStepsBehindLongTexts; }
// Caches that so many bytes hold.
constexpr std::int64_t caches_in(std::int64_t bytes) {
  return std::max<std::int64_t>(bytes - kStepsBehindLongTexts, 0) / 8 * 7;
}

}  // namespace fathom
