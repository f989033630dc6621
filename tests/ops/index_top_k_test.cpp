#include "tests/ops/cache_support.h"

namespace fathom::op_test {
namespace {

class IndexTopKTest : public OperationTest {
 protected:
  struct Case {
    IndexKeyFormat format;
    std::int64_t heads = 3;
    std::int64_t top_k = 4;
    std::int64_t ratio = 4;
    std::vector<fathom::Run> runs;
    std::vector<float> q;                                   // [tokens, heads, index_dim]
    std::vector<float> weights;                             // [tokens, heads]
    std::vector<std::vector<std::vector<std::byte>>> keys;  // by run, by entry
  };

  // Small integers everywhere, so that scores are exact and equal scores are real ties.
  Case integers(IndexKeyFormat format, std::int64_t heads, std::int64_t top_k, std::vector<fathom::Run> runs) {
    Case result{.format = format,
                .heads = heads,
                .top_k = top_k,
                .ratio = 4,
                .runs = std::move(runs),
                .q = {},
                .weights = {},
                .keys = {}};
    const std::int64_t tokens = tokens_of(result.runs);
    for (std::int64_t index = 0; index < tokens * heads * format.index_dim; ++index)
      result.q.push_back(static_cast<float>(random.below(5) - 2));
    for (std::int64_t index = 0; index < tokens * heads; ++index)
      result.weights.push_back(static_cast<float>(random.below(5) - 1));
    for (const fathom::Run& run : result.runs) {
      auto& keys = result.keys.emplace_back();
      for (std::int64_t entry = 0; entry < (run.start + run.tokens) / 4; ++entry) {
        std::vector<float> values;
        for (std::int64_t column = 0; column < format.index_dim; ++column)
          values.push_back(static_cast<float>(random.below(3) - 1) * 2.0F);
        auto& row = keys.emplace_back(static_cast<std::size_t>(format.row_bytes()));
        encode_index_key(format, values, row);
      }
    }
    return result;
  }

  std::vector<std::int32_t> choose(Backend& with, const Case& given) {
    const std::int64_t tokens = tokens_of(given.runs);
    const Array<std::int32_t> selected(tokens * given.top_k);
    std::deque<PageMemory> pages;
    std::vector<PagedRows> rows;
    for (const auto& keys : given.keys) {
      pages.emplace_back(std::ssize(keys), 5, given.format.row_bytes(), 3);
      for (std::int64_t entry = 0; entry < std::ssize(keys); ++entry)
        std::copy(keys[entry].begin(), keys[entry].end(), pages.back().row(entry).begin());
      rows.push_back(pages.back().rows());
    }
    const Array<float> q(std::ssize(given.q));
    const Array<float> weights(std::ssize(given.weights));
    std::copy(given.q.begin(), given.q.end(), q.data());
    std::copy(given.weights.begin(), given.weights.end(), weights.data());
    with.index_top_k({.q = q.view<3>({tokens, given.heads, given.format.index_dim}),
                      .weights = weights.view<2>({tokens, given.heads}),
                      .format = given.format,
                      .ratio = given.ratio,
                      .runs = given.runs,
                      .keys = rows,
                      .selected = selected.view<2>({tokens, given.top_k})});
    return copy_of(selected);
  }

  static std::vector<std::int32_t> expected(const Case& given) {
    std::vector<std::int32_t> result;
    for (std::size_t index = 0; index < given.runs.size(); ++index)
      for (std::int64_t token = 0; token < given.runs[index].tokens; ++token) {
        const std::int64_t row = given.runs[index].first_row + token;
        const std::int64_t visible = (given.runs[index].start + token + 1) / given.ratio;
        std::vector<double> scores;
        for (std::int64_t entry = 0; entry < visible; ++entry) {
          const std::vector<double> key = slow_index_key(given.format, given.keys[index][entry]);
          double score = 0.0;
          for (std::int64_t head = 0; head < given.heads; ++head) {
            double product = 0.0;
            for (std::int64_t column = 0; column < given.format.index_dim; ++column)
              product += static_cast<double>(given.q[(row * given.heads + head) * given.format.index_dim + column]) *
                         key[column];
            score += static_cast<double>(given.weights[row * given.heads + head]) * std::max(0.0, product);
          }
          scores.push_back(score);
        }
        std::vector<std::int32_t> best;
        for (std::int64_t slot = 0; slot < std::min(given.top_k, visible); ++slot) {
          const auto top = std::max_element(scores.begin(), scores.end());  // the first of equal ones
          best.push_back(static_cast<std::int32_t>(top - scores.begin()));
          *top = -HUGE_VAL;
        }
        best.resize(static_cast<std::size_t>(given.top_k), -1);
        result.insert(result.end(), best.begin(), best.end());
      }
    return result;
  }
};

TEST_P(IndexTopKTest, TheBestFirstAndTiesToTheLowerIndex) {
  const IndexKeyFormat formats[] = {{CacheStorage::float32, 6},
                                    {CacheStorage::released, 6},
                                    {CacheStorage::released, 40},
                                    {CacheStorage::float32, 33},
                                    {CacheStorage::released, 128}};
  for (const IndexKeyFormat& format : formats)
    for (const std::int64_t heads : {1, 3, 8})
      for (const std::int64_t top_k : {1, 4, 17, 40}) {
        const Case given =
            integers(format, heads, top_k, runs_of({{5, 0}, {1, 2}, {1, 3}, {20, 61}, {1, 155}, {3, 400}}));
        EXPECT_EQ(choose(*backend, given), expected(given))
            << "index_dim " << format.index_dim << ", heads " << heads << ", top_k " << top_k;
      }
}

TEST_P(IndexTopKTest, AllScoresEqual) {
  Case given = integers({CacheStorage::released, 64}, 2, 6, runs_of({{1, 123}}));
  for (float& value : given.q) value = 0.0F;
  const std::vector<std::int32_t> lowest = {0, 1, 2, 3, 4, 5};
  EXPECT_EQ(choose(*backend, given), lowest);
  for (float& value : given.weights) value = -1.0F;  // -0 is no better or worse than +0
  EXPECT_EQ(choose(*backend, given), lowest);
}

TEST_P(IndexTopKTest, NegativeScoresAreScores) {
  Case given = integers({CacheStorage::float32, 4}, 1, 3, runs_of({{1, 47}}));
  for (float& weight : given.weights) weight = -1.0F;
  EXPECT_EQ(choose(*backend, given), expected(given));
}

TEST_P(IndexTopKTest, FewerVisibleThanWantedAreAllTakenAndMinusOnesFollow) {
  const Case given = integers({CacheStorage::released, 32}, 2, 5, runs_of({{12, 0}}));
  const std::vector<std::int32_t> found = choose(*backend, given);
  EXPECT_EQ(found, expected(given));
  for (std::int64_t token = 0; token < 12; ++token)
    for (std::int64_t slot = 0; slot < 5; ++slot)
      EXPECT_EQ(found[token * 5 + slot] < 0, slot >= (token + 1) / 4) << "token " << token;
}

TEST_P(IndexTopKTest, ATokenDoesNotKnowItsCompany) {
  for (const CacheStorage storage : {CacheStorage::float32, CacheStorage::released}) {
    Case given = integers({storage, 96}, 5, 12, runs_of({{50, 700}, {1, 2000}, {9, 100}}));
    for (float& value : given.q) value = random.normal();
    for (float& value : given.weights) value = random.normal();
    const std::vector<std::int32_t> all = choose(*backend, given);
    EXPECT_EQ(choose(*other, given), all);
    Case split = given;
    split.runs.clear();
    split.keys.clear();
    for (std::size_t index = 0; index < given.runs.size(); ++index)
      for (std::int64_t token = 0; token < given.runs[index].tokens; ++token) {
        split.runs.push_back({given.runs[index].first_row + token, 1, given.runs[index].start + token});
        split.keys.push_back(given.keys[index]);
      }
    EXPECT_EQ(choose(*alone, split), all);
  }
}

INSTANTIATE_TEST_SUITE_P(Backends, IndexTopKTest, every_backend(), backend_name);

}  // namespace
}  // namespace fathom::op_test
