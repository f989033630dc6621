#include "fathom/server/exact_replay.h"

#include <algorithm>
#include <optional>

#include "fathom/api/call_ids.h"
#include "fathom/base/error.h"
#include "fathom/chat/answer_equality.h"
#include "fathom/chat/markers.h"

namespace fathom::server {
namespace {

using Ids = std::vector<std::int32_t>;

// Ids of another vocabulary may have no text.
std::optional<std::string> text_of(const Ids& ids, const Tokenizer& tokenizer) {
  const auto known = [&](std::int32_t id) { return id >= 0 && id < tokenizer.vocab(); };
  if (!std::all_of(ids.begin(), ids.end(), known)) return std::nullopt;
  try {
    return tokenizer.decode(ids);
  } catch (const InputError&) {
    return std::nullopt;
  }
}

std::vector<Tool> offered_tools(const api::Call& call) {
  std::vector<Tool> tools;
  for (const ChatMessage& message : call.messages)
    tools.insert(tools.end(), message.tools.begin(), message.tools.end());
  return tools;
}

// The prompt from its front to its end, encoded but where ids are known.
class Replayer {
 public:
  Replayer(const MarkedPrompt& prompt, const Tokenizer& tokenizer) : prompt_(prompt), tokenizer_(tokenizer) {
    const std::string_view rest = std::string_view(prompt.text).substr(prompt.instructions_end);
    if (prompt.instructions_end == 0 || !rest.starts_with(marker::user) || !tokenizer.added_token(marker::user)) return;
    encode_to(prompt.instructions_end);
    instructions_ = std::ssize(ids_);
  }

  std::string_view text(const PromptStretch& stretch) const {
    return std::string_view(prompt_.text).substr(stretch.begin, stretch.end - stretch.begin);
  }

  void put(const PromptStretch& stretch, const Ids& ids) {
    encode_to(stretch.begin);
    ids_.insert(ids_.end(), ids.begin(), ids.end());
    done_ = stretch.end;
  }

  PromptIds finish() {
    encode_to(prompt_.text.size());
    return {.ids = std::move(ids_), .instructions = instructions_};
  }

 private:
  // Parts lie between added tokens, so that a text in pieces has the ids of the whole.
  void encode_to(std::size_t end) {
    const Ids more = tokenizer_.encode(std::string_view(prompt_.text).substr(done_, end - done_));
    ids_.insert(ids_.end(), more.begin(), more.end());
    done_ = end;
  }

  const MarkedPrompt& prompt_;
  const Tokenizer& tokenizer_;
  std::size_t done_ = 0;  // bytes of the prompt
  Ids ids_;
  std::int64_t instructions_ = 0;  // of them
};

}  // namespace

PromptIds replayed_ids(const MarkedPrompt& prompt, const api::Call& call, const Tokenizer& tokenizer,
                       const Replay& replay) {
  Replayer replayer(prompt, tokenizer);
  if (replay.memory == nullptr) return replayer.finish();
  const std::vector<Tool> tools = offered_tools(call);
  for (const PromptAnswer& answer : prompt.answers) {
    const ChatMessage& message = call.messages[answer.message];
    const AnswerMemory::Answers found = replay.memory->find(replay.scope, message);
    const auto put_first = [&](const PromptStretch& stretch, Ids SampledAnswer::*part, const auto& fits) {
      if (stretch.begin == stretch.end) return;
      for (const auto& sampled : found) {
        const Ids& ids = (*sampled).*part;
        const std::optional<std::string> text = text_of(ids, tokenizer);
        if (text && fits(*text)) return replayer.put(stretch, ids);
      }
    };
    put_first(answer.reasoning, &SampledAnswer::reasoning,
              [&](const std::string& text) { return text == replayer.text(answer.reasoning); });
    put_first(answer.said, &SampledAnswer::said, [&](const std::string& text) {
      return text == replayer.text(answer.said) || reads_as(text, message, tools);
    });
  }
  return replayer.finish();
}

// What was told ends in its reasoning or in its content: the text of the ids there goes no further.
std::span<const std::int32_t> told_ids(const ToldAnswer& told, const Tokenizer& tokenizer) {
  if (!told.cut || !told.answer.calls.empty()) return told.ids;
  std::size_t begin = 0;  // of the ids of that part
  std::size_t bytes = told.content;
  if (told.in_thinking) {
    const std::optional<std::int32_t> think_end = tokenizer.added_token(marker::think_end);
    const auto end = think_end ? std::find(told.ids.begin(), told.ids.end(), *think_end) : told.ids.end();
    if (end == told.ids.end())
      bytes = told.answer.reasoning_content.size();
    else
      begin = static_cast<std::size_t>(end - told.ids.begin()) + 1;
  }
  std::size_t count = begin;
  for (std::size_t text = 0; count < told.ids.size(); ++count) {
    text += tokenizer.piece(told.ids[count]).size();
    if (text > bytes) break;
  }
  return told.ids.first(count);
}

void remember_answer(const api::Call& call, const ToldAnswer& told, const Tokenizer& tokenizer, const Replay& replay) {
  const bool goes_on = !call.messages.empty() && call.messages.back().open_end;
  if (replay.memory == nullptr || call.completion || goes_on) return;
  const std::optional<std::int32_t> think_end = tokenizer.added_token(marker::think_end);
  if (told.in_thinking && !think_end) return;  // nobody knows where the reasoning ends
  const std::span<const std::int32_t> ids = told_ids(told, tokenizer);
  const auto end = told.in_thinking ? std::find(ids.begin(), ids.end(), *think_end) : ids.begin();
  SampledAnswer sampled{.reasoning = {ids.begin(), end}, .said = {}};
  const auto behind = told.in_thinking && end != ids.end() ? end + 1 : end;
  sampled.said.assign(behind, ids.end());

  ChatMessage message;
  message.role = Role::assistant;
  message.reasoning_content = told.answer.reasoning_content;
  message.content = told.cut ? told.answer.content.substr(0, told.content) : told.answer.content;
  std::int64_t place = 0;
  for (const AnswerCall& made : told.answer.calls) {
    if (made.complete)
      message.tool_calls.push_back(
          {.id = api::call_id(told.id, place), .name = made.name, .arguments = made.arguments});
    ++place;
  }
  replay.memory->remember(replay.scope, message, std::move(sampled));
}

}  // namespace fathom::server
