#include "fathom/server/workers.h"

#include <algorithm>

namespace fathom::server {

Workers::Workers(int threads) : most_large_(std::max(1, threads - 1)) {
  for (int i = 0; i < std::max(1, threads); ++i) threads_.emplace_back([this] { serve(); });
}

Workers::~Workers() { stop(); }

void Workers::run(std::int64_t bytes, std::function<void()> job) {
  const std::scoped_lock lock(mutex_);
  if (stopping_) return;  // it goes with its caller, outside the lock
  (bytes >= kLargeJobBytes ? large_ : small_).push_back(std::move(job));
  event_.notify_one();
}

void Workers::stop() {
  {
    const std::scoped_lock lock(mutex_);
    stopping_ = true;
    event_.notify_all();
  }
  for (std::thread& thread : threads_)
    if (thread.joinable()) thread.join();
}

bool Workers::take(std::function<void()>& job, bool& large) {
  large = !large_.empty() && large_running_ < most_large_;
  if (!large && small_.empty()) return false;
  auto& queue = large ? large_ : small_;
  job = std::move(queue.front());
  queue.pop_front();
  if (large) ++large_running_;
  return true;
}

void Workers::serve() {
  std::unique_lock lock(mutex_);
  while (true) {
    std::function<void()> job;
    bool large = false;
    event_.wait(lock, [&] { return take(job, large) || (stopping_ && small_.empty() && large_.empty()); });
    if (!job) return;
    lock.unlock();
    job();
    job = nullptr;  // what it holds goes outside the lock
    lock.lock();
    if (!large) continue;
    --large_running_;
    event_.notify_one();  // the next large one may begin
  }
}

}  // namespace fathom::server
