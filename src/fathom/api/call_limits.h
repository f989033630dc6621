// How long an answer may be: what the client asked for, what the model can, what the prompt leaves (api.md 2).
#pragma once

#include <cstdint>
#include <optional>

#include "fathom/api/call.h"
#include "fathom/api/policy.h"
#include "fathom/chat/json_field.h"

namespace fathom::api {

inline constexpr std::int64_t kHostedMaxTokens = 393'216;   // of one answer of the hosted models
inline constexpr std::int64_t kCompletionMaxTokens = 4096;  // of POST /completions

// The client's limit, or nothing; ApiError out of [1, what the model can]. Agents send the hosted models' limit
// whatever they talk to: where the policy clips, up to `hosted` is as much as the model can.
std::optional<std::int64_t> read_max_tokens(const JsonField& field, const ServedModel& model, const Policy& policy,
                                            std::int64_t hosted = kHostedMaxTokens);

// For a client that set none.
std::int64_t default_max_tokens(const Call& call);

// For a prompt of so many tokens. ApiError with the figures when it does not fit: the prompt alone, or the two together
// where the policy does not clip what the client set.
std::int64_t settle_max_tokens(const Call& call, const ServedModel& model, const Policy& policy,
                               std::int64_t prompt_tokens);

}  // namespace fathom::api
