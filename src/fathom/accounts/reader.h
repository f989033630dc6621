// Looks things up on a connection and a thread of its own, so that no socket waits for a database.
#pragma once

#include <condition_variable>
#include <deque>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>

#include "fathom/accounts/database.h"

namespace fathom::accounts {

using DatabaseJob = std::function<void(Database&)>;
// Null: done; of a writer's job also: on disk. On the thread that did it; does not throw.
using JobDone = std::function<void(std::exception_ptr fault)>;

class Reader {
 public:
  explicit Reader(std::unique_ptr<Database> database);
  // Does what is queued, then ends.
  ~Reader();
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;

  // Any thread.
  void read(DatabaseJob job, JobDone done);

 private:
  struct Entry {
    DatabaseJob job;
    JobDone done;
  };
  void serve();

  const std::unique_ptr<Database> database_;
  std::mutex mutex_;
  std::condition_variable event_;
  std::deque<Entry> queue_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace fathom::accounts
