// The ledger's one writer: a thread that commits what came in the meantime together, so that a busy server pays for one
// sync of the disk where it would for many.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>

#include "fathom/accounts/reader.h"

namespace fathom::accounts {

class Writer {
 public:
  explicit Writer(std::unique_ptr<Database> database);
  // Does what is queued, then ends.
  ~Writer();
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;

  // Within a transaction that others share; it may run twice, if one of them fails. Any thread.
  void write(DatabaseJob job, JobDone done);
  std::int64_t commits() const;
  // Whether the last transaction is on disk, and not older than that.
  bool wrote_within(std::chrono::milliseconds time) const;

 private:
  struct Entry {
    DatabaseJob job;
    JobDone done;
  };
  void serve();
  bool commit_together(const std::deque<Entry>& entries);
  void commit_alone(const Entry& entry);
  void note(bool written);

  const std::unique_ptr<Database> database_;
  mutable std::mutex mutex_;
  std::condition_variable event_;
  std::deque<Entry> queue_;
  std::int64_t commits_ = 0;
  std::optional<std::chrono::steady_clock::time_point> written_;  // none: the last one failed
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace fathom::accounts
