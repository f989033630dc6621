// Which tokens an answer was, for whoever sends it back (docs/exact_replay.md): in memory, within a budget, the last
// used the last to go; and on disk, if there is one. It promises nothing: who finds an answer checks that its text is
// the wanted one.
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

#include "fathom/server/answer_disk.h"
#include "fathom/server/sampled_answer.h"

namespace fathom::server {

class AnswerMemory {
 public:
  struct Limits {
    std::int64_t bytes = 64 << 20;  // of all answers; 0: nothing is remembered
  };
  using Answers = std::vector<std::shared_ptr<const SampledAnswer>>;

  // No disk: what is remembered ends with this object.
  explicit AnswerMemory(Limits limits, std::shared_ptr<AnswerDisk> disk = nullptr)
      : limits_(limits), disk_(std::move(disk)) {}

  // Any thread may call; find() may wait for the disk, remember() does not. `scope` is whose answer it is: nobody
  // else's question finds it. `told` is the message as the client was told it, with the ids of its calls.
  void remember(std::string_view scope, const ChatMessage& told, SampledAnswer answer);
  // What may have been that message, the likeliest first: known by a call's id, as a whole, by its reasoning, by what
  // it says. No more than a few.
  Answers find(std::string_view scope, const ChatMessage& sent);

  std::int64_t bytes() const;
  std::size_t size() const;

 private:
  struct KeyHash {
    std::size_t operator()(const AnswerKey& key) const { return static_cast<std::size_t>(key.low); }
  };
  struct Entry {
    std::string scope;
    std::vector<AnswerKey> keys;
    std::shared_ptr<const SampledAnswer> answer;
    std::int64_t bytes = 0;
  };
  using Place = std::list<Entry>::iterator;

  // The mutex is held.
  std::shared_ptr<const SampledAnswer> known(std::string_view scope, const AnswerKey& key);
  // Makes room; false where there is none.
  bool add(Entry entry);
  void drop(Place place);

  const Limits limits_;
  const std::shared_ptr<AnswerDisk> disk_;
  mutable std::mutex mutex_;
  std::list<Entry> entries_;  // longest unused first
  std::unordered_map<AnswerKey, Place, KeyHash> by_key_;
  std::int64_t bytes_ = 0;
};

}  // namespace fathom::server
