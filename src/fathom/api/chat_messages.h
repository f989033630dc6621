// The messages of the chat surface (api.md 4.1), checked and as the encoding wants them.
#pragma once

#include <vector>

#include "fathom/api/policy.h"
#include "fathom/chat/json_field.h"
#include "fathom/chat/message.h"

namespace fathom::api {

// `messages` is the field; `beta`: the request came by /beta, where the last message may be an answer's beginning.
// A developer is a system here. A system message after the first turn is part of the user's turn: the encoding writes
// it as bare text and hands the word to nobody after it. One that no turn follows is the user's turn.
std::vector<ChatMessage> read_chat_messages(const JsonField& messages, const Policy& policy, bool beta);

}  // namespace fathom::api
