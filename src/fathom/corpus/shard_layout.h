// Where the parts of a token shard lie in its bytes (token_shard.h draws them), checked before anything is believed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>

namespace fathom {

struct ShardHeader {
  static constexpr std::string_view kMagic = "FATHOMSH";
  static constexpr std::uint32_t kVersion = 1;

  char magic[8] = {};
  std::uint32_t version = kVersion;
  std::uint32_t id_bytes = 0;
  std::uint64_t documents = 0;
  std::uint64_t tokens = 0;
  std::uint64_t checksum = 0;
};
static_assert(sizeof(ShardHeader) == 40);

struct ShardLayout {
  ShardHeader header;
  std::span<const std::byte> first;  // u64 [documents + 1]
  std::span<const std::byte> ids;    // u16 or u32 [tokens]
  std::span<const std::byte> loss;   // a bit a token

  std::uint64_t first_token(std::int64_t document) const {
    std::uint64_t value = 0;
    std::memcpy(&value, first.data() + static_cast<std::size_t>(document) * sizeof(value), sizeof(value));
    return value;
  }
  std::int32_t id(std::uint64_t token) const {
    std::uint32_t value = 0;
    std::memcpy(&value, ids.data() + token * header.id_bytes, header.id_bytes);
    return static_cast<std::int32_t>(value);
  }
  bool learned(std::uint64_t token) const { return (std::to_integer<int>(loss[token / 8]) >> (token % 8) & 1) != 0; }
};

// Bytes of the ids with their padding.
std::uint64_t padded_id_bytes(std::uint64_t tokens, std::uint32_t id_bytes);

// `place` names the file in the InputError: no shard, another version, truncated, a checksum that differs, documents
// that do not follow one another. The views look into `file`.
ShardLayout read_shard_layout(std::span<const std::byte> file, std::string_view place);

}  // namespace fathom
