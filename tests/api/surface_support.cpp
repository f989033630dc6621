#include "tests/api/surface_support.h"

#include <gtest/gtest.h>

#include "fathom/api/anthropic_body.h"
#include "fathom/api/api_error.h"
#include "fathom/api/chat_body.h"
#include "fathom/api/responses_body.h"
#include "fathom/chat/prompt.h"

namespace fathom::api::test {

Policy policy() {
  Policy made;
  for (const std::string id : {"deepseek-v4-flash", "deepseek-v4-pro"})
    made.models.push_back({.id = id, .context_tokens = 1048576, .max_output_tokens = 393216, .created = 0});
  return made;
}

RequestContext context() {
  RequestContext made;
  made.now = 1780272000;
  made.user_agent = "curl/8";
  return made;
}

RequestContext claude_code() {
  RequestContext made = context();
  made.user_agent = "claude-cli/2.1.330 (external, sdk-cli)";
  made.anthropic_beta = "claude-code-20250219,context-1m-2025-08-07";
  return made;
}

Call chat(std::string_view body) { return read_chat(body, policy(), context()); }
Call anthropic(std::string_view body) { return read_anthropic(body, policy(), context()); }
Call responses(std::string_view body) { return read_responses(body, policy(), context()); }

std::string prompt_of(const Call& call) { return render_prompt(call.messages, call.prompt); }

std::string refusal(const std::function<void()>& read) {
  try {
    read();
  } catch (const ApiError& error) {
    EXPECT_EQ(error.status(), 400);
    EXPECT_EQ(error.type(), "invalid_request_error");
    return error.what();
  }
  return "none";
}

std::string body_refusal(const std::function<void()>& read) {
  constexpr std::string_view kOpening = "Failed to deserialize the JSON body into the target type: ";
  const std::string text = refusal(read);
  if (!text.starts_with(kOpening)) return text;
  EXPECT_NE(text.find(" at line "), std::string::npos) << text;
  return "~ " + text.substr(kOpening.size(), text.find(" at line ") - kOpening.size());
}

}  // namespace fathom::api::test
