#include "fathom/tokenizer/unicode_class.h"

#include <algorithm>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>

#include "fathom/tokenizer/unicode_runs.h"

namespace fathom {
namespace {

constexpr std::uint8_t kWordBit = 0x10;
constexpr std::uint8_t kCjkBit = 0x08;

constexpr std::size_t kCodePoints = 0x110000;

// A run's low four bits hold the class and, at 8, the word bit.
char unpack(std::uint32_t run) {
  const std::uint32_t word = (run & 8) != 0 ? kWordBit : 0;
  return static_cast<char>((run & 7) | word);
}

}  // namespace

UnicodeClasses::UnicodeClasses() {
  const std::span<const std::uint32_t> runs = unicode_runs();
  std::string flat(kCodePoints, '\0');
  for (std::size_t run = 0; run < runs.size(); ++run) {
    const std::size_t end = run + 1 < runs.size() ? runs[run + 1] >> 4 : kCodePoints;
    std::fill(flat.begin() + (runs[run] >> 4), flat.begin() + static_cast<std::ptrdiff_t>(end), unpack(runs[run]));
  }
  for (std::size_t code_point = 0x3040; code_point <= 0x30FF; ++code_point) flat[code_point] |= kCjkBit;
  for (std::size_t code_point = 0x4E00; code_point <= 0x9FA5; ++code_point) flat[code_point] |= kCjkBit;
  std::unordered_map<std::string_view, std::uint16_t> known;
  for (std::size_t first = 0; first < kCodePoints; first += kBlock) {
    const std::string_view block = std::string_view(flat).substr(first, kBlock);
    const auto [place, added] = known.try_emplace(block, static_cast<std::uint16_t>(known.size()));
    if (added) blocks_.insert(blocks_.end(), block.begin(), block.end());
    block_of_[first / kBlock] = place->second;
  }
  for (std::size_t byte = 0; byte < ascii_.size(); ++byte) ascii_[byte] = blocks_[byte] & 0x0F;
}

}  // namespace fathom
