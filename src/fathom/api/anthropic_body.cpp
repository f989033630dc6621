#include "fathom/api/anthropic_body.h"

#include <array>
#include <utility>

#include "fathom/api/anthropic_content.h"
#include "fathom/api/anthropic_tools.h"
#include "fathom/api/anthropic_user.h"
#include "fathom/api/body_fields.h"
#include "fathom/api/call_limits.h"
#include "fathom/api/call_settings.h"
#include "fathom/api/hosted_errors.h"
#include "fathom/api/sampling_fields.h"

namespace fathom::api {
namespace {

using Kind = JsonValue::Kind;

// Message threads: with a later turn only what is new comes. Who ignores the field answers that without what was said
// before; refused in these words, Anthropic's SDK sends the whole conversation.
void refuse_thread(const JsonField& request) {
  if (request.member("thread").is_none()) return;
  ApiError error = invalid_request("thread: this server keeps no threads, send all messages with every request");
  error.details = R"({"error_code":"thread_unsupported_request","unsupported":["thread"]})";
  throw error;
}

// Of output_config; older clients send it beside, as output_format.
void read_format(const JsonField& request, ResponseFormat& read) {
  const JsonField config = request.member("output_config");
  JsonField format = config.is_none() ? config : config.member("format");
  if (format.is_none()) format = request.member("output_format");
  if (format.is_none()) return;
  constexpr std::array<std::pair<std::string_view, ResponseFormat::Kind>, 1> kinds = {
      {{"json_schema", ResponseFormat::Kind::json_schema}}};
  format.expect(Kind::object);
  read.kind = format.member("type").one_of<ResponseFormat::Kind>(kinds);
  const JsonField schema = format.member("schema");
  schema.expect(Kind::object);
  read.schema = write_json(schema.value());
}

ThinkingWish read_wish(const JsonField& request) {
  constexpr std::array<std::pair<std::string_view, ThinkingMode>, 3> modes = {
      {{"enabled", ThinkingMode::thinking}, {"adaptive", ThinkingMode::thinking}, {"disabled", ThinkingMode::chat}}};
  ThinkingWish wish;
  const JsonField thinking = request.member("thinking");
  if (!thinking.is_none()) {
    thinking.expect(Kind::object);
    wish.mode = thinking.member("type").one_of<ThinkingMode>(modes);
  }
  const JsonField config = request.member("output_config");
  if (!config.is_none()) {
    config.expect(Kind::object);
    wish.effort = config.member("effort");
  }
  return wish;
}

void read_sampling(const JsonField& request, const ServedModel& model, const Policy& policy, CallSampling& sampling) {
  sampling.max_tokens = read_max_tokens(request.member("max_tokens"), model, policy);
  sampling.temperature = number_in(request.member("temperature"), 0, 2).value_or(1.0);
  sampling.top_p = number_in(request.member("top_p"), 0, 1).value_or(1.0);
  sampling.stop = read_stop(request.member("stop_sequences"));
}

std::string read_user(const JsonField& request) {
  const JsonField metadata = request.member("metadata");
  if (!metadata.is(Kind::object)) return {};
  const JsonField user = metadata.member("user_id");
  return user.is(Kind::string) ? anthropic_user(user.value().text) : std::string();
}

// The hosted API does not look at it.
bool parallel(const JsonField& choice) {
  if (!choice.is(Kind::object)) return true;
  const JsonField disabled = choice.member("disable_parallel_tool_use");
  return !disabled.is(Kind::boolean) || !disabled.value().truth;
}

void read_conversation(const JsonField& request, OfferedTools tools, Call& call) {
  TurnBuilder turns;
  read_anthropic_messages(request.member("messages"), turns);
  std::string system = read_anthropic_system(request.member("system"));
  join_text(system, turns.take_system_text());
  call.messages = turns.take_turns();
  if (call.messages.empty()) throw invalid_request("messages: at least one message is required");
  check_anthropic_calls(call.messages);
  std::optional<std::string> format;
  if (call.response_format.kind == ResponseFormat::Kind::json_schema) format = call.response_format.schema;
  put_system_message(call.messages, std::move(system), std::move(tools.prompt), std::move(format));
}

}  // namespace

Call read_anthropic(std::string_view body, const Policy& policy, const RequestContext& context) {
  Call call;
  call.surface = Surface::anthropic;
  call.beta = context.beta;
  read_body(body, [&](const JsonField& request) {
    refuse_thread(request);
    call.requested_model = required_text(request.member("model"));
    const ModelChoice model = choose_model(call.requested_model, call.surface, policy, context.now);
    call.model = model.id;
    call.stream = request.member("stream").truth_or(false);
    call.user = read_user(request);
    OfferedTools tools = read_anthropic_tools(request.member("tools"));
    call.tool_choice = read_anthropic_choice(request.member("tool_choice"), tools);
    call.parallel_calls = policy.strict_hosted || parallel(request.member("tool_choice"));
    if (call.tool_choice.kind == ToolChoice::Kind::none) tools = {};
    call.tools = std::move(tools.schemas);
    read_sampling(request, served_model(policy, model.id), policy, call.sampling);
    settle_thinking(call, model, read_wish(request), policy, context);
    read_format(request, call.response_format);
    read_conversation(request, std::move(tools), call);
    check_hosted_limits(call, policy, "content[].thinking");
  });
  return call;
}

}  // namespace fathom::api
