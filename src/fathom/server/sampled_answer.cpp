#include "fathom/server/sampled_answer.h"

#include <xxhash.h>

#include <algorithm>
#include <cctype>
#include <iterator>
#include <memory>
#include <optional>
#include <string>

#include "fathom/chat/json_text.h"

namespace fathom::server {
namespace {

// Each text with its length before it, so that no two lists of texts hash alike.
class Hash {
 public:
  Hash(std::string_view kind, std::string_view scope) : state_(XXH3_createState()) {
    XXH3_128bits_reset(state_.get());
    add(kind);
    add(scope);
  }
  Hash& add(std::string_view text) {
    const std::uint64_t size = text.size();
    XXH3_128bits_update(state_.get(), &size, sizeof size);
    XXH3_128bits_update(state_.get(), text.data(), text.size());
    return *this;
  }
  AnswerKey key() const {
    const XXH128_hash_t digest = XXH3_128bits_digest(state_.get());
    return {.low = digest.low64, .high = digest.high64};
  }

 private:
  struct Free {
    void operator()(XXH3_state_t* state) const { XXH3_freeState(state); }
  };
  std::unique_ptr<XXH3_state_t, Free> state_;
};

// Some clients take the signs out of ids.
std::string letters_of(std::string_view id) {
  std::string letters;
  std::copy_if(id.begin(), id.end(), std::back_inserter(letters),
               [](unsigned char letter) { return std::isalnum(letter) != 0; });
  return letters;
}

void add_said(Hash& hash, const ChatMessage& message) {
  hash.add(message.content.value_or(""));
  for (const ToolCall& call : message.tool_calls) {
    const std::optional<JsonValue> arguments = try_read_json(call.arguments);
    hash.add(call.name).add(arguments ? write_json(*arguments) : call.arguments);
  }
}

}  // namespace

std::vector<AnswerKey> answer_keys(std::string_view scope, const ChatMessage& message) {
  std::vector<AnswerKey> keys;
  for (const ToolCall& call : message.tool_calls)
    if (!call.id.empty()) keys.push_back(Hash("call", scope).add(letters_of(call.id)).key());
  const std::string reasoning = message.reasoning_content.value_or("");
  const bool says = !message.tool_calls.empty() || !message.content.value_or("").empty();
  Hash whole("message", scope);
  add_said(whole.add(reasoning), message);
  keys.push_back(whole.key());
  if (!reasoning.empty()) keys.push_back(Hash("reasoning", scope).add(reasoning).key());
  if (says) {
    Hash said("said", scope);
    add_said(said, message);
    keys.push_back(said.key());
  }
  return keys;
}

}  // namespace fathom::server
