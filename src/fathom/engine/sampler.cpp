#include "fathom/engine/sampler.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "fathom/base/error.h"
#include "fathom/ops/gumbel.h"

namespace fathom {
namespace {

struct Candidate {
  // What it is ranked by: (logit - the largest logit) / temperature, 0 for the best at any temperature; or the logit.
  double value = 0.0;
  std::int32_t token = 0;
};

// Best first; equal values to the lower id.
bool better(const Candidate& a, const Candidate& b) {
  return a.value != b.value ? a.value > b.value : a.token < b.token;
}

// Logits of which some may not be chosen: bit t % 32 of allowed[t / 32] says whether token t may; none says: all may.
struct Choice {
  std::span<const float> logits;
  std::span<const std::uint32_t> allowed;

  bool has(std::size_t token) const { return allowed.empty() || ((allowed[token / 32] >> (token % 32)) & 1U) != 0; }
};

// The lowest id among equals; the vocabulary's size where nothing may be chosen.
std::size_t argmax(const Choice& choice) {
  std::size_t best = choice.logits.size();
  for (std::size_t token = 0; token < choice.logits.size(); ++token)
    if (choice.has(token) && (best == choice.logits.size() || choice.logits[token] > choice.logits[best])) best = token;
  return best;
}

double largest(std::span<const float> logits) {
  return static_cast<double>(*std::max_element(logits.begin(), logits.end()));
}

// The smallest best-first set whose share of the probability reaches top_p.
void keep_top_p(std::vector<Candidate>& sorted, double top_p) {
  double total = 0.0;
  for (const Candidate& candidate : sorted) total += std::exp(candidate.value);
  double sum = 0.0;
  std::size_t kept = 0;
  while (kept < sorted.size()) {
    sum += std::exp(sorted[kept].value);
    ++kept;
    if (sum >= top_p * total) break;
  }
  sorted.resize(kept);
}

bool narrows(const SamplingParams& params) { return params.top_k > 0 || params.top_p < 1.0 || params.min_p > 0.0; }

std::vector<Candidate> narrowed(const Choice& choice, double best, const SamplingParams& params) {
  std::vector<Candidate> candidates;
  candidates.reserve(choice.logits.size());
  for (std::size_t token = 0; token < choice.logits.size(); ++token)
    if (choice.has(token))
      candidates.push_back(
          {(static_cast<double>(choice.logits[token]) - best) / params.temperature, static_cast<std::int32_t>(token)});
  if (params.top_k > 0 && params.top_k < std::ssize(candidates)) {
    std::nth_element(candidates.begin(), candidates.begin() + params.top_k, candidates.end(), better);
    candidates.resize(static_cast<std::size_t>(params.top_k));
  }
  if (params.top_p < 1.0) {
    std::sort(candidates.begin(), candidates.end(), better);
    keep_top_p(candidates, params.top_p);
  }
  if (params.min_p > 0.0) {
    const double floor = std::log(params.min_p);
    std::erase_if(candidates, [&](const Candidate& candidate) { return candidate.value < floor; });
  }
  return candidates;
}

// Takes candidates one by one and keeps the winner.
class GumbelMax {
 public:
  GumbelMax(std::uint64_t seed, std::int64_t position) : place_(gumbel_place(seed, position)) {}

  void add(const Candidate& candidate) {
    const std::uint64_t bits = gumbel_bits(place_, candidate.token);
    if (candidate.value + most_gumbel(bits) < best_) return;
    const double noisy = candidate.value - std::log(-std::log(gumbel_uniform(bits)));
    if (noisy > best_ || (noisy == best_ && candidate.token < token_)) {
      best_ = noisy;
      token_ = candidate.token;
    }
  }
  std::int32_t token() const { return token_; }

 private:
  std::uint64_t place_;
  double best_ = -std::numeric_limits<double>::infinity();
  std::int32_t token_ = 0;
};

std::int32_t drawn(const Choice& choice, std::size_t best, const SamplingParams& params, std::int64_t position) {
  GumbelMax winner(params.seed, position);
  const double peak = static_cast<double>(choice.logits[best]);
  if (narrows(params)) {
    for (const Candidate& candidate : narrowed(choice, peak, params)) winner.add(candidate);
    return winner.token();
  }
  winner.add({0.0, static_cast<std::int32_t>(best)});  // first, so that others are soon out of reach
  for (std::size_t token = 0; token < choice.logits.size(); ++token)
    if (choice.has(token))
      winner.add(
          {(static_cast<double>(choice.logits[token]) - peak) / params.temperature, static_cast<std::int32_t>(token)});
  return winner.token();
}

void add_logprobs(std::span<const float> logits, std::int64_t count, SampledToken& sampled) {
  const double best = largest(logits);
  double sum = 0.0;
  for (const float logit : logits) sum += std::exp(static_cast<double>(logit) - best);
  const double log_sum = best + std::log(sum);
  const auto logprob = [&](std::int32_t token) {
    return static_cast<float>(static_cast<double>(logits[static_cast<std::size_t>(token)]) - log_sum);
  };
  sampled.logprob = logprob(sampled.token);
  std::vector<Candidate> tokens;
  for (std::size_t token = 0; token < logits.size(); ++token)
    tokens.push_back({static_cast<double>(logits[token]), static_cast<std::int32_t>(token)});
  const auto kept = std::min<std::int64_t>(count, std::ssize(tokens));
  std::partial_sort(tokens.begin(), tokens.begin() + kept, tokens.end(), better);
  for (std::int64_t rank = 0; rank < kept; ++rank)
    sampled.top_logprobs.push_back({tokens[rank].token, logprob(tokens[rank].token)});
}

}  // namespace

double uniform_of(std::uint64_t seed, std::int64_t position, std::int32_t token) {
  return gumbel_uniform(gumbel_bits(gumbel_place(seed, position), token));
}

SampledToken sample(std::span<const float> logits, const SamplingParams& params, std::int64_t position,
                    std::span<const std::uint32_t> allowed) {
  check(!logits.empty(), "there are logits to sample from");
  for (const float logit : logits)
    if (!std::isfinite(logit)) throw InternalError("[sampling] a logit at position {} is {}", position, logit);
  if (!allowed.empty() && allowed.size() * 32 < logits.size())
    throw InternalError("[sampling] the mask has {} words for {} ids", allowed.size(), logits.size());
  const Choice choice{logits, allowed};
  const std::size_t best = argmax(choice);
  if (best == logits.size()) throw InternalError("[sampling] no token may come at position {}", position);
  SampledToken sampled;
  sampled.token = params.temperature == 0.0 ? static_cast<std::int32_t>(best) : drawn(choice, best, params, position);
  if (params.top_logprobs >= 0) add_logprobs(logits, params.top_logprobs, sampled);
  return sampled;
}

bool can_be_shortlisted(const SamplingParams& params) {
  const bool whole = params.temperature == 0.0 || !narrows(params);
  return whole && params.top_logprobs < 0 &&
         (params.temperature == 0.0 || params.temperature >= kLeastShortlistTemperature);
}

ShortlistRow shortlist_row(const SamplingParams& params, std::int64_t position) {
  return {.temperature = params.temperature, .place = gumbel_place(params.seed, position)};
}

SampledToken sample(const Shortlist& shortlist, const SamplingParams& params, std::int64_t position) {
  check(shortlist.count > 0 && shortlist.count <= Shortlist::kMost, "a shortlist to sample from has tokens");
  const auto tokens = std::span(shortlist.tokens).first(static_cast<std::size_t>(shortlist.count));
  SampledToken sampled;
  if (params.temperature == 0.0) {  // all of them are the largest
    sampled.token = *std::min_element(tokens.begin(), tokens.end());
    return sampled;
  }
  GumbelMax winner(params.seed, position);
  for (std::size_t index = 0; index < tokens.size(); ++index)
    winner.add(
        {(static_cast<double>(shortlist.logits[index]) - static_cast<double>(shortlist.largest)) / params.temperature,
         tokens[index]});
  sampled.token = winner.token();
  return sampled;
}

}  // namespace fathom
