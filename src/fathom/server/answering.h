// One call of a model from its bytes to its answer's last byte, over four kinds of threads:
//
//   ledger   can it be written? (accounts/ledger.h)
//   worker   the body becomes a Call, a prompt, tokens, and is submitted
//   engine   on_progress, on_token: note it, wake the strand; nothing else
//   strand   tokens become bytes in the connection's outbox; keep-alives; the client's leaving cancels
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "fathom/accounts/ledger.h"
#include "fathom/api/policy.h"
#include "fathom/api/response_store.h"
#include "fathom/server/answer_memory.h"
#include "fathom/server/dialects.h"
#include "fathom/server/exchange.h"
#include "fathom/server/hosted_model.h"
#include "fathom/server/metrics.h"
#include "fathom/server/request_log.h"
#include "fathom/server/text_store.h"
#include "fathom/server/visitor.h"
#include "fathom/server/workers.h"

namespace fathom::server {

struct AnsweringConfig {
  std::chrono::milliseconds keep_alive{5000};          // silence after which a client is told that we are still there
  std::chrono::milliseconds progress{5000};            // between two lines of the log while a prompt is read
  std::chrono::milliseconds start_limit{600'000};      // until the prompt begins to be read
  std::chrono::milliseconds answer_limit{86'400'000};  // until the answer is complete
};

// What every answer needs; outlives them.
struct AnsweringServices {
  AnsweringConfig config;
  api::Policy policy;
  std::map<std::string, HostedModel, std::less<>> models;  // by id
  api::ResponseStore& responses;
  AnswerMemory& answers;
  Workers& workers;
  Metrics& metrics;
  RequestLog& log;
  accounts::Ledger* ledger = nullptr;  // null: nothing is recorded
  TextStore* texts = nullptr;          // null: no text is kept
};

struct AnsweringRequest {
  const Dialect* dialect = nullptr;
  bool anthropic = false;           // how errors are written
  std::vector<HttpHeader> headers;  // of every answer
  api::RequestContext context;
  Visitor visitor;
  RequestRecord record;  // what is known already
};

// On the exchange's strand.
void answer_call(const std::shared_ptr<Exchange>& exchange, const AnsweringServices& services,
                 AnsweringRequest request);

}  // namespace fathom::server
