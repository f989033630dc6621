#include "fathom/engine/sampler.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <set>

#include "fathom/base/error.h"

namespace fathom {
namespace {

std::int32_t drawn(const std::vector<float>& logits, const SamplingParams& params, std::int64_t position) {
  return sample(logits, params, position).token;
}

// Every token that `draws` positions give.
std::set<std::int32_t> reachable(const std::vector<float>& logits, const SamplingParams& params, int draws = 3000) {
  std::set<std::int32_t> tokens;
  for (int position = 0; position < draws; ++position) tokens.insert(drawn(logits, params, position));
  return tokens;
}

std::vector<float> logits_of(const std::vector<double>& probabilities) {
  std::vector<float> logits;
  for (const double probability : probabilities) logits.push_back(static_cast<float>(std::log(probability)) + 3.0F);
  return logits;
}

// Chi-square of the counts against the probabilities; 35.6 is the 99.9th percentile of 14 degrees of freedom.
double chi_square(const std::vector<int>& counts, const std::vector<double>& probabilities) {
  int draws = 0;
  for (const int count : counts) draws += count;
  double sum = 0.0;
  for (std::size_t token = 0; token < counts.size(); ++token) {
    const double expected = probabilities[token] * draws;
    sum += (counts[token] - expected) * (counts[token] - expected) / expected;
  }
  return sum;
}

std::vector<double> softmax(const std::vector<float>& logits, double temperature) {
  std::vector<double> probabilities;
  double sum = 0.0;
  for (const float logit : logits) sum += std::exp(static_cast<double>(logit) / temperature);
  for (const float logit : logits) probabilities.push_back(std::exp(static_cast<double>(logit) / temperature) / sum);
  return probabilities;
}

TEST(Sampler, GreedyTakesTheLargestAndTiesGoToTheLowerId) {
  SamplingParams greedy;
  greedy.temperature = 0.0;
  EXPECT_EQ(drawn({1.0F, 3.0F, 2.0F}, greedy, 5), 1);
  EXPECT_EQ(drawn({1.0F, 3.0F, 3.0F, 3.0F}, greedy, 5), 1);
  EXPECT_EQ(drawn({0.0F, -0.0F}, greedy, 0), 0);
  EXPECT_EQ(drawn({-7.0F}, greedy, 0), 0);
  greedy.top_k = 1;
  greedy.top_p = 0.0;
  greedy.min_p = 1.0;
  EXPECT_EQ(drawn({1.0F, 3.0F, 3.0F}, greedy, 5), 1) << "narrowing changes nothing";
}

TEST(Sampler, DrawsFollowTheSoftmax) {
  std::mt19937_64 random(3);
  std::normal_distribution<float> normal(0.0F, 1.2F);
  for (const double temperature : {0.7, 1.0, 2.5})
    for (const std::uint64_t seed : {std::uint64_t{0}, std::uint64_t{1}, ~std::uint64_t{0}}) {
      std::vector<float> logits;
      for (int token = 0; token < 15; ++token) logits.push_back(normal(random));
      SamplingParams params;
      params.temperature = temperature;
      params.seed = seed;
      std::vector<int> counts(15);
      for (int position = 0; position < 30000; ++position) ++counts[drawn(logits, params, position)];
      EXPECT_LT(chi_square(counts, softmax(logits, temperature)), 35.6) << "T " << temperature << ", seed " << seed;
    }
}

TEST(Sampler, DrawsOverSeedsFollowTheSoftmaxToo) {
  const std::vector<double> probabilities{0.05, 0.15, 0.3, 0.5};
  const auto logits = logits_of(probabilities);
  std::vector<int> counts(4);
  SamplingParams params;
  for (params.seed = 0; params.seed < 30000; ++params.seed) ++counts[drawn(logits, params, 17)];
  EXPECT_LT(chi_square(counts, probabilities), 16.3);  // 99.9th percentile of 3 degrees of freedom
}

TEST(Sampler, NarrowedDrawsFollowTheNarrowedSoftmax) {
  const auto logits = logits_of({0.4, 0.1, 0.2, 0.25, 0.05});
  SamplingParams params;
  params.top_k = 3;
  std::vector<int> counts(3);
  for (int position = 0; position < 30000; ++position) {
    const std::int32_t token = drawn(logits, params, position);
    ASSERT_TRUE(token == 0 || token == 2 || token == 3);
    ++counts[token == 0 ? 0 : token - 1];
  }
  EXPECT_LT(chi_square(counts, {0.4 / 0.85, 0.2 / 0.85, 0.25 / 0.85}), 13.8);
}

TEST(Sampler, TopKKeepsThatManyAndTiesGoToTheLowerId) {
  const std::vector<float> logits{1.0F, 2.0F, 1.0F, 1.0F, 2.0F};
  SamplingParams params;
  params.top_k = 1;
  EXPECT_EQ(reachable(logits, params), (std::set<std::int32_t>{1}));
  params.top_k = 2;
  EXPECT_EQ(reachable(logits, params), (std::set<std::int32_t>{1, 4}));
  params.top_k = 3;
  EXPECT_EQ(reachable(logits, params), (std::set<std::int32_t>{0, 1, 4}));
  params.top_k = 4;
  EXPECT_EQ(reachable(logits, params), (std::set<std::int32_t>{0, 1, 2, 4}));
  for (const std::int64_t all : {std::int64_t{0}, std::int64_t{5}, std::numeric_limits<std::int64_t>::max()}) {
    params.top_k = all;
    EXPECT_EQ(reachable(logits, params).size(), 5U);
  }
}

TEST(Sampler, TopPKeepsTheSmallestSetThatReachesIt) {
  const auto logits = logits_of({0.125, 0.5, 0.25, 0.125});
  const auto kept = [&](double top_p) {
    SamplingParams params;
    params.top_p = top_p;
    return reachable(logits, params);
  };
  EXPECT_EQ(kept(0.0), (std::set<std::int32_t>{1})) << "the best one stays";
  EXPECT_EQ(kept(0.49), (std::set<std::int32_t>{1}));
  EXPECT_EQ(kept(0.51), (std::set<std::int32_t>{1, 2}));
  EXPECT_EQ(kept(0.74), (std::set<std::int32_t>{1, 2}));
  EXPECT_EQ(kept(0.76), (std::set<std::int32_t>{0, 1, 2})) << "of the equal two the lower id";
  EXPECT_EQ(kept(0.9), (std::set<std::int32_t>{0, 1, 2, 3}));
  EXPECT_EQ(kept(1.0).size(), 4U);
}

TEST(Sampler, TopPCountsWhatTopKLeft) {
  const auto logits = logits_of({0.4, 0.3, 0.2, 0.1});
  SamplingParams params;
  params.top_k = 2;    // 0.4 and 0.3 become 4/7 and 3/7
  params.top_p = 0.5;  // reached by 4/7; of all four it would take two
  EXPECT_EQ(reachable(logits, params), (std::set<std::int32_t>{0}));
}

TEST(Sampler, MinPKeepsTheShareOfTheBest) {
  const auto logits = logits_of({0.1, 0.4, 0.3, 0.2});
  const auto kept = [&](double min_p) {
    SamplingParams params;
    params.min_p = min_p;
    return reachable(logits, params);
  };
  EXPECT_EQ(kept(0.0).size(), 4U);
  EXPECT_EQ(kept(0.24), (std::set<std::int32_t>{0, 1, 2, 3}));
  EXPECT_EQ(kept(0.26), (std::set<std::int32_t>{1, 2, 3}));
  EXPECT_EQ(kept(0.6), (std::set<std::int32_t>{1, 2}));
  EXPECT_EQ(kept(0.76), (std::set<std::int32_t>{1}));
  EXPECT_EQ(kept(1.0), (std::set<std::int32_t>{1}));
  SamplingParams ties;
  ties.min_p = 1.0;
  EXPECT_EQ(reachable({2.0F, 1.0F, 2.0F}, ties), (std::set<std::int32_t>{0, 2})) << "equal to the best is enough";
}

TEST(Sampler, TemperatureCountsBeforeMinPAndTopP) {
  const auto logits = logits_of({0.8, 0.2});
  SamplingParams params;
  params.temperature = 4.0;  // 0.8 : 0.2 becomes 1.41 : 1
  params.min_p = 0.5;
  EXPECT_EQ(reachable(logits, params).size(), 2U);
  params.min_p = 0.0;
  params.top_p = 0.6;
  EXPECT_EQ(reachable(logits, params).size(), 2U);
}

TEST(Sampler, ADrawIsAFunctionOfSeedAndPosition) {
  std::mt19937_64 random(5);
  std::vector<float> logits;
  for (int token = 0; token < 500; ++token) logits.push_back(static_cast<float>(random() % 1000) / 300.0F);
  SamplingParams params;
  params.seed = 42;
  std::vector<std::int32_t> first;
  for (int position = 0; position < 50; ++position) first.push_back(drawn(logits, params, position));
  for (int position = 49; position >= 0; --position)
    EXPECT_EQ(drawn(logits, params, position), first[static_cast<std::size_t>(position)]);
  EXPECT_GT(std::set<std::int32_t>(first.begin(), first.end()).size(), 30U) << "positions draw their own numbers";
  params.seed = 43;
  int same = 0;
  for (int position = 0; position < 50; ++position)
    same += drawn(logits, params, position) == first[static_cast<std::size_t>(position)] ? 1 : 0;
  EXPECT_LT(same, 10);
}

// Gumbel noise belongs to the token: taking losers away never changes the winner.
TEST(Sampler, TheChoiceDoesNotDependOnCandidatesThatLose) {
  std::mt19937_64 random(6);
  std::normal_distribution<float> normal(0.0F, 2.0F);
  for (int round = 0; round < 200; ++round) {
    std::vector<float> logits;
    for (int token = 0; token < 40; ++token) logits.push_back(normal(random));
    SamplingParams params;
    params.seed = random();
    const std::int32_t winner = drawn(logits, params, round);
    std::vector<float> fewer = logits;
    for (std::size_t token = 0; token < fewer.size(); ++token)
      if (random() % 2 == 0 && static_cast<std::int32_t>(token) != winner) fewer[token] = -1e30F;
    EXPECT_EQ(drawn(fewer, params, round), winner);
    const auto better =
        std::count_if(logits.begin(), logits.end(), [&](float logit) { return logit > logits[winner]; });
    params.top_k = better + 1;
    EXPECT_EQ(drawn(logits, params, round), winner) << "top_k that keeps it";
    params.top_k = 0;
    params.min_p =
        std::exp(static_cast<double>(logits[winner] - *std::max_element(logits.begin(), logits.end()))) * 0.99;
    EXPECT_EQ(drawn(logits, params, round), winner) << "min_p that keeps it";
  }
}

TEST(Sampler, UniformNumbersAreInsideAndEvenlySpread) {
  std::vector<int> counts(15);
  double smallest = 1.0;
  double largest = 0.0;
  for (std::int64_t position = 0; position < 300; ++position)
    for (std::int32_t token = 0; token < 100; ++token) {
      const double u = uniform_of(9, position, token);
      smallest = std::min(smallest, u);
      largest = std::max(largest, u);
      ++counts[static_cast<std::size_t>(u * 15.0)];
    }
  EXPECT_GT(smallest, 0.0);
  EXPECT_LT(largest, 1.0);
  EXPECT_LT(chi_square(counts, std::vector<double>(15, 1.0 / 15.0)), 35.6);
  EXPECT_NE(uniform_of(0, 1, 0), uniform_of(1, 0, 0));
  EXPECT_NE(uniform_of(0, 1, 2), uniform_of(0, 2, 1));
}

TEST(Sampler, LogprobsAreTheModelsOwn) {
  const std::vector<float> logits{0.5F, 2.0F, -1.0F, 2.0F};
  SamplingParams params;
  params.temperature = 0.3;
  params.top_k = 1;
  params.top_logprobs = 4;
  const SampledToken sampled = sample(logits, params, 0);
  EXPECT_EQ(sampled.token, 1);
  const auto probabilities = softmax(logits, 1.0);
  EXPECT_NEAR(static_cast<double>(sampled.logprob), std::log(probabilities[1]), 1e-6) << "before temperature and top_k";
  ASSERT_EQ(sampled.top_logprobs.size(), 4U);
  const std::int32_t order[] = {1, 3, 0, 2};
  double sum = 0.0;
  for (std::size_t rank = 0; rank < 4; ++rank) {
    EXPECT_EQ(sampled.top_logprobs[rank].token, order[rank]) << "best first, ties to the lower id";
    sum += std::exp(static_cast<double>(sampled.top_logprobs[rank].logprob));
  }
  EXPECT_NEAR(sum, 1.0, 1e-6);
}

TEST(Sampler, LogprobsSumToOneOverALargeVocabulary) {
  std::mt19937_64 random(8);
  std::normal_distribution<float> normal(0.0F, 5.0F);
  std::vector<float> logits;
  for (int token = 0; token < 129280; ++token) logits.push_back(normal(random) + 90.0F);
  SamplingParams params;
  params.top_logprobs = 1000000;  // more than there are
  const SampledToken sampled = sample(logits, params, 3);
  ASSERT_EQ(sampled.top_logprobs.size(), logits.size());
  double sum = 0.0;
  for (const TokenLogprob& one : sampled.top_logprobs) sum += std::exp(static_cast<double>(one.logprob));
  EXPECT_NEAR(sum, 1.0, 1e-5);
}

TEST(Sampler, LogprobsAreGivenWhenAskedFor) {
  SamplingParams params;
  EXPECT_TRUE(sample(std::vector<float>{1.0F, 2.0F}, params, 0).top_logprobs.empty());
  params.top_logprobs = 0;
  const SampledToken sampled = sample(std::vector<float>{1.0F, 1.0F}, params, 0);
  EXPECT_TRUE(sampled.top_logprobs.empty());
  EXPECT_NEAR(static_cast<double>(sampled.logprob), std::log(0.5), 1e-6);
}

TEST(Sampler, LogitsThatAreNoNumbersAreOurFault) {
  SamplingParams params;
  for (const double temperature : {0.0, 1.0}) {
    params.temperature = temperature;
    for (const float bad :
         {std::nanf(""), std::numeric_limits<float>::infinity(), -std::numeric_limits<float>::infinity()}) {
      EXPECT_THROW(sample(std::vector<float>{1.0F, bad, 2.0F}, params, 7), InternalError);
      EXPECT_THROW(sample(std::vector<float>{bad}, params, 7), InternalError);
    }
  }
  EXPECT_THROW(sample(std::vector<float>{}, params, 0), InternalError);
}

TEST(Sampler, ExtremeLogitsStayExact) {
  const float huge = std::numeric_limits<float>::max();
  SamplingParams params;
  params.top_logprobs = 2;
  for (const double top_p : {1.0, 0.9}) {
    params.top_p = top_p;
    EXPECT_EQ(drawn({-huge, huge, 0.0F}, params, 0), 1);
    EXPECT_EQ(drawn({-huge, -huge, -huge + 1e32F}, params, 0), 2);
  }
  EXPECT_EQ(sample(std::vector<float>{-huge, huge}, params, 0).logprob, 0.0F);
}

// validate() lets any temperature above 0 pass: the smallest ones must behave like greedy, not overflow.
TEST(Sampler, TinyTemperaturesAreGreedy) {
  const std::vector<float> logits{1.0F, 3.0F, 5.0F, 4.0F};
  const std::vector<float> negative{-5.0F, -4.0F, -3.0F, -6.0F};
  for (const double temperature : {1e-3, 1e-30, 1e-300, 1e-307, 1e-308, 5e-324})
    for (const double top_p : {1.0, 0.5})
      for (const double min_p : {0.0, 0.1}) {
        SamplingParams params;
        params.temperature = temperature;
        params.top_p = top_p;
        params.min_p = min_p;
        EXPECT_EQ(drawn(logits, params, 0), 2) << "T " << temperature << ", top_p " << top_p << ", min_p " << min_p;
        EXPECT_EQ(drawn(negative, params, 0), 2) << "T " << temperature << ", top_p " << top_p << ", min_p " << min_p;
      }
}

// The even tokens of so many.
std::vector<std::uint32_t> even_mask(std::size_t count) {
  return std::vector<std::uint32_t>((count + 31) / 32, 0x55555555U);
}

TEST(Sampler, AMaskIsAsIfTheOthersWereNotThere) {
  std::mt19937_64 random(5);
  std::normal_distribution<float> normal(0.0F, 4.0F);
  std::vector<float> logits(301);
  for (float& logit : logits) logit = normal(random);
  std::vector<float> low = logits;  // the others so low that they cannot come
  for (std::size_t token = 1; token < low.size(); token += 2) low[token] = -1e9F;
  const auto mask = even_mask(logits.size());
  for (const double temperature : {0.0, 0.3, 1.0, 3.0})
    for (const std::int64_t top_k : {0, 7})
      for (const double top_p : {1.0, 0.7}) {
        const SamplingParams params{.temperature = temperature, .top_p = top_p, .top_k = top_k, .seed = 11};
        for (std::int64_t position = 0; position < 200; ++position)
          ASSERT_EQ(sample(logits, params, position, mask).token, sample(low, params, position).token)
              << temperature << " " << top_k << " " << top_p << " at " << position;
      }
}

TEST(Sampler, LogprobsAreOfWhatTheModelSaidNotOfTheMask) {
  const std::vector<float> logits = {1.0F, 5.0F, 2.0F, 0.0F};
  const SamplingParams params{.temperature = 0.0, .top_logprobs = 2};
  const SampledToken sampled = sample(logits, params, 0, even_mask(4));
  EXPECT_EQ(sampled.token, 2);
  ASSERT_EQ(sampled.top_logprobs.size(), 2U);
  EXPECT_EQ(sampled.top_logprobs[0].token, 1);
  EXPECT_LT(sampled.logprob, sampled.top_logprobs[0].logprob);
}

TEST(Sampler, MasksThatCannotBeAreFaults) {
  const std::vector<float> logits(40, 0.0F);
  EXPECT_THROW(sample(logits, {}, 0, std::vector<std::uint32_t>{0, 0}), InternalError) << "nothing may come";
  EXPECT_THROW(sample(logits, {}, 0, std::vector<std::uint32_t>{1}), InternalError) << "too short";
}

// The definition of the header, without any shortcut.
TEST(Sampler, ShortcutsChangeNoDraw) {
  std::mt19937_64 random(9);
  for (const float spread : {0.01F, 1.0F, 10.0F, 60.0F}) {
    std::normal_distribution<float> normal(0.0F, spread);
    std::vector<float> logits(997);
    for (float& logit : logits) logit = normal(random);
    for (std::int64_t position = 0; position < 300; ++position) {
      const double temperature = 0.2 + 0.01 * static_cast<double>(position);
      const double best = static_cast<double>(*std::max_element(logits.begin(), logits.end()));
      double winner = -std::numeric_limits<double>::infinity();
      std::int32_t token = -1;
      for (std::int32_t id = 0; id < 997; ++id) {
        const double value = (static_cast<double>(logits[static_cast<std::size_t>(id)]) - best) / temperature;
        const double noisy = value - std::log(-std::log(uniform_of(77, position, id)));
        if (noisy > winner) {
          winner = noisy;
          token = id;
        }
      }
      ASSERT_EQ(drawn(logits, {.temperature = temperature, .seed = 77}, position), token) << spread << " " << position;
    }
  }
}

}  // namespace
}  // namespace fathom
