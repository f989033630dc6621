#include "fathom/accounts/heartbeat.h"

#include <utility>

#include "fathom/base/error.h"

namespace fathom::accounts {

Heartbeat::Heartbeat(std::chrono::milliseconds patience) : patience_(patience), thread_([this] { serve(); }) {}

Heartbeat::~Heartbeat() {
  {
    const std::scoped_lock lock(mutex_);
    stopping_ = true;
  }
  event_.notify_all();
  thread_.join();
}

bool Heartbeat::join(JobDone done) {
  const std::scoped_lock lock(mutex_);
  waiters_.push_back({std::move(done), std::chrono::steady_clock::now() + patience_});
  event_.notify_all();
  return !std::exchange(beating_, true);
}

// Whoever comes from here on needs another write.
void Heartbeat::over(const std::exception_ptr& fault) {
  std::deque<Waiter> told;
  {
    const std::scoped_lock lock(mutex_);
    told.swap(waiters_);
    beating_ = false;
  }
  for (const Waiter& waiter : told) waiter.done(fault);
}

void Heartbeat::flush() {
  std::unique_lock lock(mutex_);
  event_.wait(lock, [&] { return !telling_; });
}

std::deque<Heartbeat::Waiter> Heartbeat::take_impatient() {
  std::deque<Waiter> taken;
  const auto now = std::chrono::steady_clock::now();
  while (!waiters_.empty() && waiters_.front().until <= now) {
    taken.push_back(std::move(waiters_.front()));
    waiters_.pop_front();
  }
  return taken;
}

void Heartbeat::serve() {
  std::unique_lock lock(mutex_);
  while (true) {
    event_.wait(lock, [&] { return stopping_ || !waiters_.empty(); });
    if (stopping_) return;
    const auto until = waiters_.front().until;  // a copy: over() may take them all meanwhile
    event_.wait_until(lock, until);
    std::deque<Waiter> told = take_impatient();
    if (told.empty()) continue;
    telling_ = true;
    lock.unlock();
    const auto fault = std::make_exception_ptr(
        InternalError("[ledger] nothing could be written for {} milliseconds", patience_.count()));
    for (const Waiter& waiter : told) waiter.done(fault);
    told.clear();  // what they hold goes before flush() says that nobody is told
    lock.lock();
    telling_ = false;
    event_.notify_all();
  }
}

}  // namespace fathom::accounts
