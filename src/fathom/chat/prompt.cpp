#include "fathom/chat/prompt.h"

#include <algorithm>
#include <string_view>
#include <vector>

#include "fathom/base/error.h"
#include "fathom/chat/markers.h"
#include "fathom/chat/tools_text.h"
#include "fathom/chat/turns.h"

namespace fathom {
namespace {

constexpr std::string_view kMaxEffort =
    "Reasoning Effort: Absolute maximum with no shortcuts permitted.\n"
    "You MUST be very thorough in your thinking and comprehensively decompose the problem to resolve the root cause, "
    "rigorously stress-testing your logic against all potential paths, edge cases, and adversarial scenarios.\n"
    "Explicitly write out your entire deliberation process, documenting every intermediate step, considered "
    "alternative, and rejected hypothesis to ensure absolutely no assumption is left unchecked.\n\n";

constexpr std::string_view kResponseFormat =
    "## Response Format:\n\nYou MUST strictly adhere to the following schema to reply:\n";

std::string_view task_token(Task task) {
  switch (task) {
    case Task::action: return "<｜action｜>";
    case Task::query: return "<｜query｜>";
    case Task::authority: return "<｜authority｜>";
    case Task::domain: return "<｜domain｜>";
    case Task::title: return "<｜title｜>";
    case Task::read_url: return "<｜read_url｜>";
  }
  throw InternalError("[chat] task {} has no token", static_cast<int>(task));
}

// How the turns are to be written, settled before the first of them is.
struct Plan {
  std::span<const ChatMessage> messages;
  std::vector<Turn> turns;
  bool thinking = true;
  bool drop_thinking = true;
  std::int64_t last_user = -1;
};

Plan make_plan(std::span<const ChatMessage> messages, const PromptOptions& options) {
  Plan plan{.messages = messages,
            .turns = merge_turns(messages),
            .thinking = options.thinking_mode == ThinkingMode::thinking,
            .drop_thinking = options.drop_thinking};
  // With tools the model must see why it called what it called: all reasoning stays.
  for (const Turn& turn : plan.turns)
    if (turn.role != Role::user && !turn.message->tools.empty()) plan.drop_thinking = false;
  plan.last_user = last_user_turn(plan.turns);
  if (plan.thinking && plan.drop_thinking) {
    // Dropping goes further for developer turns: those before the last user turn leave the prompt.
    const auto end = plan.turns.begin() + std::max<std::int64_t>(plan.last_user, 0);
    const auto kept =
        std::remove_if(plan.turns.begin(), end, [](const Turn& turn) { return turn.role == Role::developer; });
    plan.turns.erase(kept, end);
    plan.last_user = last_user_turn(plan.turns);
  }
  return plan;
}

void append_instructions(std::string& out, const ChatMessage& message) {
  if (message.content) out += *message.content;
  if (!message.tools.empty()) {
    out += "\n\n";
    append_tools(out, message.tools);
  }
  if (message.response_format) {
    out += "\n\n";
    out += kResponseFormat;
    out += *message.response_format;
  }
}

void append_blocks(std::string& out, std::span<const TurnBlock> blocks) {
  std::string_view between;
  for (const TurnBlock& block : blocks) {
    out += between;
    if (block.is_tool_result) out += "<tool_result>";
    out += block.text;
    if (block.is_tool_result) out += "</tool_result>";
    between = "\n\n";
  }
}

PromptAnswer append_answer(std::string& out, const Plan& plan, std::int64_t place) {
  const ChatMessage& message = *plan.turns[static_cast<std::size_t>(place)].message;
  PromptAnswer answer;
  answer.begin = out.size();
  answer.message = static_cast<std::size_t>(&message - plan.messages.data());
  answer.reasoning = {.begin = out.size(), .end = out.size()};
  const bool answers_task = place > 0 && plan.turns[static_cast<std::size_t>(place) - 1].task.has_value();
  if (plan.thinking && !answers_task && (!plan.drop_thinking || place > plan.last_user)) {
    if (message.reasoning_content) out += *message.reasoning_content;
    answer.reasoning.end = out.size();
    out += marker::think_end;
  }
  answer.said.begin = out.size();
  if (message.content) out += *message.content;
  if (!message.tool_calls.empty()) {
    out += "\n\n";
    append_tool_calls(out, message.tool_calls);
  }
  answer.said.end = out.size();
  if (!message.open_end) out += marker::end_of_sentence;
  answer.end = out.size();
  return answer;
}

// What hands the word to the assistant, written by the turn before it.
void append_handover(std::string& out, const Plan& plan, std::int64_t place) {
  const Turn& turn = plan.turns[static_cast<std::size_t>(place)];
  if (turn.task) {
    if (*turn.task == Task::action) {
      out += marker::assistant;
      out += plan.thinking ? marker::think_start : marker::think_end;
    }
    out += task_token(*turn.task);
  } else if (turn.role == Role::user || turn.role == Role::developer) {
    const bool opens_thinking = plan.thinking && (!plan.drop_thinking || place >= plan.last_user);
    out += marker::assistant;
    out += opens_thinking ? marker::think_start : marker::think_end;
  }
}

void append_turn(MarkedPrompt& prompt, const Plan& plan, std::int64_t place) {
  std::string& out = prompt.text;
  const Turn& turn = plan.turns[static_cast<std::size_t>(place)];
  switch (turn.role) {
    case Role::system: append_instructions(out, *turn.message); break;
    case Role::developer:
      out += marker::user;
      append_instructions(out, *turn.message);
      break;
    case Role::user:
      out += marker::user;
      append_blocks(out, turn.blocks);
      break;
    case Role::latest_reminder:
      out += marker::latest_reminder;
      out += turn.message->content ? std::string_view(*turn.message->content) : "None";  // Python's format(None)
      break;
    case Role::assistant: prompt.answers.push_back(append_answer(out, plan, place)); break;
    case Role::tool: throw InternalError("[chat] a tool message was not merged into a user turn");
  }
  const auto next = static_cast<std::size_t>(place) + 1;
  const bool assistant_speaks_next = next == plan.turns.size() || plan.turns[next].role == Role::assistant ||
                                     plan.turns[next].role == Role::latest_reminder;
  if (assistant_speaks_next) append_handover(out, plan, place);
}

}  // namespace

MarkedPrompt render_marked_prompt(std::span<const ChatMessage> messages, const PromptOptions& options) {
  const Plan plan = make_plan(messages, options);
  MarkedPrompt prompt;
  if (options.begin_of_sentence) prompt.text += marker::begin_of_sentence;
  // Only a turn can carry the effort: without turns there is none.
  if (!plan.turns.empty() && plan.thinking && options.reasoning_effort == ReasoningEffort::max)
    prompt.text += kMaxEffort;
  const auto turns = static_cast<std::int64_t>(plan.turns.size());
  bool instructions = turns > 0 && plan.turns.front().role == Role::system;
  for (std::int64_t turn = 0; turn < turns; ++turn) {
    if (instructions && plan.turns[static_cast<std::size_t>(turn)].role != Role::system) {
      prompt.instructions_end = prompt.text.size();
      instructions = false;
    }
    append_turn(prompt, plan, turn);
  }
  return prompt;
}

std::string render_prompt(std::span<const ChatMessage> messages, const PromptOptions& options) {
  return render_marked_prompt(messages, options).text;
}

}  // namespace fathom
