// An answer as a text completion: a body, or the chunks that build one (api.md 5).
#pragma once

#include <memory>

#include "fathom/api/answer_writer.h"
#include "fathom/api/call.h"

namespace fathom::api {

// Streams if the call asks for it. All of the answer is text; `call` has a completion. With echo the prompt leads it.
std::unique_ptr<AnswerWriter> write_completion(const Call& call, AnswerIdentity identity);

}  // namespace fathom::api
