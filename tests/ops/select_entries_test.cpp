// The indexer's queries and its choice in one operation: the bits of the two, on every backend.
#include "tests/ops/cache_support.h"
#include "tests/ops/definition_support.h"

namespace fathom::op_test {
namespace {

class SelectEntriesTest : public OperationTest {
 protected:
  struct Case {
    IndexKeyFormat format;
    std::int64_t heads = 64;
    std::int64_t top_k = 512;
    std::vector<fathom::Run> runs;
  };

  // Queries in all sizes: heads of zeros, one whose values are too small for the grid's scales, and one that is no
  // number.
  Array<float> queries(const Case& given, bool strange) {
    const std::int64_t rows = tokens_of(given.runs) * given.heads;
    Array<float> q = random.normals(rows * given.format.index_dim);
    for (std::int64_t row = 0; row < rows; ++row) {
      const float size = row % 7 == 3 ? 0.0F : row % 5 == 1 ? 1e4F : 1.0F;
      for (std::int64_t column = 0; column < given.format.index_dim; ++column)
        q.data()[row * given.format.index_dim + column] *= size;
    }
    if (!strange) return q;
    for (std::int64_t column = 0; column < given.format.index_dim; ++column)
      q.data()[given.format.index_dim + column] *= 1e-33F;
    if (rows > 3) q.data()[3 * given.format.index_dim + 1] = std::numeric_limits<float>::quiet_NaN();
    return q;
  }

  void expect_the_definition(const Case& given, bool strange) {
    const std::int64_t tokens = tokens_of(given.runs);
    const std::int64_t dim = given.format.index_dim;
    const Array<float> q = queries(given, strange);
    const Array<float> weights = random.normals(tokens * given.heads);
    const Array<float> cosine = random.normals(tokens * dim / 4);
    const Array<float> sine = random.normals(tokens * dim / 4);
    std::deque<PageMemory> pages;
    std::vector<PagedRows> keys;
    for (const fathom::Run& run : given.runs) {
      const std::int64_t entries = (run.start + run.tokens) / 4;
      pages.emplace_back(entries, 32, given.format.row_bytes(), 4);
      for (std::int64_t entry = 0; entry < entries; ++entry) {
        const Array<float> values = random.normals(dim);
        encode_index_key(given.format, {values.data(), static_cast<std::size_t>(dim)}, pages.back().row(entry));
      }
      keys.push_back(pages.back().rows());
    }
    const auto select = [&](Backend& with, Array<float>& made, const Array<std::int32_t>& selected) {
      std::copy_n(q.data(), q.size(), made.data());
      const auto x = made.view<3>({tokens, given.heads, dim});
      with.select_entries({.queries = {.x = x,
                                       .cosine = cosine.view<2>({tokens, dim / 4}),
                                       .sine = sine.view<2>({tokens, dim / 4}),
                                       .format = given.format},
                           .choice = {.q = x,
                                      .weights = weights.view<2>({tokens, given.heads}),
                                      .format = given.format,
                                      .ratio = 4,
                                      .runs = given.runs,
                                      .keys = keys,
                                      .selected = selected.view<2>({tokens, given.top_k})}});
    };
    Definitions definitions(*backend);
    Array<float> found_q(q.size());
    Array<float> expected_q(q.size());
    Array<std::int32_t> found(tokens * given.top_k);
    Array<std::int32_t> expected(tokens * given.top_k);
    select(*backend, found_q, found);
    select(definitions, expected_q, expected);
    const std::string what = std::to_string(given.heads) + " heads of " + std::to_string(dim);
    expect_same_bits(found_q, expected_q, what);
    EXPECT_EQ(copy_of(found), copy_of(expected)) << what;
  }
};

TEST_P(SelectEntriesTest, IsTheTwoOperations) {
  for (const CacheStorage storage : {CacheStorage::released, CacheStorage::float32})
    for (const auto& [heads, dim] : {std::pair<std::int64_t, std::int64_t>{64, 128}, {8, 128}, {5, 128}, {8, 64}})
      for (const bool strange : {false, true})
        expect_the_definition(
            {.format = {storage, dim}, .heads = heads, .top_k = 40, .runs = runs_of({{1, 1500}, {3, 126}, {1, 2}})},
            strange);
}

TEST_P(SelectEntriesTest, AsManyAsAreChosenAndMore) {
  for (const std::int64_t position : {2047, 2051, 4095})
    expect_the_definition(
        {.format = {CacheStorage::released, 128}, .heads = 64, .top_k = 512, .runs = runs_of({{1, position}})}, false);
}

TEST_P(SelectEntriesTest, OtherQueriesThanItsOwnAreRefused) {
  const Array<float> x(128);
  const Array<float> others(128);
  const Array<float> angles(32);
  const Array<float> weights(1);
  const Array<std::int32_t> selected(1);
  const std::vector<fathom::Run> runs = runs_of({{1, 0}});
  const IndexKeyFormat format{CacheStorage::released, 128};
  PageMemory pages(1, 32, format.row_bytes(), 4);
  const std::vector<PagedRows> keys = {pages.rows()};
  EXPECT_THROW(backend->select_entries({.queries = {.x = x.view<3>({1, 1, 128}),
                                                    .cosine = angles.view<2>({1, 32}),
                                                    .sine = angles.view<2>({1, 32}),
                                                    .format = format},
                                        .choice = {.q = others.view<3>({1, 1, 128}),
                                                   .weights = weights.view<2>({1, 1}),
                                                   .format = format,
                                                   .ratio = 4,
                                                   .runs = runs,
                                                   .keys = keys,
                                                   .selected = selected.view<2>({1, 1})}}),
               InternalError);
}

INSTANTIATE_TEST_SUITE_P(Backends, SelectEntriesTest, every_backend(), backend_name);

}  // namespace
}  // namespace fathom::op_test
