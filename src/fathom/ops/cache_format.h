// How one cached row lies in memory, in two storages. Sizes in bytes. Source: FlashMLA's MODEL1 entry, report 2.3.
//
//   main entry, released   nope as E4M3 [nope_dim] | rope as BF16 [rope_dim] | E8M0 scale per 64 nope | pad to 8
//                          head_dim 512, rope 64: 448 + 128 + 7 + 1 = 584
//   main entry, float32    [head_dim] float
//   index key, released    E2M1 nibbles [index_dim / 2], low nibble = even column | E8M0 scale per 32
//                          index_dim 128: 64 + 4 = 68
//   index key, float32     [index_dim] float
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace fathom {

enum class CacheStorage : std::uint8_t { float32, released };
// By its name as users write it.
inline CacheStorage cache_storage(std::string_view name) {
  return name == "float32" ? CacheStorage::float32 : CacheStorage::released;
}

inline constexpr std::int64_t kNopeScaleGroup = 64;
inline constexpr std::int64_t kIndexScaleGroup = 32;

struct EntryFormat {
  CacheStorage storage = CacheStorage::float32;
  std::int64_t head_dim = 0;
  std::int64_t rope_dim = 0;

  std::int64_t nope_dim() const { return head_dim - rope_dim; }
  std::int64_t scale_groups() const { return (nope_dim() + kNopeScaleGroup - 1) / kNopeScaleGroup; }
  std::int64_t row_bytes() const;
};

struct IndexKeyFormat {
  CacheStorage storage = CacheStorage::float32;
  std::int64_t index_dim = 0;

  std::int64_t scale_groups() const { return (index_dim + kIndexScaleGroup - 1) / kIndexScaleGroup; }
  std::int64_t row_bytes() const;
};

// One row to and from its storage: the definition that every backend's kernels are tested against.
void encode_entry(const EntryFormat& format, std::span<const float> values, std::span<std::byte> row);
void decode_entry(const EntryFormat& format, std::span<const std::byte> row, std::span<float> values);
void encode_index_key(const IndexKeyFormat& format, std::span<const float> values, std::span<std::byte> row);
void decode_index_key(const IndexKeyFormat& format, std::span<const std::byte> row, std::span<float> values);

}  // namespace fathom
