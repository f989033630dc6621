// What the ledger is told of a request once a model has worked for it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "fathom/accounts/request_book.h"
#include "fathom/api/answer_writer.h"
#include "fathom/server/exchange.h"
#include "fathom/server/request_record.h"
#include "fathom/server/text_store.h"
#include "fathom/server/visitor.h"

namespace fathom::server {

struct RequestEnd {
  const Visitor& visitor;
  const RequestRecord& record;
  const api::Usage& usage;
  std::string_view model;   // as served
  std::string_view finish;  // of the log
  std::int64_t at = 0;      // when it came, seconds since 1970
  std::int64_t read = 0;    // of the prompt, so far
  std::int64_t found = 0;   // of that, in the cache
  bool answered = false;    // a token came
  double seconds = 0.0;     // since it came
};

// Whether or not its client stayed. Of a prompt whose first token never came, what was read counts, and of that what
// was found as found.
accounts::FinishedRequest finished_request(const RequestEnd& end);

// Where texts are kept: the same request with its own. The record is complete; `at`: when it came.
struct Texts {
  std::string request;
  std::string answer;
};
StoredText stored_text(const Visitor& visitor, const RequestRecord& record, std::int64_t at, Texts texts);

// For the log and the figures.
void note_usage(RequestRecord& record, const api::Usage& usage);
std::string_view finish_name(api::EndReason reason);

// None: it did not come to that.
struct RequestTimes {
  Clock::time_point start;
  Clock::time_point submitted;
  Clock::time_point began;  // to be read by the model
  Clock::time_point first_token;
  Clock::time_point last_token;
};
void note_times(RequestRecord& record, const RequestTimes& times);

}  // namespace fathom::server
