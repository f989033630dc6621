// What goes wrong on the way to an answer, as the client is told it.
#pragma once

#include <exception>
#include <string_view>
#include <vector>

#include "fathom/api/api_error.h"
#include "fathom/engine/generator.h"
#include "fathom/server/http_message.h"
#include "fathom/server/request_log.h"

namespace fathom::server {

// The caller's fault is a 400 in its own words. Ours is a 500 that gives no more than the trace id: what happened goes
// to the log under it.
api::ApiError as_api_error(const std::exception& fault, std::string_view trace_id, RequestLog& log);
api::ApiError as_api_error(const Refusal& refusal);
// A request that the ledger could not take (accounts::Ledger::when_writable).
api::ApiError unrecorded(const std::exception_ptr& fault, std::string_view trace_id, RequestLog& log);

// With Retry-After if the error says so.
HttpResponse error_response(const api::ApiError& error, bool anthropic, std::vector<HttpHeader> headers);

}  // namespace fathom::server
