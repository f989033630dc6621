#include "fathom/server/call_constraint.h"

#include <fmt/format.h>

#include <string_view>

#include "fathom/api/hosted_errors.h"
#include "fathom/base/error.h"

namespace fathom::server {
namespace {

using grammar::ConstraintPlan;

ConstraintPlan::Answer answer_of(api::ResponseFormat::Kind kind) {
  switch (kind) {
    case api::ResponseFormat::Kind::text: return ConstraintPlan::Answer::text;
    case api::ResponseFormat::Kind::json_object: return ConstraintPlan::Answer::json_object;
    case api::ResponseFormat::Kind::json_schema: return ConstraintPlan::Answer::json_schema;
  }
  return ConstraintPlan::Answer::text;
}

ConstraintPlan::Choice choice_of(api::ToolChoice::Kind kind) {
  switch (kind) {
    case api::ToolChoice::Kind::none: return ConstraintPlan::Choice::none;
    case api::ToolChoice::Kind::automatic: return ConstraintPlan::Choice::automatic;
    case api::ToolChoice::Kind::required: return ConstraintPlan::Choice::required;
    case api::ToolChoice::Kind::named: return ConstraintPlan::Choice::named;
  }
  return ConstraintPlan::Choice::automatic;
}

// What the answer goes on from.
std::string prefix_of(const api::Call& call) {
  if (call.messages.empty() || !call.messages.back().open_end) return {};
  return call.messages.back().content.value_or("");
}

}  // namespace

std::shared_ptr<TokenConstraint> constrain(const api::Call& call, const HostedModel& model, bool in_thinking) {
  if (call.completion || !model.constraints) return nullptr;
  ConstraintPlan plan{.answer = answer_of(call.response_format.kind),
                      .schema = call.response_format.schema,
                      .choice = choice_of(call.tool_choice.kind),
                      .tool = call.tool_choice.name,
                      .parallel = call.parallel_calls,
                      .thinking = in_thinking,
                      .prefix = prefix_of(call),
                      .end_of_sentence = model.end_of_sentence};
  for (const api::ToolSchema& tool : call.tools)
    plan.tools.push_back({.name = tool.name, .parameters = tool.parameters, .strict = tool.strict});
  try {
    return model.constraints->make(plan);
  } catch (const InputError& error) {
    constexpr std::string_view kRoom = "[grammar] ";
    std::string_view what = error.what();
    if (what.starts_with(kRoom)) what.remove_prefix(kRoom.size());
    throw api::invalid_request(fmt::format("The answer cannot be held to what was asked for: {}", what));
  }
}

}  // namespace fathom::server
