// An answer as a chat completion: a body, or the chunks that build one (api.md 4.2, 4.3).
#pragma once

#include <memory>

#include "fathom/api/answer_writer.h"
#include "fathom/api/call.h"

namespace fathom::api {

// Streams if the call asks for it; usage rides on the last chunk in any case, as on the hosted API. With logprobs a
// piece of the stream waits for its tokens. A call that was cut off gets no last brace in the stream, and is left out
// of a body.
std::unique_ptr<AnswerWriter> write_chat(const Call& call, AnswerIdentity identity);

}  // namespace fathom::api
