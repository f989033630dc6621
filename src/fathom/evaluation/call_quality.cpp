#include "fathom/evaluation/call_quality.h"

#include <algorithm>

#include "fathom/chat/json_text.h"
#include "fathom/evaluation/json_schema.h"

namespace fathom {
namespace {

bool fits_tool(const AnswerCall& call, const Tool& tool) {
  const auto arguments = try_read_json(call.arguments);
  const auto function = try_read_json(tool.schema);
  if (!arguments || !function) return false;
  const JsonValue* parameters = function->find("parameters");
  return parameters == nullptr || fits_schema(*arguments, *parameters);
}

}  // namespace

CallQuality call_quality(const Answer& answer, std::span<const Tool> tools) {
  const auto fits = [&](const AnswerCall& call) {
    const auto tool = std::find_if(tools.begin(), tools.end(), [&](const Tool& one) { return one.name == call.name; });
    return tool != tools.end() && fits_tool(call, *tool);
  };
  return {.well_formed = answer.well_formed() && std::all_of(answer.calls.begin(), answer.calls.end(),
                                                             [](const AnswerCall& call) { return call.complete; }),
          .fits = std::all_of(answer.calls.begin(), answer.calls.end(), fits)};
}

}  // namespace fathom
