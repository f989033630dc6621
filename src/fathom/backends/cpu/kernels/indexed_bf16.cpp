#include "fathom/backends/cpu/kernels/indexed_bf16.h"

#include <algorithm>
#include <cstring>
#include <numeric>

namespace fathom {
namespace {

constexpr int kValues = 32;  // of a block

// False where an upper byte is not among the sixteen.
bool index_block(const std::uint16_t (&values)[kValues], const UpperBytes& upper, std::uint8_t* to) {
  std::uint8_t indices[kValues];
  std::uint8_t all = 0;
  for (int value = 0; value < kValues; ++value) {
    const std::uint8_t index = upper.index[values[value] >> 8U];
    all |= index;
    to[place_in_indexed_block(value)] = static_cast<std::uint8_t>(values[value]);
    indices[place_in_indexed_block(value)] = index;
  }
  for (int pair = 0; pair < kValues / 2; ++pair)
    to[kValues + pair] =
        static_cast<std::uint8_t>((indices[pair] & 0xfU) | static_cast<unsigned>(indices[pair + 16]) << 4U);
  return all < 16;
}

}  // namespace

UpperBytes choose_upper_bytes(std::span<const std::uint16_t> values) {
  std::array<std::int64_t, 256> counts{};
  for (const std::uint16_t value : values) ++counts[value >> 8U];
  std::array<std::uint8_t, 256> order{};
  std::iota(order.begin(), order.end(), std::uint8_t{0});
  std::stable_sort(order.begin(), order.end(), [&](auto left, auto right) { return counts[left] > counts[right]; });
  UpperBytes upper;
  upper.index.fill(UpperBytes::kNone);
  std::int64_t found = 0;
  for (std::uint8_t index = 0; index < 16; ++index) {
    upper.bytes[index] = order[index];
    upper.index[order[index]] = index;
    found += counts[order[index]];
  }
  if (!values.empty()) upper.others = 1.0 - static_cast<double>(found) / static_cast<double>(values.size());
  return upper;
}

void index_tile(std::span<const std::byte> tile, const UpperBytes& upper, std::byte* to,
                std::vector<PlainBlock>& plain) {
  const std::int64_t blocks = std::ssize(tile) / kBlockBytes;
  for (std::int64_t block = 0; block < blocks; ++block) {
    std::uint16_t values[kValues];
    std::memcpy(values, tile.data() + block * kBlockBytes, sizeof(values));
    std::uint8_t indexed[block_bytes(CodeFormat::indexed_bf16)];
    if (!index_block(values, upper, indexed)) {
      plain.push_back({.column = block * block_columns(CodeFormat::indexed_bf16)});
      std::memcpy(plain.back().codes, values, sizeof(values));
    }
    std::memcpy(to + block * std::ssize(indexed), indexed, sizeof(indexed));
  }
}

}  // namespace fathom
