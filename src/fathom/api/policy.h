// What the operator decided and the clock says, as reading a request needs it; and what the request's headers told.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace fathom::api {

struct ServedModel {
  std::string id;                      // deepseek-v4-flash, deepseek-v4-pro
  std::int64_t context_tokens = 0;     // prompt and answer together
  std::int64_t max_output_tokens = 0;  // of one answer
  std::int64_t created = 0;            // seconds since 1970
  std::string price = {};              // what a million tokens cost whoever asks: a JSON object; empty: nobody says
};

enum class AgentEffort : std::uint8_t { automatic_max, respect_explicit, off };

struct Policy {
  std::vector<ServedModel> models;
  AgentEffort agent_effort = AgentEffort::automatic_max;
  bool strict_reasoning = false;  // 400 for a turn whose reasoning was not passed back
  bool strict_hosted = false;     // refuse what the hosted API refuses although we can do it (tool_choice in thinking)
  bool keep_old_names = false;    // deepseek-chat and deepseek-reasoner after their time
  bool clip_max_tokens = true;    // prompt + max_tokens beyond the context: shorten the answer instead of refusing
};

// 2026-07-24 15:59 UTC, until when the old names are served.
inline constexpr std::int64_t kOldNamesUntil = 1784908740;

// Of one request. Header values as they came; empty when absent.
struct RequestContext {
  bool beta = false;     // under /beta
  std::int64_t now = 0;  // seconds since 1970
  std::string user_agent;
  std::string anthropic_beta;
  std::string session_affinity;  // x-session-affinity
};

}  // namespace fathom::api
