// What is asked beside models: token counts, usage, balances, administration. It has a few threads of its own and each
// account has so many requests there at a time, so that nobody who counts keeps those waiting who ask a model.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "fathom/server/workers.h"

namespace fathom::server {

class Aside {
 public:
  // One request's place. Any thread; the Aside outlives it.
  class Place {
   public:
    ~Place() { leave(); }
    Place(const Place&) = delete;
    Place& operator=(const Place&) = delete;
    // Before its client knows that it may ask again.
    void leave();

   private:
    friend class Aside;
    Place(Aside& aside, std::string account) : aside_(&aside), account_(std::move(account)) {}
    Aside* aside_;  // null: it left
    std::string account_;
  };

  // One thread in four beside `workers`, at least two: large jobs leave one to the others, so that a key is revoked
  // while somebody counts a book.
  Aside(int workers, std::int64_t per_account);

  // Throws api::ApiError 429 where the account has as many there as it may.
  std::shared_ptr<Place> enter(const std::string& account);
  // `bytes`: what the job reads; none for what only asks the ledger. It does not throw.
  void run(std::int64_t bytes, std::function<void()> job) { workers_.run(bytes, std::move(job)); }
  // Runs what is queued, then ends.
  void stop() { workers_.stop(); }

 private:
  const std::int64_t per_account_;
  std::mutex mutex_;
  std::map<std::string, std::int64_t> inside_;
  Workers workers_;
};

}  // namespace fathom::server
