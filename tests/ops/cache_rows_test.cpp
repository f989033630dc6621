// Rows into the cache and roundings as of the cache: every backend's bytes are those of the format's definition.
#include "tests/ops/cache_support.h"

namespace fathom::op_test {
namespace {

const EntryFormat kEntryFormats[] = {{CacheStorage::float32, 20, 6},    {CacheStorage::released, 20, 6},
                                     {CacheStorage::released, 512, 64}, {CacheStorage::released, 133, 12},
                                     {CacheStorage::released, 64, 0},   {CacheStorage::float32, 512, 64}};
const IndexKeyFormat kIndexFormats[] = {{CacheStorage::float32, 6},
                                        {CacheStorage::released, 6},
                                        {CacheStorage::released, 128},
                                        {CacheStorage::released, 70}};

class CacheRowsTest : public OperationTest {
 protected:
  // Rows of every size, zeros among them.
  Array<float> rows_of_every_size(std::int64_t rows, std::int64_t columns) {
    Array<float> x = random.normals(rows * columns);
    for (std::int64_t row = 0; row < rows; ++row)
      for (std::int64_t column = 0; column < columns; ++column)
        x[row * columns + column] *= row % 5 == 0 ? 0.0F : std::ldexp(1.0F, static_cast<int>(row % 37) * 5 - 90);
    return x;
  }
};

TEST_P(CacheRowsTest, EncodedRowsAreTheFormats) {
  for (const EntryFormat& format : kEntryFormats) {
    constexpr std::int64_t kRows = 41;
    const Array<float> x = rows_of_every_size(kRows, format.head_dim);
    const Array<std::byte> rows(kRows * format.row_bytes(), 4);
    backend->encode_entries({.format = format,
                             .x = x.view<2>({kRows, format.head_dim}),
                             .rows = rows.view<2>({kRows, format.row_bytes()})});
    std::vector<std::byte> expected(static_cast<std::size_t>(rows.size()));
    for (std::int64_t row = 0; row < kRows; ++row)
      encode_entry(format, x.span().subspan(row * format.head_dim, format.head_dim),
                   std::span(expected).subspan(row * format.row_bytes(), format.row_bytes()));
    for (std::int64_t index = 0; index < rows.size(); ++index) ASSERT_EQ(rows[index], expected[index]) << index;
  }
}

// Runs in the middle of pages, of pages shared in no order: entry e of a run is the e-th row of its sequence.
TEST_P(CacheRowsTest, StoredEntriesLieWhereTheirIndexSays) {
  const std::vector<fathom::Run> runs = runs_of({{9, 0}, {1, 2}, {1, 3}, {14, 21}, {4, 90}});
  for (const EntryFormat& format : kEntryFormats) {
    std::int64_t count = 0;
    std::deque<PageMemory> pages;
    std::vector<PagedRows> places;
    for (const fathom::Run& run : runs) {
      pages.emplace_back((run.start + run.tokens) / 4 + 1, 3, format.row_bytes());
      places.push_back(pages.back().rows());
      count += (run.start + run.tokens) / 4 - run.start / 4;
    }
    const Array<float> x = random.normals(count * format.head_dim);
    backend->store_entries(
        {.format = format, .x = x.view<2>({count, format.head_dim}), .ratio = 4, .runs = runs, .entries = places});
    std::int64_t row = 0;
    for (std::size_t run = 0; run < runs.size(); ++run)
      for (std::int64_t entry = runs[run].start / 4; entry < (runs[run].start + runs[run].tokens) / 4; ++entry, ++row) {
        std::vector<std::byte> expected(static_cast<std::size_t>(format.row_bytes()));
        encode_entry(format, x.span().subspan(row * format.head_dim, format.head_dim), expected);
        const auto found = pages[run].row(entry);
        EXPECT_TRUE(std::equal(found.begin(), found.end(), expected.begin())) << "run " << run << " entry " << entry;
      }
  }
}

TEST_P(CacheRowsTest, StoredIndexKeysLieWhereTheirIndexSays) {
  const std::vector<fathom::Run> runs = runs_of({{10, 2}, {1, 3}});
  for (const IndexKeyFormat& format : kIndexFormats) {
    std::deque<PageMemory> pages;
    std::vector<PagedRows> places;
    for (int run = 0; run < 2; ++run) places.push_back(pages.emplace_back(4, 2, format.row_bytes(), 1).rows());
    const Array<float> x = random.normals(4 * format.index_dim);
    backend->store_index_keys(
        {.format = format, .x = x.view<2>({4, format.index_dim}), .ratio = 4, .runs = runs, .keys = places});
    for (std::int64_t row = 0; row < 4; ++row) {
      std::vector<std::byte> expected(static_cast<std::size_t>(format.row_bytes()));
      encode_index_key(format, x.span().subspan(row * format.index_dim, format.index_dim), expected);
      const auto found = row < 3 ? pages[0].row(row) : pages[1].row(0);
      EXPECT_TRUE(std::equal(found.begin(), found.end(), expected.begin())) << "row " << row;
    }
  }
}

TEST_P(CacheRowsTest, TheRingKeepsTheLastRowsByPosition) {
  for (const std::int64_t capacity : {1, 3, 8})
    for (const std::int64_t start : {0, 1, 7, 30}) {
      constexpr std::int64_t kRowBytes = 12;
      const std::vector<fathom::Run> runs = runs_of({{5, start}, {1, start + 2}, {11, start}});
      const Array<std::byte> rows(tokens_of(runs) * kRowBytes, 3);
      for (std::byte& byte : rows.span()) byte = random.byte();
      std::deque<RingMemory> memory;
      std::vector<Ring> rings;
      for (std::size_t run = 0; run < runs.size(); ++run)
        rings.push_back(memory.emplace_back(capacity, kRowBytes).ring());
      backend->commit_rows({.rows = rows.view<2>({tokens_of(runs), kRowBytes}), .runs = runs, .rings = rings});
      for (std::size_t run = 0; run < runs.size(); ++run) {
        RingMemory expected(capacity, kRowBytes);
        for (std::int64_t token = 0; token < runs[run].tokens; ++token)
          std::memcpy(expected.ring().rows + (runs[run].start + token) % capacity * kRowBytes,
                      rows.data() + (runs[run].first_row + token) * kRowBytes, kRowBytes);
        const auto bytes = memory[run].bytes();
        EXPECT_TRUE(std::equal(bytes.begin(), bytes.end(), expected.bytes().begin())) << "capacity " << capacity;
      }
    }
}

TEST_P(CacheRowsTest, RoundedIndexRowsAreTheFormatsToTheBit) {
  for (const IndexKeyFormat& format : kIndexFormats) {
    constexpr std::int64_t kRows = 400;
    const Array<float> x = rows_of_every_size(kRows, format.index_dim);
    for (std::int64_t column = 0; column < format.index_dim; ++column) {  // ties, of both signs, under a scale of one
      const float ties[] = {0.25F, 0.75F, 1.25F, 1.75F, 2.5F, 3.5F, 5.0F, 6.0F, -0.0F};
      x[column] = column % 32 == 0 ? 6.0F : ties[column % 9] * (column % 2 == 0 ? 1.0F : -1.0F);
    }
    std::vector<float> expected = copy_of(x);
    if (format.storage == CacheStorage::released) {
      std::vector<std::byte> stored(static_cast<std::size_t>(format.row_bytes()));
      for (std::int64_t row = 0; row < kRows; ++row) {
        const auto values = std::span(expected).subspan(row * format.index_dim, format.index_dim);
        encode_index_key(format, values, stored);
        decode_index_key(format, stored, values);
      }
    }
    backend->round_index({.x = x.view<2>({kRows, format.index_dim}), .format = format});
    expect_same_bits(x, expected, "index_dim " + std::to_string(format.index_dim));
  }
}

INSTANTIATE_TEST_SUITE_P(Backends, CacheRowsTest, every_backend(), backend_name);

}  // namespace
}  // namespace fathom::op_test
