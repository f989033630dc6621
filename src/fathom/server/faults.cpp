#include "fathom/server/faults.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "fathom/api/hosted_errors.h"
#include "fathom/base/error.h"

namespace fathom::server {

api::ApiError as_api_error(const std::exception& fault, std::string_view trace_id, RequestLog& log) {
  if (const auto* known = dynamic_cast<const api::ApiError*>(&fault)) return *known;
  if (dynamic_cast<const InputError*>(&fault) != nullptr) return api::invalid_request(fault.what());
  log.error(fmt::format("id={} fault: {}", trace_id, fault.what()));
  return api::our_fault(trace_id);
}

api::ApiError unrecorded(const std::exception_ptr& fault, std::string_view trace_id, RequestLog& log) {
  constexpr double kRetry = 5.0;
  try {
    std::rethrow_exception(fault);
  } catch (const std::exception& error) {
    log.error(fmt::format("id={} the ledger cannot be written: {}", trace_id, error.what()));
  }
  return api::no_record(kRetry);
}

api::ApiError as_api_error(const Refusal& refusal) {
  const auto error = [&](int status, const char* type) {
    api::ApiError made(status, type, refusal.message);
    made.retry_after = refusal.retry_after_seconds;
    return made;
  };
  switch (refusal.reason) {
    case Refusal::Reason::queue_full:
    case Refusal::Reason::user_limit:
    case Refusal::Reason::account_limit: return error(429, "rate_limit_error");
    case Refusal::Reason::draining: return error(503, "service_unavailable_error");
    case Refusal::Reason::too_large: break;
  }
  return refusal.retry_after_seconds > 0.0 ? error(429, "rate_limit_error") : error(400, "invalid_request_error");
}

HttpResponse error_response(const api::ApiError& error, bool anthropic, std::vector<HttpHeader> headers) {
  headers.push_back({"content-type", "application/json"});
  if (error.retry_after > 0.0)
    headers.push_back({"retry-after", fmt::format("{:.0f}", std::max(1.0, std::ceil(error.retry_after)))});
  return {.status = error.status(), .headers = std::move(headers), .body = api::error_body(error, anthropic)};
}

}  // namespace fathom::server
