// What answers were sampled as, in a store on disk, where a restarted server finds it (docs/exact_replay.md):
//
//   under a hash of scope and key   the name of an answer, the newest one known by that key
//   under the answer's name         the answer; its name is the hash of its bytes and the scope
//
// Nothing found here is believed: a name must fit the bytes under it, and whoever uses an answer compares its text.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "fathom/server/sampled_answer.h"
#include "fathom/store/blob_store.h"

namespace fathom::server {

class AnswerDisk {
 public:
  using Warn = std::function<void(std::string_view)>;  // from any thread; must not throw

  AnswerDisk(std::shared_ptr<store::BlobStore> store, Warn warn) : store_(std::move(store)), warn_(std::move(warn)) {}

  // Any thread may call; put() waits for no disk.

  // Written behind; what the store cannot take now is not kept.
  void put(std::string_view scope, std::span<const AnswerKey> keys, const SampledAnswer& answer);

  struct Found {
    std::vector<AnswerKey> keys;  // those of the wanted ones by which it is known
    std::shared_ptr<const SampledAnswer> answer;
  };
  // Each answer once, in the order of the keys.
  std::vector<Found> find(std::string_view scope, std::span<const AnswerKey> wanted) const;

 private:
  // Forgets what leads to a blob that is none of ours, or of another version.
  void leave_out(const store::BlobKey& place, std::string_view fault) const;

  std::shared_ptr<store::BlobStore> store_;
  Warn warn_;
};

}  // namespace fathom::server
