#include "fathom/server/finished_request.h"

#include <algorithm>

namespace fathom::server {

accounts::FinishedRequest finished_request(const RequestEnd& end) {
  const Visitor& visitor = end.visitor;
  const std::int64_t prompt = end.answered ? end.usage.prompt_tokens : std::min(end.read, end.usage.prompt_tokens);
  const std::int64_t hit = end.answered ? end.usage.cached_tokens : std::min(end.found, prompt);
  return {.id = end.record.trace_id,
          .at = end.at,
          .account = visitor.account.empty() ? std::string(accounts::kNobody) : visitor.account,
          .api_key = visitor.key,
          .model = std::string(end.model),
          .surface = end.record.surface,
          .tokens = {.hit = hit, .miss = prompt - hit, .output = end.usage.completion_tokens},
          .reasoning = end.usage.reasoning_tokens,
          .currency = visitor.currency,
          .cost = {},  // the ledger knows the prices
          .finish = std::string(end.finish),
          .milliseconds = static_cast<std::int64_t>(1e3 * end.seconds)};
}

StoredText stored_text(const Visitor& visitor, const RequestRecord& record, std::int64_t at, Texts texts) {
  return {.at = at,
          .id = record.trace_id,
          .account = visitor.account,
          .key = visitor.key,
          .surface = record.surface,
          .model = record.model,
          .finish = record.finish,
          .request = std::move(texts.request),
          .answer = std::move(texts.answer)};
}

void note_usage(RequestRecord& record, const api::Usage& usage) {
  record.prompt_tokens = usage.prompt_tokens;
  record.cached_tokens = usage.cached_tokens;
  record.drafted_tokens = usage.drafted_tokens;
  record.accepted_tokens = usage.accepted_tokens;
  record.output_tokens = usage.completion_tokens;
  record.reasoning_tokens = usage.reasoning_tokens;
}

std::string_view finish_name(api::EndReason reason) {
  switch (reason) {
    case api::EndReason::stop: return "stop";
    case api::EndReason::stop_string: return "stop_string";
    case api::EndReason::length: return "length";
    case api::EndReason::tool_calls: return "tool_calls";
    case api::EndReason::overloaded: return "overloaded";
  }
  return "stop";
}

void note_times(RequestRecord& record, const RequestTimes& times) {
  if (times.began != Clock::time_point{}) record.queue_seconds = seconds_between(times.submitted, times.began);
  if (times.first_token != Clock::time_point{}) {
    record.first_token_seconds = seconds_between(times.start, times.first_token);
    record.token_seconds = seconds_between(times.first_token, times.last_token);
  }
  record.seconds = seconds_between(times.start, Clock::now());
}

}  // namespace fathom::server
