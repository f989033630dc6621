// An answer as Anthropic's messages: a message, or the events that build one (api.md 6.3, 6.4).
#pragma once

#include <memory>

#include "fathom/api/answer_writer.h"
#include "fathom/api/call.h"

namespace fathom::api {

// Streams if the call asks for it. A call that was cut off gets no last brace in the stream, and is left out of a body.
std::unique_ptr<AnswerWriter> write_anthropic(const Call& call, AnswerIdentity identity);

// {"input_tokens": N}, the answer to count_tokens.
std::string anthropic_token_count(std::int64_t tokens);

}  // namespace fathom::api
