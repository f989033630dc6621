#include "fathom/engine/sampler.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "fathom/base/error.h"

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

std::int32_t argmax(std::span<const float> logits) {
  return static_cast<std::int32_t>(std::max_element(logits.begin(), logits.end()) - logits.begin());
}

double largest(std::span<const float> logits) {
  return static_cast<double>(*std::max_element(logits.begin(), logits.end()));
}

// Finalizer of splitmix64: every input bit reaches every output bit.
std::uint64_t mixed(std::uint64_t x) {
  x += 0x9e3779b97f4a7c15ULL;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
  return x ^ (x >> 31);
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

std::vector<Candidate> narrowed(std::span<const float> logits, const SamplingParams& params) {
  std::vector<Candidate> candidates;
  candidates.reserve(logits.size());
  const double best = largest(logits);
  for (std::size_t token = 0; token < logits.size(); ++token)
    candidates.push_back(
        {(static_cast<double>(logits[token]) - best) / params.temperature, static_cast<std::int32_t>(token)});
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

std::int32_t gumbel_max(const std::vector<Candidate>& candidates, std::uint64_t seed, std::int64_t position) {
  // -log(-log(u)) of the largest u below 1: a candidate that far behind cannot win.
  constexpr double kLargestNoise = 37.5;
  double best = -std::numeric_limits<double>::infinity();
  std::int32_t token = candidates.front().token;
  for (const Candidate& candidate : candidates) {
    if (candidate.value + kLargestNoise < best) continue;
    const double noisy = candidate.value - std::log(-std::log(uniform_of(seed, position, candidate.token)));
    if (noisy > best || (noisy == best && candidate.token < token)) {
      best = noisy;
      token = candidate.token;
    }
  }
  return token;
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
  const std::uint64_t bits =
      mixed(mixed(mixed(seed) ^ static_cast<std::uint64_t>(position)) ^ static_cast<std::uint64_t>(token));
  return (static_cast<double>(bits >> 12) + 0.5) * 0x1p-52;
}

SampledToken sample(std::span<const float> logits, const SamplingParams& params, std::int64_t position) {
  check(!logits.empty(), "there are logits to sample from");
  for (const float logit : logits)
    if (!std::isfinite(logit)) throw InternalError("[sampling] a logit at position {} is {}", position, logit);
  SampledToken sampled;
  sampled.token =
      params.temperature == 0.0 ? argmax(logits) : gumbel_max(narrowed(logits, params), params.seed, position);
  if (params.top_logprobs >= 0) add_logprobs(logits, params.top_logprobs, sampled);
  return sampled;
}

}  // namespace fathom
