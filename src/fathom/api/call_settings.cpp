#include "fathom/api/call_settings.h"

#include <fmt/format.h>

#include "fathom/api/hosted_errors.h"
#include "fathom/chat/message_json.h"

namespace fathom::api {
namespace {

// What tells an agent from other clients, or nothing. The hosted API's own rule is unpublished; these are the signs
// that Claude Code and OpenCode were seen to send (api.md 3).
std::string_view agent_sign(const RequestContext& context) {
  if (context.user_agent.starts_with("claude-cli/")) return "user-agent claude-cli";
  if (context.anthropic_beta.find("claude-code-") != std::string::npos) return "anthropic-beta claude-code";
  if (context.user_agent.starts_with("opencode/")) return "user-agent opencode";
  if (!context.session_affinity.empty()) return "x-session-affinity";
  return {};
}

void raise_for_agents(Call& call, bool effort_given, const Policy& policy, const RequestContext& context) {
  if (call.tools.empty() || policy.agent_effort == AgentEffort::off) return;
  if (policy.agent_effort == AgentEffort::respect_explicit && effort_given) return;
  const std::string_view sign = agent_sign(context);
  if (sign.empty() || call.prompt.reasoning_effort == ReasoningEffort::max) return;
  call.prompt.reasoning_effort = ReasoningEffort::max;
  call.agent_effort = fmt::format("max; agent with tools, known by {}", sign);
}

ThinkingMode named_mode(NamedThinking named, std::optional<ThinkingMode> wish) {
  switch (named) {
    case NamedThinking::open: break;
    case NamedThinking::off_at_first: return wish.value_or(ThinkingMode::chat);
    case NamedThinking::on: return ThinkingMode::thinking;
  }
  return wish.value_or(ThinkingMode::thinking);
}

}  // namespace

void settle_thinking(Call& call, const ModelChoice& model, const ThinkingWish& wish, const Policy& policy,
                     const RequestContext& context) {
  PromptOptions& prompt = call.prompt;
  prompt.thinking_mode = named_mode(model.thinking, wish.mode);
  const bool effort_given = !wish.effort.is_none();
  if (effort_given) {
    const std::optional<ReasoningEffort> effort = read_effort(wish.effort);
    prompt.reasoning_effort = effort.value_or(ReasoningEffort::high);
    if (!effort && model.thinking != NamedThinking::on) prompt.thinking_mode = ThinkingMode::chat;
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
    throw no_choice_in_thinking();
  if (!policy.strict_reasoning || call.tools.empty()) return;
  for (const ChatMessage& message : call.messages)
    if (!message.tool_calls.empty() && !message.reasoning_content) throw no_reasoning(reasoning_field);
}

}  // namespace fathom::api
