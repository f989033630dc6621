// The names that clients give to models, and the ids that are served (api.md 2).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "fathom/api/call.h"
#include "fathom/api/policy.h"

namespace fathom::api {

// What a name says about thinking.
enum class NamedThinking : std::uint8_t {
  open,          // nothing
  off_at_first,  // deepseek-chat: off unless the client turns it on
  on,            // deepseek-reasoner: on, whatever the client says
};

struct ModelChoice {
  std::string id;  // the one that is served
  NamedThinking thinking = NamedThinking::open;
};

// Names are case-sensitive; "[1m]" at the end is not part of one. deepseek-chat and deepseek-reasoner are Flash until
// kOldNamesUntil, or as long as the policy keeps them. On the Anthropic surface an opus of Claude's is Pro and any
// other name that nobody knows is Flash, as the preview had it; elsewhere ApiError 400. A model that is not loaded is
// stood in for by the first that is.
ModelChoice choose_model(std::string_view name, Surface surface, const Policy& policy, std::int64_t now);

const ServedModel& served_model(const Policy& policy, std::string_view id);

}  // namespace fathom::api
