// Any bytes as a request to the Anthropic surface: a call that has a prompt, or a 400; and an answer in it that is JSON
// whatever the request said.
#include <cstdint>
#include <string>
#include <string_view>

#include "fathom/api/anthropic_body.h"
#include "fathom/api/anthropic_writer.h"
#include "fathom/api/api_error.h"
#include "fathom/base/error.h"
#include "fathom/chat/json_text.h"
#include "fathom/chat/prompt.h"
#include "fathom/tokenizer/utf8.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace fathom;  // NOLINT(google-build-using-namespace): one function
  api::Policy policy;
  policy.models = {{.id = "deepseek-v4-flash", .context_tokens = 1048576, .max_output_tokens = 393216, .created = 0}};
  api::RequestContext context;
  if (size > 0) {  // the first byte is the operator and the headers
    policy.strict_hosted = (data[0] & 1) != 0;
    policy.strict_reasoning = (data[0] & 2) != 0;
    if ((data[0] & 4) != 0) context.user_agent = "claude-cli/2";
  }
  const std::string_view body(reinterpret_cast<const char*>(data), size);
  try {
    const api::Call call = api::read_anthropic(body.substr(size > 0 ? 1 : 0), policy, context);
    const std::string prompt = render_prompt(call.messages, call.prompt);
    check(utf8_lossy(prompt) == prompt, "prompts are UTF-8");
    check(!call.messages.empty() && call.model == "deepseek-v4-flash", "a call has messages and a model");
    const auto writer = api::write_anthropic(call, {.id = "1", .model = call.model, .fingerprint = "", .created = 0});
    const std::string answer = writer->finish({.reason = api::EndReason::stop, .stop_string = {}, .usage = {}});
    check(call.stream || is_json_object(answer), "a body is JSON");
  } catch (const api::ApiError& error) {
    check(error.status() == 400 && is_json_object(api::error_body(error, true)), "what is refused is a 400, in JSON");
  }
  return 0;
}
