#include "fathom/server/answer_memory.h"

#include <xxhash.h>

#include <algorithm>
#include <cctype>
#include <optional>
#include <utility>

#include "fathom/chat/json_text.h"

namespace fathom::server {
namespace {

// Of the map's node, the list's and the vectors, roughly.
constexpr std::int64_t kKeyBytes = 64;

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
  XXH128_hash_t digest() const { return XXH3_128bits_digest(state_.get()); }

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

std::vector<AnswerMemory::Key> AnswerMemory::keys_of(std::string_view scope, const ChatMessage& message) {
  std::vector<Key> keys;
  const auto add = [&](const Hash& hash) {
    const XXH128_hash_t digest = hash.digest();
    keys.push_back({.low = digest.low64, .high = digest.high64});
  };
  for (const ToolCall& call : message.tool_calls)
    if (!call.id.empty()) add(Hash("call", scope).add(letters_of(call.id)));
  const std::string reasoning = message.reasoning_content.value_or("");
  const bool says = !message.tool_calls.empty() || !message.content.value_or("").empty();
  Hash whole("message", scope);
  add_said(whole.add(reasoning), message);
  add(whole);
  if (!reasoning.empty()) add(Hash("reasoning", scope).add(reasoning));
  if (says) {
    Hash said("said", scope);
    add_said(said, message);
    add(said);
  }
  return keys;
}

void AnswerMemory::remember(std::string_view scope, const ChatMessage& told, SampledAnswer answer) {
  if (limits_.bytes == 0 || (answer.reasoning.empty() && answer.said.empty())) return;
  Entry entry{.scope = std::string(scope), .keys = keys_of(scope, told), .answer = {}};
  const auto ids = static_cast<std::int64_t>(answer.reasoning.size() + answer.said.size());
  entry.bytes = ids * static_cast<std::int64_t>(sizeof(std::int32_t)) + std::ssize(entry.keys) * kKeyBytes +
                static_cast<std::int64_t>(sizeof(Entry) + sizeof(SampledAnswer) + scope.size());
  entry.answer = std::make_shared<const SampledAnswer>(std::move(answer));
  const std::lock_guard lock(mutex_);
  if (entry.bytes > limits_.bytes) return;
  while (bytes_ + entry.bytes > limits_.bytes) drop(entries_.begin());
  bytes_ += entry.bytes;
  entries_.push_back(std::move(entry));
  // Of two answers that say the same the later is the likelier one.
  for (const Key& key : entries_.back().keys) by_key_[key] = std::prev(entries_.end());
}

AnswerMemory::Answers AnswerMemory::find(std::string_view scope, const ChatMessage& sent) {
  if (limits_.bytes == 0) return {};
  const std::vector<Key> keys = keys_of(scope, sent);
  Answers found;
  const std::lock_guard lock(mutex_);
  for (const Key& key : keys) {
    const auto at = by_key_.find(key);
    if (at == by_key_.end() || at->second->scope != scope) continue;
    const auto& answer = at->second->answer;
    if (std::find(found.begin(), found.end(), answer) != found.end()) continue;
    found.push_back(answer);
    entries_.splice(entries_.end(), entries_, at->second);
  }
  return found;
}

void AnswerMemory::drop(Place place) {
  for (const Key& key : place->keys)
    if (const auto at = by_key_.find(key); at != by_key_.end() && at->second == place) by_key_.erase(at);
  bytes_ -= place->bytes;
  entries_.erase(place);
}

std::int64_t AnswerMemory::bytes() const {
  const std::lock_guard lock(mutex_);
  return bytes_;
}

std::size_t AnswerMemory::size() const {
  const std::lock_guard lock(mutex_);
  return entries_.size();
}

}  // namespace fathom::server
