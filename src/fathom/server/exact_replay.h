// A conversation as the tokens that it was: answers that a client sends back as it was told them are the ids that were
// sampled, everything else is encoded (docs/exact_replay.md).
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "fathom/api/call.h"
#include "fathom/chat/answer.h"
#include "fathom/chat/prompt.h"
#include "fathom/server/answer_memory.h"
#include "fathom/tokenizer/tokenizer.h"

namespace fathom::server {

// Whose answers may be replayed, and where they are looked for.
struct Replay {
  AnswerMemory* memory = nullptr;  // null: nothing is replayed
  std::string scope;
};

struct PromptIds {
  std::vector<std::int32_t> ids;
  // Of them, system text and tools: what another session of the same client begins with too. 0: none, or nobody knows.
  std::int64_t instructions = 0;
};

PromptIds replayed_ids(const MarkedPrompt& prompt, const api::Call& call, const Tokenizer& tokenizer,
                       const Replay& replay);

// An answer as its client was told it; `ids` without the end of sentence.
struct ToldAnswer {
  const Answer& answer;
  std::string_view id;  // AnswerIdentity::id
  std::span<const std::int32_t> ids;
  bool in_thinking = false;  // it began inside its reasoning
  // A stop string ended it, or the client left: more may have been sampled than was told.
  bool cut = false;
  std::size_t content = 0;  // bytes that were told of it
};
// Those whose text was told, as far as they go on from its beginning; all of them, if calls were among it.
std::span<const std::int32_t> told_ids(const ToldAnswer& told, const Tokenizer& tokenizer);
// Nothing of an answer that went on from the client's own words.
void remember_answer(const api::Call& call, const ToldAnswer& told, const Tokenizer& tokenizer, const Replay& replay);

}  // namespace fathom::server
