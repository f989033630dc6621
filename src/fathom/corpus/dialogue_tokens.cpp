#include "fathom/corpus/dialogue_tokens.h"

#include "fathom/base/error.h"
#include "fathom/chat/prompt.h"

namespace fathom {

DialogueTokens dialogue_tokens(const ChatRequest& dialogue, const Tokenizer& tokenizer, std::string_view place) {
  const MarkedPrompt prompt = render_marked_prompt(dialogue.messages, dialogue.options);
  if (prompt.answers.empty()) throw InputError("[dialogues] {}: 0 assistant messages, expected at least 1", place);
  // The whole is encoded at once, as it will be read; the stretches must begin and end where tokens do.
  DialogueTokens tokens{.ids = tokenizer.encode(prompt.text), .loss = {}};
  tokens.loss.reserve(tokens.ids.size());
  auto answer = prompt.answers.begin();
  std::size_t begin = 0;
  for (const std::int32_t id : tokens.ids) {
    const std::size_t end = begin + tokenizer.piece(id).size();
    while (answer != prompt.answers.end() && answer->end <= begin) ++answer;
    const bool inside = answer != prompt.answers.end() && answer->begin <= begin && end <= answer->end;
    const bool touches = answer != prompt.answers.end() && answer->begin < end && begin < answer->end;
    if (touches && !inside)
      throw InputError(
          "[dialogues] {}: the token \"{}\" lies half in what the assistant wrote, at byte {} of the prompt", place,
          tokenizer.piece(id), begin);
    tokens.loss.push_back(inside ? 1 : 0);
    begin = end;
  }
  check_equal(begin, prompt.text.size(), "bytes of a dialogue's tokens");
  return tokens;
}

}  // namespace fathom
