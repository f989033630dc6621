#include "fathom/accounts/reader.h"

namespace fathom::accounts {

Reader::Reader(std::unique_ptr<Database> database) : database_(std::move(database)), thread_([this] { serve(); }) {}

Reader::~Reader() {
  {
    const std::scoped_lock lock(mutex_);
    stopping_ = true;
  }
  event_.notify_all();
  thread_.join();
}

void Reader::read(DatabaseJob job, JobDone done) {
  {
    const std::scoped_lock lock(mutex_);
    queue_.push_back({std::move(job), std::move(done)});
  }
  event_.notify_one();
}

void Reader::serve() {
  std::unique_lock lock(mutex_);
  while (true) {
    event_.wait(lock, [&] { return stopping_ || !queue_.empty(); });
    if (queue_.empty()) return;
    const Entry entry = std::move(queue_.front());
    queue_.pop_front();
    lock.unlock();
    std::exception_ptr fault;
    try {
      entry.job(*database_);
    } catch (...) {
      fault = std::current_exception();
    }
    entry.done(fault);
    lock.lock();
  }
}

}  // namespace fathom::accounts
