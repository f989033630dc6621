#include "fathom/server/answer_memory.h"

#include <algorithm>
#include <utility>

namespace fathom::server {
namespace {

// Of the map's node, the list's and the vectors, roughly.
constexpr std::int64_t kKeyBytes = 64;

}  // namespace

void AnswerMemory::remember(std::string_view scope, const ChatMessage& told, SampledAnswer answer) {
  if (limits_.bytes == 0 || (answer.reasoning.empty() && answer.said.empty())) return;
  Entry entry{.scope = std::string(scope), .keys = answer_keys(scope, told), .answer = {}};
  entry.answer = std::make_shared<const SampledAnswer>(std::move(answer));
  if (disk_) disk_->put(scope, entry.keys, *entry.answer);
  const std::lock_guard lock(mutex_);
  if (!add(std::move(entry))) return;
  // Of two answers that say the same the later is the likelier one.
  for (const AnswerKey& key : entries_.back().keys) by_key_[key] = std::prev(entries_.end());
}

AnswerMemory::Answers AnswerMemory::find(std::string_view scope, const ChatMessage& sent) {
  if (limits_.bytes == 0) return {};
  const std::vector<AnswerKey> keys = answer_keys(scope, sent);
  Answers by_key(keys.size());
  std::vector<AnswerKey> unknown;
  {
    const std::lock_guard lock(mutex_);
    for (std::size_t index = 0; index < keys.size(); ++index)
      if ((by_key[index] = known(scope, keys[index])) == nullptr) unknown.push_back(keys[index]);
  }
  if (disk_ && !unknown.empty())
    for (const AnswerDisk::Found& found : disk_->find(scope, unknown)) {
      for (std::size_t index = 0; index < keys.size(); ++index)
        if (std::find(found.keys.begin(), found.keys.end(), keys[index]) != found.keys.end())
          by_key[index] = found.answer;
      const std::lock_guard lock(mutex_);
      // What was remembered meanwhile is the newer one.
      if (add({.scope = std::string(scope), .keys = found.keys, .answer = found.answer}))
        for (const AnswerKey& key : found.keys) by_key_.try_emplace(key, std::prev(entries_.end()));
    }
  Answers answers;
  for (auto& answer : by_key)
    if (answer != nullptr && std::find(answers.begin(), answers.end(), answer) == answers.end())
      answers.push_back(std::move(answer));
  return answers;
}

std::shared_ptr<const SampledAnswer> AnswerMemory::known(std::string_view scope, const AnswerKey& key) {
  const auto at = by_key_.find(key);
  if (at == by_key_.end() || at->second->scope != scope) return nullptr;
  entries_.splice(entries_.end(), entries_, at->second);
  return at->second->answer;
}

bool AnswerMemory::add(Entry entry) {
  const SampledAnswer& answer = *entry.answer;
  const auto ids = static_cast<std::int64_t>(answer.reasoning.size() + answer.said.size());
  entry.bytes = ids * static_cast<std::int64_t>(sizeof(std::int32_t)) + std::ssize(entry.keys) * kKeyBytes +
                static_cast<std::int64_t>(sizeof(Entry) + sizeof(SampledAnswer) + entry.scope.size());
  if (entry.bytes > limits_.bytes) return false;
  while (bytes_ + entry.bytes > limits_.bytes) drop(entries_.begin());
  bytes_ += entry.bytes;
  entries_.push_back(std::move(entry));
  return true;
}

void AnswerMemory::drop(Place place) {
  for (const AnswerKey& key : place->keys)
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
