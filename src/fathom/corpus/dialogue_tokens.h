// A dialogue as the very tokens that the model reads, each with whether it is to be learned: what the assistant wrote
// is (reasoning, </think>, content, DSML calls, end of sentence), what it was given is not.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "fathom/chat/message.h"
#include "fathom/tokenizer/tokenizer.h"

namespace fathom {

struct DialogueTokens {
  std::vector<std::int32_t> ids;
  std::vector<std::uint8_t> loss;  // [ids]
};

// `place` opens the InputError: no assistant message; or one whose first token would join what stands before it, as
// after a system message alone.
DialogueTokens dialogue_tokens(const ChatRequest& dialogue, const Tokenizer& tokenizer, std::string_view place);

}  // namespace fathom
