// Any bytes as a request to the chat or the completions surface: a call within its limits that has a prompt, or a 400;
// and an answer in it that is JSON whatever the request said.
#include <cstdint>
#include <string>
#include <string_view>

#include "fathom/api/api_error.h"
#include "fathom/api/call_limits.h"
#include "fathom/api/chat_body.h"
#include "fathom/api/chat_writer.h"
#include "fathom/api/completion_body.h"
#include "fathom/api/completion_writer.h"
#include "fathom/api/model_names.h"
#include "fathom/base/error.h"
#include "fathom/chat/json_text.h"
#include "fathom/chat/prompt.h"
#include "fathom/tokenizer/utf8.h"

namespace fathom {
namespace {

void check_call(const api::Call& call, const api::Policy& policy) {
  const std::int64_t most = api::served_model(policy, call.model).max_output_tokens;
  const api::CallSampling& sampling = call.sampling;
  check(sampling.max_tokens.value_or(1) >= 1 && sampling.max_tokens.value_or(1) <= most, "a limit within the model's");
  check(sampling.temperature >= 0 && sampling.temperature <= 2, "a temperature");
  check(sampling.top_p >= 0 && sampling.top_p <= 1, "a share");
  check(sampling.top_logprobs >= -1 && sampling.top_logprobs <= 20, "a number of tokens");
  check(sampling.stop.size() <= 16, "stop strings");
  check(call.user.size() <= 512, "a user");
  for (const std::string& stop : sampling.stop) check(!stop.empty(), "a stop string stops something");
  const std::string prompt = call.completion ? call.completion->prompt : render_prompt(call.messages, call.prompt);
  check(utf8_lossy(prompt) == prompt, "prompts are UTF-8");
  for (const api::ToolSchema& tool : call.tools) check(is_json_object(tool.parameters), "a schema is an object");
  check(call.response_format.schema.empty() || is_json_object(call.response_format.schema), "a format is an object");
}

void check_answer(const api::Call& call) {
  const api::AnswerIdentity identity{.id = "1", .model = call.model, .fingerprint = "", .created = 0};
  const auto writer = call.completion ? api::write_completion(call, identity) : api::write_chat(call, identity);
  writer->begin({});
  writer->piece({.kind = AnswerDelta::Kind::content, .text = "text"});
  const std::string answer = writer->finish({.reason = api::EndReason::stop, .stop_string = {}, .usage = {}});
  check(call.stream ? answer.ends_with("data: [DONE]\n\n") : is_json_object(answer), "a body is JSON, a stream ends");
}

}  // namespace
}  // namespace fathom

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace fathom;  // NOLINT(google-build-using-namespace): one function
  if (size == 0) return 0;
  // The first byte is the surface, the operator and the path.
  const int choice = data[0];
  api::Policy policy;
  policy.models = {{.id = "deepseek-v4-flash", .context_tokens = 4096, .max_output_tokens = 2048, .created = 0},
                   {.id = "deepseek-v4-pro", .context_tokens = 1048576, .max_output_tokens = 393216, .created = 0}};
  policy.strict_hosted = (choice & 1) != 0;
  policy.strict_reasoning = (choice & 2) != 0;
  policy.clip_max_tokens = (choice & 4) == 0;
  policy.keep_old_names = (choice & 8) != 0;
  api::RequestContext context;
  context.now = api::kOldNamesUntil;
  context.beta = (choice & 16) != 0;
  if ((choice & 32) != 0) context.user_agent = "opencode/1";
  const std::string_view body(reinterpret_cast<const char*>(data) + 1, size - 1);
  try {
    const api::Call call =
        (choice & 64) != 0 ? api::read_completion(body, policy, context) : api::read_chat(body, policy, context);
    check_call(call, policy);
    check_answer(call);
  } catch (const api::ApiError& error) {
    check(error.status() == 400 && is_json_object(api::error_body(error, false)), "what is refused is a 400, in JSON");
    check(utf8_lossy(error.what()) == error.what(), "an error is UTF-8");
  }
  return 0;
}
