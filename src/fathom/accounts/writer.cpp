#include "fathom/accounts/writer.h"

namespace fathom::accounts {

Writer::Writer(std::unique_ptr<Database> database) : database_(std::move(database)), thread_([this] { serve(); }) {}

Writer::~Writer() {
  {
    const std::scoped_lock lock(mutex_);
    stopping_ = true;
  }
  event_.notify_all();
  thread_.join();
}

void Writer::write(DatabaseJob job, JobDone done) {
  {
    const std::scoped_lock lock(mutex_);
    queue_.push_back({std::move(job), std::move(done)});
  }
  event_.notify_one();
}

std::int64_t Writer::commits() const {
  const std::scoped_lock lock(mutex_);
  return commits_;
}

bool Writer::wrote_within(std::chrono::milliseconds time) const {
  const std::scoped_lock lock(mutex_);
  return written_.has_value() && std::chrono::steady_clock::now() - *written_ <= time;
}

void Writer::note(bool written) {
  const std::scoped_lock lock(mutex_);
  written_ = written ? std::optional(std::chrono::steady_clock::now()) : std::nullopt;
}

void Writer::serve() {
  std::unique_lock lock(mutex_);
  while (true) {
    event_.wait(lock, [&] { return stopping_ || !queue_.empty(); });
    if (queue_.empty()) return;
    std::deque<Entry> entries;
    entries.swap(queue_);
    ++commits_;
    lock.unlock();
    if (commit_together(entries))
      for (const Entry& entry : entries) entry.done(nullptr);
    else
      for (const Entry& entry : entries) commit_alone(entry);
    lock.lock();
  }
}

bool Writer::commit_together(const std::deque<Entry>& entries) {
  try {
    Transaction transaction(*database_);
    for (const Entry& entry : entries) entry.job(*database_);
    transaction.commit();
    note(true);
    return true;
  } catch (...) {
    return false;  // one of them is at fault: each by itself will tell which
  }
}

void Writer::commit_alone(const Entry& entry) {
  std::exception_ptr fault;
  try {
    Transaction transaction(*database_);
    entry.job(*database_);
    transaction.commit();
  } catch (...) {
    fault = std::current_exception();
  }
  note(!fault);
  entry.done(fault);
}

}  // namespace fathom::accounts
