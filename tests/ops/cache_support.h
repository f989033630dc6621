// Runs, rings and pages for the operation tests, and cached rows decoded by arithmetic.
#pragma once

#include <deque>
#include <vector>

#include "fathom/ops/cache_format.h"
#include "fathom/ops/runs.h"
#include "tests/ops/op_support.h"
#include "tests/ops/weight_support.h"

namespace fathom::op_test {

// Runs of given lengths and starts, rows one after another.
inline std::vector<Run> runs_of(std::initializer_list<std::pair<std::int64_t, std::int64_t>> tokens_and_starts) {
  std::vector<Run> runs;
  std::int64_t row = 0;
  for (const auto& [tokens, start] : tokens_and_starts) {
    runs.push_back({.first_row = row, .tokens = tokens, .start = start});
    row += tokens;
  }
  return runs;
}

inline std::int64_t tokens_of(const std::vector<Run>& runs) {
  return runs.empty() ? 0 : runs.back().first_row + runs.back().tokens;
}

class RingMemory {
 public:
  RingMemory(std::int64_t capacity, std::int64_t row_bytes)
      : capacity_(capacity), row_bytes_(row_bytes), bytes_(capacity * row_bytes, 4) {}
  Ring ring() const { return {.rows = bytes_.data(), .capacity = capacity_, .row_bytes = row_bytes_}; }

  // Puts the rows of positions [0, end) where they belong, the last of a slot staying. `row_of` gives a row's bytes.
  template <typename RowOf>
  void fill(std::int64_t end, const RowOf& row_of) {
    for (std::int64_t position = 0; position < end; ++position)
      std::memcpy(bytes_.data() + position % capacity_ * row_bytes_, row_of(position),
                  static_cast<std::size_t>(row_bytes_));
  }
  std::span<const std::byte> bytes() const { return bytes_.span(); }

 private:
  std::int64_t capacity_;
  std::int64_t row_bytes_;
  Array<std::byte> bytes_;
};

// Pages in no order, each holding another layer's bytes before this layer's rows.
class PageMemory {
 public:
  PageMemory(std::int64_t rows, std::int64_t rows_per_page, std::int64_t row_bytes, std::int64_t offset = 12)
      : rows_per_page_(rows_per_page), row_bytes_(row_bytes), offset_(offset) {
    const std::int64_t count = (rows + rows_per_page - 1) / rows_per_page;
    for (std::int64_t page = 0; page < count; ++page) storage_.emplace_back(offset + rows_per_page * row_bytes, 4);
    for (std::int64_t page = 0; page < count; ++page) pages_.push_back(storage_[(page * 7 + 3) % count].data());
    if (count % 7 == 0)  // 7 does not walk through all of them
      for (std::int64_t page = 0; page < count; ++page) pages_[page] = storage_[count - 1 - page].data();
  }
  PagedRows rows() const {
    return {.pages = pages_.data(), .rows_per_page = rows_per_page_, .offset = offset_, .row_bytes = row_bytes_};
  }
  std::span<std::byte> row(std::int64_t index) const {
    return {rows().row(index), static_cast<std::size_t>(row_bytes_)};
  }

 private:
  std::int64_t rows_per_page_;
  std::int64_t row_bytes_;
  std::int64_t offset_;
  std::deque<Array<std::byte>> storage_;
  std::vector<std::byte*> pages_;
};

inline std::uint8_t byte_at(std::span<const std::byte> bytes, std::int64_t index) {
  return static_cast<std::uint8_t>(bytes[static_cast<std::size_t>(index)]);
}

inline double float_at(std::span<const std::byte> bytes, std::int64_t index) {
  float value = 0.0F;
  std::memcpy(&value, bytes.data() + index * 4, 4);
  return static_cast<double>(value);
}

// A main entry by its description: E4M3 nope, BF16 rope, one E8M0 scale to 64 nope columns.
inline std::vector<double> slow_entry(const EntryFormat& format, std::span<const std::byte> row) {
  std::vector<double> values;
  const std::int64_t nope = format.head_dim - format.rope_dim;
  for (std::int64_t column = 0; column < format.head_dim; ++column) {
    if (format.storage == CacheStorage::float32) {
      values.push_back(float_at(row, column));
    } else if (column < nope) {
      values.push_back(slow_e4m3(byte_at(row, column)) *
                       slow_e8m0(byte_at(row, nope + 2 * format.rope_dim + column / 64)));
    } else {
      const std::int64_t at = nope + 2 * (column - nope);
      values.push_back(slow_bf16(static_cast<std::uint16_t>(byte_at(row, at) | byte_at(row, at + 1) << 8)));
    }
  }
  return values;
}

// An index key: E2M1 nibbles, low nibble = even column, one E8M0 scale to 32 columns.
inline std::vector<double> slow_index_key(const IndexKeyFormat& format, std::span<const std::byte> row) {
  std::vector<double> values;
  for (std::int64_t column = 0; column < format.index_dim; ++column) {
    if (format.storage == CacheStorage::float32) {
      values.push_back(float_at(row, column));
      continue;
    }
    const std::uint8_t pair = byte_at(row, column / 2);
    values.push_back(slow_e2m1(column % 2 == 0 ? pair & 15 : pair >> 4) *
                     slow_e8m0(byte_at(row, format.index_dim / 2 + column / 32)));
  }
  return values;
}

// Random floats of some size in a row's storage.
inline std::vector<std::byte> random_entry(const EntryFormat& format, Random& random) {
  std::vector<std::byte> row(static_cast<std::size_t>(format.row_bytes()));
  encode_entry(format, random.normals(format.head_dim).span(), row);
  return row;
}

inline std::vector<std::byte> random_index_key(const IndexKeyFormat& format, Random& random) {
  std::vector<std::byte> row(static_cast<std::size_t>(format.row_bytes()));
  encode_index_key(format, random.normals(format.index_dim).span(), row);
  return row;
}

}  // namespace fathom::op_test
