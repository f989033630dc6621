#include "fathom/api/hosted_errors.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <string>

#include "fathom/chat/json_field.h"

namespace fathom::api {
namespace {

constexpr std::string_view kInvalid = "invalid_request_error";
constexpr std::string_view kUnavailable = "service_unavailable_error";

ApiError unauthorized(const std::string& message) {
  return {401, "authentication_error", message, std::string(kInvalid)};
}

ApiError with_retry(ApiError error, double seconds) {
  error.retry_after = seconds;
  return error;
}

}  // namespace

ApiError invalid_request(std::string_view message) { return {400, std::string(kInvalid), std::string(message)}; }

ApiError unknown_model(const Policy& policy, std::string_view passed) {
  // Flash leads the list of models, Pro this sentence.
  std::string names;
  for (auto model = policy.models.rbegin(); model != policy.models.rend(); ++model) {
    if (!names.empty()) names += std::next(model) == policy.models.rend() ? " or " : ", ";
    names += model->id;
  }
  return invalid_request(
      fmt::format("The supported API model names are {}, but you passed {}.", names, text_start(passed, 200)));
}

ApiError out_of_range(std::string_view field, double low, double high) {
  return invalid_request(fmt::format("Invalid {0} value, the valid range of {0} is [{1}, {2}]", field, low, high));
}

ApiError beyond_context(std::int64_t context_tokens, std::int64_t prompt_tokens, std::int64_t max_tokens) {
  return invalid_request(
      fmt::format("This model's maximum context length is {} tokens. However, you requested {} tokens ({} in the "
                  "messages, {} in the completion). Please reduce the length of the messages or completion.",
                  context_tokens, prompt_tokens + max_tokens, prompt_tokens, max_tokens));
}

ApiError too_many_stop_strings(std::string_view field) {
  return invalid_request(fmt::format("Invalid {} value, at most 16 strings are allowed", field));
}

ApiError no_messages() { return invalid_request("Empty input messages"); }

ApiError no_json_word() {
  return invalid_request(
      "Prompt must contain the word 'json' in some form to use 'response_format' of type 'json_object'.");
}

ApiError no_such_format() { return invalid_request("This response_format type is unavailable now"); }

ApiError no_choice_in_thinking() { return invalid_request("Thinking mode does not support this tool_choice"); }

ApiError no_content() { return invalid_request("Invalid assistant message: content or tool_calls must be set"); }

ApiError no_tool_results() {
  return invalid_request(
      "An assistant message with 'tool_calls' must be followed by tool messages responding to each 'tool_call_id'. "
      "(insufficient tool messages following tool_calls message)");
}

ApiError no_tool_calls() {
  return invalid_request("Messages with role 'tool' must be a response to a preceding message with 'tool_calls'");
}

ApiError no_last_turn() {
  return invalid_request(
      "The last message must be a user or tool message, or an assistant message with prefix mode on (refer to "
      "https://api-docs.deepseek.com/guides/chat_prefix_completion)");
}

ApiError no_stream() { return invalid_request("stream_options should be set along with stream = true"); }

ApiError no_beta(std::string_view field) {
  return invalid_request(
      fmt::format("{} is only available when using beta api (set a base_url that ends in /beta)", field));
}

ApiError no_reasoning(std::string_view field) {
  return invalid_request(fmt::format("The `{}` in the thinking mode must be passed back to the API.", field));
}

ApiError repeated_tool_name() { return invalid_request("Tool names must be unique."); }

ApiError no_key() { return unauthorized("Authentication Fails (governor)"); }

ApiError unknown_key(std::string_view key) {
  constexpr std::size_t kShown = 4;
  std::string tail(key.substr(key.size() - std::min(kShown, key.size())));
  for (char& c : tail)
    if (c <= ' ' || c > '~') c = '?';  // a header may hold any bytes
  return unauthorized(fmt::format("Authentication Fails, Your api key: ****{} is invalid", tail));
}

ApiError no_balance() { return {402, "unknown_error", "Insufficient Balance", std::string(kInvalid)}; }

ApiError no_permission(std::string_view what) {
  return {403, "permission_error", fmt::format("Your api key does not open {}", what), std::string(kInvalid)};
}

ApiError no_prices(std::string_view currency) {
  return {403, "permission_error",
          fmt::format("Your account is charged in {}, for which there are no prices here. Please contact the operator",
                      currency),
          std::string(kInvalid)};
}

ApiError nothing_there(std::string_view path) {
  return {404, std::string(kInvalid), fmt::format("There is nothing at {}", path)};
}

ApiError too_many_requests(std::int64_t running, std::int64_t limit, double retry_after_seconds) {
  return with_retry({429, "rate_limit_error",
                     fmt::format("Your current concurrency is {}, which exceeds your concurrency limit of {}. Please "
                                 "retry after some of your requests have ended.",
                                 running, limit)},
                    retry_after_seconds);
}

ApiError too_many_tokens(std::string_view unit, std::int64_t asked, std::int64_t limit, double retry_after_seconds) {
  return with_retry(
      {429, "rate_limit_error",
       fmt::format("Rate limit reached for {}: {} tokens with this request, the limit is {}. Please retry "
                   "later.",
                   unit, asked, limit)},
      retry_after_seconds);
}

ApiError our_fault(std::string_view trace) {
  return {500, "internal_server_error",
          fmt::format("The server had an error while processing your request (trace id {})", trace)};
}

ApiError no_record(double retry_after_seconds) {
  return with_retry({503, std::string(kUnavailable),
                     "Requests cannot be recorded at the moment, so none is answered. Please retry later."},
                    retry_after_seconds);
}

ApiError too_busy(double retry_after_seconds) {
  return with_retry({503, std::string(kUnavailable),
                     "Service is too busy. We advise users to temporarily switch to alternative LLM API service "
                     "providers."},
                    retry_after_seconds);
}

}  // namespace fathom::api
