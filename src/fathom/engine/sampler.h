// Logits to a token. The choice is a function of the logits, the parameters and (seed, position) alone: it does not
// depend on the batch, and drafts may share its random numbers.
//
// A mask leaves out what may not come. Temperature divides the logits; then top_k, top_p over what top_k left, and
// min_p narrow the candidates; then the Gumbel-max rule picks: argmax over candidates of logit / T + G, with G =
// -log(-log(u)), u drawn for (seed, position, token). That is exact sampling from the narrowed softmax.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "fathom/engine/sampling_params.h"
#include "fathom/ops/shortlist.h"

namespace fathom {

struct TokenLogprob {
  std::int32_t token = 0;
  float logprob = 0.0F;  // of the softmax over all logits given, before temperature and narrowing
};

struct SampledToken {
  std::int32_t token = 0;
  float logprob = 0.0F;                    // set when top_logprobs >= 0
  std::vector<TokenLogprob> top_logprobs;  // best first
};

// logits [ids]; `position` is that of the token to be sampled. allowed [(ids + 31) / 32]: bit t % 32 of allowed[t / 32]
// says whether token t may come; empty: all may. Logprobs are of all logits: of what the model said, not of the mask.
// InternalError where a logit is not finite or no token may come.
SampledToken sample(std::span<const float> logits, const SamplingParams& params, std::int64_t position,
                    std::span<const std::uint32_t> allowed = {});

// Whether a backend's shortlist says all that the choice needs: greedy, or the whole vocabulary, without logprobs. A
// mask speaks against it too.
bool can_be_shortlisted(const SamplingParams& params);
ShortlistRow shortlist_row(const SamplingParams& params, std::int64_t position);
// The token that `sample` takes from all logits. The shortlist is of shortlist_row(params, position) and has tokens.
SampledToken sample(const Shortlist& shortlist, const SamplingParams& params, std::int64_t position);

// A uniform number in (0, 1) for (seed, position, token).
double uniform_of(std::uint64_t seed, std::int64_t position, std::int32_t token);

}  // namespace fathom
