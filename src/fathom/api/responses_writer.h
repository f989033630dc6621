// An answer as the Responses surface has it: a response of items, or the events that build one (api.md 7).
#pragma once

#include <memory>

#include "fathom/api/answer_writer.h"
#include "fathom/api/call.h"

namespace fathom::api {

// Streams if the call asks for it. Clients run a call when its item is done, whatever comes after: one that was cut off
// is never done, it only stands in the response with the status "incomplete".
std::unique_ptr<AnswerWriter> write_responses(const Call& call, AnswerIdentity identity);

}  // namespace fathom::api
