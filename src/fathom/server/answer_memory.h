// Which tokens an answer was, for whoever sends it back (docs/exact_replay.md): in memory, within a budget, the last
// used the last to go. It promises nothing: who finds an answer checks that its text is the wanted one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "fathom/chat/message.h"

namespace fathom::server {

// As it was sampled, without </think> and the end of sentence.
struct SampledAnswer {
  std::vector<std::int32_t> reasoning;
  std::vector<std::int32_t> said;  // content and calls
};

class AnswerMemory {
 public:
  struct Limits {
    std::int64_t bytes = 64 << 20;  // of all answers; 0: nothing is remembered
  };
  using Answers = std::vector<std::shared_ptr<const SampledAnswer>>;

  explicit AnswerMemory(Limits limits) : limits_(limits) {}

  // Any thread may call. `scope` is whose answer it is: nobody else's question finds it. `told` is the message as the
  // client was told it, with the ids of its calls.
  void remember(std::string_view scope, const ChatMessage& told, SampledAnswer answer);
  // What may have been that message, the likeliest first: known by a call's id, as a whole, by its reasoning, by what
  // it says. No more than a few.
  Answers find(std::string_view scope, const ChatMessage& sent);

  std::int64_t bytes() const;
  std::size_t size() const;

 private:
  struct Key {
    std::uint64_t low = 0;
    std::uint64_t high = 0;
    bool operator==(const Key&) const = default;
  };
  struct KeyHash {
    std::size_t operator()(const Key& key) const { return static_cast<std::size_t>(key.low); }
  };
  struct Entry {
    std::string scope;
    std::vector<Key> keys;
    std::shared_ptr<const SampledAnswer> answer;
    std::int64_t bytes = 0;
  };
  using Place = std::list<Entry>::iterator;

  static std::vector<Key> keys_of(std::string_view scope, const ChatMessage& message);
  void drop(Place place);

  const Limits limits_;
  mutable std::mutex mutex_;
  std::list<Entry> entries_;  // longest unused first
  std::unordered_map<Key, Place, KeyHash> by_key_;
  std::int64_t bytes_ = 0;
};

}  // namespace fathom::server
