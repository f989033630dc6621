#include "tests/ops/op_support.h"

namespace fathom::op_test {
namespace {

struct Routed {
  std::vector<std::int32_t> selected;
  std::vector<float> weights;
};

class RouteTest : public OperationTest {
 protected:
  Routed scored(Backend& with, const Array<float>& logits, const Array<float>& bias, std::int64_t selected,
                float scale = 1.5F) {
    const std::int64_t experts = bias.size();
    const std::int64_t tokens = logits.size() / experts;
    const Array<std::int32_t> chosen(tokens * selected);
    const Array<float> weights(tokens * selected);
    with.route({.logits = logits.view<2>({tokens, experts}),
                .bias = bias.view<1>({experts}),
                .hash = {},
                .ids = {},
                .route_scale = scale,
                .selected = chosen.view<2>({tokens, selected}),
                .weights = weights.view<2>({tokens, selected})});
    return {copy_of(chosen), copy_of(weights)};
  }
  static double score(double logit) { return std::sqrt(logit > 20.0 ? logit : std::log1p(std::exp(logit))); }
};

TEST_P(RouteTest, TheBestOfScorePlusBiasAndTheWeightsOfTheScore) {
  for (const std::int64_t experts : {1, 6, 17, 256, 257})
    for (const std::int64_t selected : {std::int64_t{1}, std::min<std::int64_t>(6, experts),
                                        std::min<std::int64_t>(8, experts), std::min<std::int64_t>(9, experts)}) {
      constexpr std::int64_t kTokens = 9;
      const Array<float> logits = random.normals(kTokens * experts, 3.0F);
      const Array<float> bias = random.normals(experts, 0.3F);
      const Routed found = scored(*backend, logits, bias, selected);
      std::vector<double> weights;
      for (std::int64_t token = 0; token < kTokens; ++token) {
        std::vector<std::pair<double, std::int32_t>> ranked;
        for (std::int64_t expert = 0; expert < experts; ++expert)
          ranked.emplace_back(
              -(score(static_cast<double>(logits[token * experts + expert])) + static_cast<double>(bias[expert])),
              static_cast<std::int32_t>(expert));
        std::sort(ranked.begin(), ranked.end());
        std::vector<std::int32_t> best;
        double sum = 1e-20;
        for (std::int64_t slot = 0; slot < selected; ++slot) {
          best.push_back(ranked[slot].second);
          sum += score(static_cast<double>(logits[token * experts + best.back()]));
        }
        std::sort(best.begin(), best.end());
        for (std::int64_t slot = 0; slot < selected; ++slot) {
          ASSERT_EQ(found.selected[token * selected + slot], best[slot]) << "token " << token;
          weights.push_back(score(static_cast<double>(logits[token * experts + best[slot]])) / sum * 1.5);
        }
      }
      expect_close(found.weights, weights, kRoute, std::to_string(experts) + " experts");
    }
}

TEST_P(RouteTest, TheBiasChoosesAndDoesNotWeigh) {
  const Array<float> logits(4);
  const Array<float> bias(4);
  logits[0] = 5.0F;
  logits[1] = 4.0F;
  bias[2] = bias[3] = 100.0F;
  const Routed found = scored(*backend, logits, bias, 2, 1.0F);
  EXPECT_EQ(found.selected, (std::vector<std::int32_t>{2, 3}));
  EXPECT_EQ(found.weights, (std::vector<float>{0.5F, 0.5F}));
}

TEST_P(RouteTest, EqualScoresGoToTheLowerExpert) {
  const Array<float> logits(40);
  const Array<float> bias(40);
  EXPECT_EQ(scored(*backend, logits, bias, 3).selected, (std::vector<std::int32_t>{0, 1, 2}));
  bias[30] = 1.0F;
  EXPECT_EQ(scored(*backend, logits, bias, 3).selected, (std::vector<std::int32_t>{0, 1, 30}));
}

TEST_P(RouteTest, EqualLogitsScoreEquallyAtEveryExpert) {
  for (const float logit : {-17.3F, -0.7F, 0.0F, 1.9F, 19.9F, 33.0F}) {
    const Array<float> logits(37);
    const Array<float> bias(37);
    for (float& value : logits.span()) value = logit;
    for (const float weight : scored(*backend, logits, bias, 37).weights) EXPECT_NEAR(weight, 1.5 / 37, 1e-7);
    EXPECT_EQ(scored(*backend, logits, bias, 5).selected, (std::vector<std::int32_t>{0, 1, 2, 3, 4}));
  }
}

TEST_P(RouteTest, ScoresFarOutAreFinite) {
  const Array<float> logits(6);
  const Array<float> bias(6);
  const float values[] = {-3000.0F, -90.0F, -30.0F, 20.0F, 90.0F, 3000.0F};
  std::copy_n(values, 6, logits.data());
  for (const float weight : scored(*backend, logits, bias, 6).weights) EXPECT_TRUE(std::isfinite(weight));
  for (float& value : logits.span()) value = -3000.0F;  // all scores are 0: the 1e-20 keeps the quotient a number
  for (const float weight : scored(*backend, logits, bias, 6).weights) EXPECT_EQ(weight, 0.0F);
}

TEST_P(RouteTest, HashLayersTakeTheTablesRowAndWeighByScore) {
  const Array<float> logits = random.normals(3 * 8);
  const Array<std::int32_t> hash(5 * 2);
  const std::int32_t rows[] = {0, 1, 7, 2, 3, 4, 6, 5, 1, 0};
  std::copy_n(rows, 10, hash.data());
  const std::vector<std::int32_t> ids = {1, 4, 3};
  const Array<std::int32_t> selected(6);
  const Array<float> weights(6);
  backend->route({.logits = logits.view<2>({3, 8}),
                  .bias = {},
                  .hash = hash.view<2>({5, 2}),
                  .ids = ids,
                  .route_scale = 2.5F,
                  .selected = selected.view<2>({3, 2}),
                  .weights = weights.view<2>({3, 2})});
  EXPECT_EQ(copy_of(selected), (std::vector<std::int32_t>{2, 7, 0, 1, 5, 6}));  // ascending
  std::vector<double> expected;
  for (std::int64_t index = 0; index < 6; ++index) {
    const std::int64_t token = index / 2;
    const double first = score(static_cast<double>(logits[token * 8 + selected[token * 2]]));
    const double second = score(static_cast<double>(logits[token * 8 + selected[token * 2 + 1]]));
    expected.push_back((index % 2 == 0 ? first : second) / (first + second) * 2.5);
  }
  expect_close(weights.span(), expected, kRoute, "hash weights");
}

TEST_P(RouteTest, ATokenDoesNotKnowItsCompany) {
  constexpr std::int64_t kTokens = 200;
  constexpr std::int64_t kExperts = 61;
  const Array<float> logits = random.normals(kTokens * kExperts, 2.0F);
  const Array<float> bias = random.normals(kExperts, 0.1F);
  const Routed all = scored(*backend, logits, bias, 6);
  const Routed again = scored(*other, logits, bias, 6);
  EXPECT_EQ(again.selected, all.selected);
  expect_same_bits(again.weights, all.weights, "other threads");
  for (const std::int64_t token : {0, 99, 199}) {
    Array<float> one(kExperts, 2);
    std::copy_n(logits.data() + token * kExperts, kExperts, one.data());
    const Routed found = scored(*alone, one, bias, 6);
    expect_same_bits(found.selected, std::span(all.selected).subspan(token * 6, 6), "selected");
    expect_same_bits(found.weights, std::span(all.weights).subspan(token * 6, 6), "weights");
  }
}

INSTANTIATE_TEST_SUITE_P(Backends, RouteTest, every_backend(), backend_name);

}  // namespace
}  // namespace fathom::op_test
