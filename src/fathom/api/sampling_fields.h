// How tokens are to be chosen and when to stop, as the chat and the completions surface ask for it (api.md 4.1, 5).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "fathom/api/call.h"
#include "fathom/api/policy.h"
#include "fathom/chat/json_field.h"

namespace fathom::api {

inline constexpr std::int64_t kMostLogprobs = 20;

// temperature, top_p, stop and, beyond the hosted API, seed. Penalties have no effect there and are not looked at.
void read_sampling(const JsonField& request, CallSampling& sampling);

// A string or at most 16; empty ones stop nothing.
std::vector<std::string> read_stop(const JsonField& field);

// stream and stream_options.
void read_stream(const JsonField& request, Call& call);

// At most 512 bytes; of the letters of an identifier where the policy is as strict as the preview was.
std::string read_user_id(const JsonField& field, const Policy& policy);

}  // namespace fathom::api
