#include "fathom/api/chat_body.h"

#include <array>
#include <utility>

#include "fathom/api/body_fields.h"
#include "fathom/api/call_limits.h"
#include "fathom/api/call_settings.h"
#include "fathom/api/chat_messages.h"
#include "fathom/api/chat_tools.h"
#include "fathom/api/hosted_errors.h"
#include "fathom/api/json_word.h"
#include "fathom/api/sampling_fields.h"
#include "fathom/chat/message_json.h"

namespace fathom::api {
namespace {

using Kind = JsonValue::Kind;

ThinkingWish read_wish(const JsonField& request) {
  constexpr std::array<std::pair<std::string_view, ThinkingMode>, 3> modes = {
      {{"enabled", ThinkingMode::thinking}, {"disabled", ThinkingMode::chat}, {"adaptive", ThinkingMode::thinking}}};
  ThinkingWish wish{.mode = {}, .effort = request.member("reasoning_effort")};
  const JsonField thinking = request.member("thinking");
  if (thinking.is_none()) return wish;
  thinking.expect(Kind::object);
  wish.mode = thinking.member("type").one_of<ThinkingMode>(modes);
  return wish;
}

void read_logprobs(const JsonField& request, CallSampling& sampling) {
  const bool wanted = request.member("logprobs").truth_or(false);
  const JsonField top = request.member("top_logprobs");
  const std::int64_t best = integer_in(top, 0, kMostLogprobs).value_or(0);
  if (wanted) {
    sampling.top_logprobs = best;
  } else if (best > 0) {
    throw invalid_request("Invalid top_logprobs value, top_logprobs needs logprobs to be true");
  }
}

// The hosted API does not look at it, so whatever is not false is well.
bool parallel(const JsonField& field) { return !field.is(Kind::boolean) || field.value().truth; }

// OpenClaw and newer clients of OpenAI's say max_completion_tokens.
std::optional<std::int64_t> read_limit(const JsonField& request, const ServedModel& model, const Policy& policy) {
  const std::optional<std::int64_t> limit = read_max_tokens(request.member("max_tokens"), model, policy);
  return limit ? limit : read_max_tokens(request.member("max_completion_tokens"), model, policy);
}

}  // namespace

Call read_chat(std::string_view body, const Policy& policy, const RequestContext& context) {
  Call call;
  call.surface = Surface::chat;
  call.beta = context.beta;
  read_body(body, [&](const JsonField& request) {
    call.requested_model = required_text(request.member("model"));
    const ModelChoice model = choose_model(call.requested_model, call.surface, policy, context.now);
    call.model = model.id;
    call.messages = read_chat_messages(request.member("messages"), policy, call.beta);
    read_stream(request, call);
    call.user = read_user_id(request.member("user_id"), policy);

    ChatTools tools = read_chat_tools(request.member("tools"));
    call.tool_choice = read_chat_choice(request.member("tool_choice"), tools);
    if (call.tool_choice.kind == ToolChoice::Kind::none) tools = {};
    call.parallel_calls = policy.strict_hosted || parallel(request.member("parallel_tool_calls"));
    call.tools = std::move(tools.schemas);
    call.response_format = read_chat_format(request.member("response_format"), policy);

    read_sampling(request, call.sampling);
    read_logprobs(request, call.sampling);
    call.sampling.max_tokens = read_limit(request, served_model(policy, model.id), policy);
    settle_thinking(call, model, read_wish(request), policy, context);
    check_json_word(call);
    check_hosted_limits(call, policy, "reasoning_content");
    hang_on_system(call.messages, std::move(tools.prompt), read_format(request.member("response_format")));
  });
  return call;
}

}  // namespace fathom::api
