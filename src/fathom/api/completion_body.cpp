#include "fathom/api/completion_body.h"

#include <algorithm>

#include "fathom/api/body_fields.h"
#include "fathom/api/call_limits.h"
#include "fathom/api/hosted_errors.h"
#include "fathom/api/model_names.h"
#include "fathom/api/sampling_fields.h"

namespace fathom::api {

Call read_completion(std::string_view body, const Policy& policy, const RequestContext& context) {
  Call call;
  call.surface = Surface::completions;
  call.beta = context.beta;
  call.prompt.thinking_mode = ThinkingMode::chat;
  call.tool_choice.kind = ToolChoice::Kind::none;
  read_body(body, [&](const JsonField& request) {
    if (policy.strict_hosted && !call.beta) throw no_beta("completions api");
    call.requested_model = required_text(request.member("model"));
    call.model = choose_model(call.requested_model, call.surface, policy, context.now).id;
    call.completion = Completion{.prompt = required_text(request.member("prompt")),
                                 .suffix = request.member("suffix").text_or_none(),
                                 .echo = request.member("echo").truth_or(false)};
    read_stream(request, call);
    call.user = read_user_id(request.member("user_id"), policy);
    read_sampling(request, call.sampling);
    call.sampling.top_logprobs = integer_in(request.member("logprobs"), 0, kMostLogprobs).value_or(-1);
    ServedModel model = served_model(policy, call.model);
    model.max_output_tokens = std::min(model.max_output_tokens, kCompletionMaxTokens);
    call.sampling.max_tokens = read_max_tokens(request.member("max_tokens"), model, policy, kCompletionMaxTokens);
  });
  return call;
}

}  // namespace fathom::api
