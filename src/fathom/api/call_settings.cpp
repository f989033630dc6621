#include "fathom/api/call_settings.h"

#include <fmt/format.h>

#include "fathom/api/api_error.h"
#include "fathom/base/error.h"
#include "fathom/chat/message_json.h"

namespace fathom::api {
namespace {

ApiError refused(std::string_view message) { return {400, "invalid_request_error", std::string(message)}; }

bool serves(const Policy& policy, std::string_view id) {
  for (const ServedModel& model : policy.models)
    if (model.id == id) return true;
  return false;
}

std::string stand_in(const Policy& policy, std::string_view id) {
  return serves(policy, id) ? std::string(id) : policy.models.front().id;
}

bool is_agent(const RequestContext& context) {
  return context.user_agent.starts_with("claude-cli/") || context.user_agent.starts_with("opencode/") ||
         context.anthropic_beta.find("claude-code-") != std::string::npos || !context.session_affinity.empty();
}

void raise_for_agents(Call& call, bool effort_given, const Policy& policy, const RequestContext& context) {
  if (call.tools.empty() || !is_agent(context) || policy.agent_effort == AgentEffort::off) return;
  if (policy.agent_effort == AgentEffort::respect_explicit && effort_given) return;
  if (call.prompt.reasoning_effort == ReasoningEffort::max) return;
  call.prompt.reasoning_effort = ReasoningEffort::max;
  call.agent_effort = "max; agent with tools";
}

}  // namespace

ModelChoice choose_model(std::string_view name, Surface surface, const Policy& policy, std::int64_t now) {
  check(!policy.models.empty(), "a server serves at least one model");
  constexpr std::string_view kFlash = "deepseek-v4-flash";
  constexpr std::string_view kLongContext = "[1m]";
  const std::string_view passed = name;
  if (name.ends_with(kLongContext)) name.remove_suffix(kLongContext.size());
  if (serves(policy, name)) return {.id = std::string(name)};
  const bool old_name = name == "deepseek-chat" || name == "deepseek-reasoner";
  if (old_name && (policy.keep_old_names || now < kOldNamesUntil))
    return {.id = stand_in(policy, kFlash),
            .thinking = name == "deepseek-chat" ? ThinkingMode::chat : ThinkingMode::thinking};
  if (surface == Surface::anthropic && !old_name)
    return {.id = stand_in(policy, name.starts_with("claude-opus") ? "deepseek-v4-pro" : kFlash)};
  std::string names;
  for (const ServedModel& model : policy.models) names += (names.empty() ? "" : " or ") + model.id;
  throw refused(fmt::format("The supported API model names are {}, but you passed {}.", names, passed));
}

const ServedModel& served_model(const Policy& policy, std::string_view id) {
  for (const ServedModel& model : policy.models)
    if (model.id == id) return model;
  throw InternalError("[api] no model {} is served", id);
}

void settle_thinking(Call& call, const ModelChoice& model, const ThinkingWish& wish, const Policy& policy,
                     const RequestContext& context) {
  PromptOptions& prompt = call.prompt;
  prompt.thinking_mode = wish.mode.value_or(model.thinking.value_or(ThinkingMode::thinking));
  const bool effort_given = !wish.effort.is_none();
  if (effort_given) {
    const std::optional<ReasoningEffort> effort = read_effort(wish.effort);
    prompt.reasoning_effort = effort.value_or(ReasoningEffort::high);
    if (!effort) prompt.thinking_mode = ThinkingMode::chat;
  }
  if (prompt.thinking_mode == ThinkingMode::chat) {
    prompt.reasoning_effort = ReasoningEffort::high;
    return;
  }
  raise_for_agents(call, effort_given, policy, context);
  call.sampling.temperature = 1.0;
  call.sampling.top_p = 1.0;
}

void check_hosted_limits(const Call& call, const Policy& policy, std::string_view reasoning_field) {
  if (call.prompt.thinking_mode != ThinkingMode::thinking) return;
  const ToolChoice::Kind choice = call.tool_choice.kind;
  if (policy.strict_hosted && (choice == ToolChoice::Kind::required || choice == ToolChoice::Kind::named))
    throw refused("Thinking mode does not support this tool_choice");
  if (!policy.strict_reasoning || call.tools.empty()) return;
  for (const ChatMessage& message : call.messages)
    if (!message.tool_calls.empty() && !message.reasoning_content)
      throw refused(fmt::format("The `{}` in the thinking mode must be passed back to the API.", reasoning_field));
}

}  // namespace fathom::api
