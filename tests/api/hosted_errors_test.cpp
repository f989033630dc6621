#include "fathom/api/hosted_errors.h"

#include <gtest/gtest.h>

#include "tests/api/surface_support.h"

namespace fathom::api {
namespace {

struct Row {
  ApiError error;
  int status;
  std::string type;
  std::string code;
  std::string message;
};

// api.md section 8, row by row.
TEST(HostedErrors, EveryRow) {
  const std::string invalid = "invalid_request_error";
  const std::vector<Row> rows = {
      {unknown_model(test::policy(), "X"), 400, invalid, invalid,
       "The supported API model names are deepseek-v4-pro or deepseek-v4-flash, but you passed X."},
      {out_of_range("max_tokens", 1, 393216), 400, invalid, invalid,
       "Invalid max_tokens value, the valid range of max_tokens is [1, 393216]"},
      {out_of_range("top_logprobs", 0, 20), 400, invalid, invalid,
       "Invalid top_logprobs value, the valid range of top_logprobs is [0, 20]"},
      {out_of_range("temperature", 0, 1.5), 400, invalid, invalid,
       "Invalid temperature value, the valid range of temperature is [0, 1.5]"},
      {beyond_context(1048576, 1048000, 8192), 400, invalid, invalid,
       "This model's maximum context length is 1048576 tokens. However, you requested 1056192 tokens (1048000 in the "
       "messages, 8192 in the completion). Please reduce the length of the messages or completion."},
      {no_json_word(), 400, invalid, invalid,
       "Prompt must contain the word 'json' in some form to use 'response_format' of type 'json_object'."},
      {no_choice_in_thinking(), 400, invalid, invalid, "Thinking mode does not support this tool_choice"},
      {no_tool_results(), 400, invalid, invalid,
       "An assistant message with 'tool_calls' must be followed by tool messages responding to each 'tool_call_id'. "
       "(insufficient tool messages following tool_calls message)"},
      {no_content(), 400, invalid, invalid, "Invalid assistant message: content or tool_calls must be set"},
      {no_reasoning("reasoning_content"), 400, invalid, invalid,
       "The `reasoning_content` in the thinking mode must be passed back to the API."},
      {no_reasoning("content[].thinking"), 400, invalid, invalid,
       "The `content[].thinking` in the thinking mode must be passed back to the API."},
      {no_key(), 401, "authentication_error", invalid, "Authentication Fails (governor)"},
      {unknown_key("sk-00000000"), 401, "authentication_error", invalid,
       "Authentication Fails, Your api key: ****0000 is invalid"},
      {no_balance(), 402, "unknown_error", invalid, "Insufficient Balance"},
      {nothing_there("/x"), 404, invalid, invalid, "There is nothing at /x"},
      {no_permission("deepseek-v4-pro"), 403, "permission_error", "invalid_request_error",
       "Your api key does not open deepseek-v4-pro"},
      {too_many_tokens("TPM", 700, 600, 2.0), 429, "rate_limit_error", "rate_limit_error",
       "Rate limit reached for TPM: 700 tokens with this request, the limit is 600. Please retry later."},
      {too_many_requests(40, 39, 1.5), 429, "rate_limit_error", "rate_limit_error",
       "Your current concurrency is 40, which exceeds your concurrency limit of 39. Please retry after some of your "
       "requests have ended."},
      {our_fault("f00d"), 500, "internal_server_error", "internal_server_error",
       "The server had an error while processing your request (trace id f00d)"},
      {too_busy(2), 503, "service_unavailable_error", "service_unavailable_error",
       "Service is too busy. We advise users to temporarily switch to alternative LLM API service providers."}};
  for (const Row& row : rows) {
    EXPECT_EQ(row.error.status(), row.status) << row.message;
    EXPECT_EQ(row.error.type(), row.type) << row.message;
    EXPECT_EQ(row.error.code(), row.code) << row.message;
    EXPECT_EQ(row.error.what(), row.message);
  }
  EXPECT_EQ(too_many_requests(40, 39, 1.5).retry_after, 1.5);
  EXPECT_EQ(too_busy(2).retry_after, 2);
  EXPECT_EQ(no_balance().retry_after, 0);
}

TEST(HostedErrors, KeysAreNotToldInFullAndNotAsBytes) {
  EXPECT_STREQ(unknown_key("abc").what(), "Authentication Fails, Your api key: ****abc is invalid");
  EXPECT_STREQ(unknown_key("").what(), "Authentication Fails, Your api key: **** is invalid");
  EXPECT_STREQ(unknown_key("secret-\xff\n\"z").what(), "Authentication Fails, Your api key: ****??\"z is invalid");
}

TEST(HostedErrors, WhereTheWordsAreOurs) {
  for (const ApiError& error : {no_messages(), no_such_format(), no_tool_calls(), no_last_turn(), no_stream(),
                                no_beta("messages[1].prefix"), repeated_tool_name(), too_many_stop_strings("stop")}) {
    EXPECT_EQ(error.status(), 400);
    EXPECT_EQ(error.type(), "invalid_request_error");
    EXPECT_GT(std::string(error.what()).size(), 15U);
  }
}

}  // namespace
}  // namespace fathom::api
