// Any bytes as a request to the Responses surface: a call that has a prompt, or a 400; with an answer in it that is
// JSON whatever the request said; and a stored conversation that can be gone on from.
#include <cstdint>
#include <string>
#include <string_view>

#include "fathom/api/api_error.h"
#include "fathom/api/response_store.h"
#include "fathom/api/responses_body.h"
#include "fathom/api/responses_writer.h"
#include "fathom/base/error.h"
#include "fathom/chat/json_text.h"
#include "fathom/chat/prompt.h"
#include "fathom/tokenizer/utf8.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace fathom;  // NOLINT(google-build-using-namespace): one function
  api::Policy policy;
  policy.models = {{.id = "deepseek-v4-pro", .context_tokens = 1048576, .max_output_tokens = 393216, .created = 0}};
  if (size > 0) {  // the first byte is the operator
    policy.strict_hosted = (data[0] & 1) != 0;
    policy.strict_reasoning = (data[0] & 2) != 0;
  }
  const std::string_view body(reinterpret_cast<const char*>(data), size);
  try {
    api::Call call = api::read_responses(body.substr(size > 0 ? 1 : 0), policy, {});
    Answer answer;
    answer.reasoning_content = "r";
    answer.content = "JSON";
    for (const api::ToolSchema& tool : call.tools) answer.calls.push_back({.name = tool.name, .arguments = "{}"});
    api::StoredResponse earlier;
    earlier.turns.resize(1);
    if (call.previous_response) api::continue_response(call, earlier);
    const std::string prompt = render_prompt(call.messages, call.prompt);
    check(utf8_lossy(prompt) == prompt, "prompts are UTF-8");
    check(!call.messages.empty(), "a call has messages");

    const api::AnswerIdentity identity{.id = "1", .model = call.model, .fingerprint = "", .created = 0};
    const auto writer = api::write_responses(call, identity);
    const std::string text = writer->finish({.reason = api::EndReason::stop, .stop_string = {}, .usage = {}});
    check(call.stream ? text.ends_with("}\n\n") : is_json_object(text), "a response is JSON");

    const api::StoredResponse stored = api::stored_response(call, answer, "1");
    api::Call next;
    for (const ToolCall& made : stored.turns.back().tool_calls) {
      next.messages.emplace_back().role = Role::tool;
      next.messages.back().tool_call_id = made.id;
    }
    if (call.messages.back().role != Role::assistant) api::continue_response(next, stored);
  } catch (const api::ApiError& error) {
    check(error.status() == 400 && is_json_object(api::error_body(error, false)), "what is refused is a 400, in JSON");
  }
  return 0;
}
