// The hosted API's errors by name (api.md 8), with its words and our limits. Clients read some of these words: agents
// shorten a conversation when they find "maximum context length is M".
#pragma once

#include <cstdint>
#include <string_view>

#include "fathom/api/api_error.h"
#include "fathom/api/policy.h"

namespace fathom::api {

ApiError invalid_request(std::string_view message);  // 400

ApiError unknown_model(const Policy& policy, std::string_view passed);
ApiError out_of_range(std::string_view field, double low, double high);
// The prompt and what was asked for beyond it, in tokens.
ApiError beyond_context(std::int64_t context_tokens, std::int64_t prompt_tokens, std::int64_t max_tokens);
ApiError too_many_stop_strings(std::string_view field);

ApiError no_messages();
ApiError no_json_word();
ApiError no_such_format();
ApiError no_choice_in_thinking();
ApiError no_content();
ApiError no_tool_results();
ApiError no_tool_calls();
ApiError no_last_turn();
ApiError no_stream();
ApiError no_beta(std::string_view field);
ApiError no_reasoning(std::string_view field);  // `reasoning_content`, `content[].thinking`
ApiError repeated_tool_name();

ApiError no_key();                              // 401
ApiError unknown_key(std::string_view key);     // 401; shows the last four characters
ApiError no_balance();                          // 402
ApiError no_permission(std::string_view what);  // 403: "model deepseek-v4-pro"
ApiError no_prices(std::string_view currency);  // 403: an account that could not be charged
ApiError nothing_there(std::string_view path);  // 404
ApiError too_many_requests(std::int64_t running, std::int64_t limit, double retry_after_seconds);  // 429
// 429: `unit` is TPM or TPD, tokens a minute or a day.
ApiError too_many_tokens(std::string_view unit, std::int64_t asked, std::int64_t limit, double retry_after_seconds);
ApiError our_fault(std::string_view trace);      // 500; what happened is in the log under that id
ApiError too_busy(double retry_after_seconds);   // 503
ApiError no_record(double retry_after_seconds);  // 503: nobody could say later what it cost

}  // namespace fathom::api
