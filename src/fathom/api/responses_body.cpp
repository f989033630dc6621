#include "fathom/api/responses_body.h"

#include <algorithm>
#include <array>
#include <utility>

#include "fathom/api/api_error.h"
#include "fathom/api/body_fields.h"
#include "fathom/api/call_limits.h"
#include "fathom/api/call_settings.h"
#include "fathom/api/json_object.h"
#include "fathom/api/json_word.h"
#include "fathom/api/responses_input.h"
#include "fathom/api/responses_tools.h"

namespace fathom::api {
namespace {

using Kind = JsonValue::Kind;

JsonField object_or_none(const JsonField& field) {
  if (!field.is_none()) field.expect(Kind::object);
  return field;
}

void read_sampling(const JsonField& request, const ServedModel& model, const Policy& policy, CallSampling& sampling) {
  sampling.max_tokens = read_max_tokens(request.member("max_output_tokens"), model, policy);
  sampling.temperature = number_in(request.member("temperature"), 0, 2).value_or(1.0);
  sampling.top_p = number_in(request.member("top_p"), 0, 1).value_or(1.0);
  const std::int64_t best = integer_in(request.member("top_logprobs"), 0, 20).value_or(0);
  bool wanted = best > 0;
  const JsonField include = request.member("include");
  if (include.is(Kind::array))
    for (const JsonField& part : include.elements())
      wanted = wanted || (part.is(Kind::string) && part.value().text == "message.output_text.logprobs");
  if (wanted) sampling.top_logprobs = best;
}

void read_format(const JsonField& format, ResponseFormat& read) {
  if (format.is_none()) return;
  format.expect(Kind::object);
  using Form = ResponseFormat::Kind;
  constexpr std::array<std::pair<std::string_view, Form>, 3> kinds = {
      {{"text", Form::text}, {"json_object", Form::json_object}, {"json_schema", Form::json_schema}}};
  read.kind = format.member("type").one_of<Form>(kinds);
  if (read.kind != Form::json_schema) return;
  const JsonField schema = format.member("schema");
  schema.expect(Kind::object);
  read.schema = write_json(schema.value());
}

// What the prompt says about the format, as on the chat surface (message_json.h).
std::optional<std::string> prompt_format(const ResponseFormat& format) {
  switch (format.kind) {
    case ResponseFormat::Kind::text: break;
    case ResponseFormat::Kind::json_object: return R"({"type": "json_object"})";
    case ResponseFormat::Kind::json_schema: return format.schema;
  }
  return std::nullopt;
}

std::string json_or(const JsonField& field, std::string_view otherwise) {
  return field.is_none() ? std::string(otherwise) : write_json(field.value());
}

std::string echo_of(const JsonField& request, const Call& call) {
  const bool thinks = call.prompt.thinking_mode == ThinkingMode::thinking;
  const bool hardest = call.prompt.reasoning_effort == ReasoningEffort::max;
  const std::string reasoning = JsonObject()
                                    .text("effort", !thinks   ? "none"
                                                    : hardest ? "max"
                                                              : "high")
                                    .null("summary")
                                    .close();
  const JsonField text = request.member("text");
  const std::string format =
      text.is_none() ? R"({"type":"text"})" : json_or(text.member("format"), R"({"type":"text"})");
  JsonObject echo;
  echo.json("instructions", json_or(request.member("instructions"), "null"));
  echo.json("max_output_tokens", json_or(request.member("max_output_tokens"), "null"));
  echo.json("metadata", json_or(request.member("metadata"), "{}"));
  echo.json("reasoning", reasoning);
  echo.real("temperature", call.sampling.temperature).real("top_p", call.sampling.top_p);
  echo.json("text", JsonObject().json("format", format).close());
  echo.json("tool_choice", json_or(request.member("tool_choice"), "\"auto\""));
  echo.json("tools", json_or(request.member("tools"), "[]"));
  echo.number("top_logprobs", std::max<std::int64_t>(call.sampling.top_logprobs, 0));
  echo.text("truncation", "disabled").json("user", json_or(request.member("user"), "null"));
  const std::string whole = echo.close();
  return whole.substr(1, whole.size() - 2);
}

void read_conversation(const JsonField& request, const ResponsesTools& names, std::vector<Tool> tools, Call& call) {
  TurnBuilder turns;
  const bool continues = call.previous_response.has_value();
  read_responses_input(request.member("input"), names, continues, turns);
  call.input_system = turns.take_system_text();
  call.messages = turns.take_turns();
  if (call.messages.empty() && !continues)
    throw ApiError(400, "invalid_request_error", "input: at least one item is required");
  std::string system = request.member("instructions").text_or_none().value_or("");
  join_text(system, call.input_system);
  put_system_message(call.messages, std::move(system), std::move(tools), prompt_format(call.response_format));
  if (!continues) check_response_calls(call.messages);
}

}  // namespace

Call read_responses(std::string_view body, const Policy& policy, const RequestContext& context) {
  Call call;
  call.surface = Surface::responses;
  call.beta = context.beta;
  read_body(body, [&](const JsonField& request) {
    call.requested_model = required_text(request.member("model"));
    const ModelChoice model = choose_model(call.requested_model, call.surface, policy, context.now);
    call.model = model.id;
    call.stream = request.member("stream").truth_or(false);
    call.store = request.member("store").truth_or(true);
    call.previous_response = request.member("previous_response_id").text_or_none();
    if (const JsonField user = request.member("user"); user.is(Kind::string)) call.user = user.value().text;
    ResponsesTools names;
    names.add(request.member("tools"));
    read_input_tools(request.member("input"), names);
    OfferedTools tools = names.offer();
    call.tool_choice = read_responses_choice(request.member("tool_choice"), names, tools);
    if (call.tool_choice.kind == ToolChoice::Kind::none) tools = {};
    call.tools = std::move(tools.schemas);
    read_sampling(request, served_model(policy, model.id), policy, call.sampling);
    read_format(object_or_none(request.member("text")).member("format"), call.response_format);
    const JsonField reasoning = object_or_none(request.member("reasoning"));
    settle_thinking(call, model, {.effort = reasoning.member("effort")}, policy, context);
    read_conversation(request, names, std::move(tools.prompt), call);
    if (!call.previous_response) check_json_word(call);
    check_hosted_limits(call, policy, "reasoning");
    call.echo = echo_of(request, call);
  });
  return call;
}

}  // namespace fathom::api
