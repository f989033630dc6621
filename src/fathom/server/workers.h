// Threads for what takes long between a request and its first step: JSON, prompts, tokens. Jobs start in order, but for
// large ones: they leave one thread free, so that a book does not keep short questions waiting.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace fathom::server {

inline constexpr std::int64_t kLargeJobBytes = 256 << 10;

class Workers {
 public:
  explicit Workers(int threads);
  // Runs what is queued, then ends.
  ~Workers();
  Workers(const Workers&) = delete;
  Workers& operator=(const Workers&) = delete;

  // `bytes`: what the job reads. A job does not throw. After stop() it is dropped: kept, it would keep what it holds.
  void run(std::int64_t bytes, std::function<void()> job);
  // Takes no more jobs, runs those queued, ends the threads.
  void stop();

 private:
  void serve();
  bool take(std::function<void()>& job, bool& large);

  const int most_large_;  // jobs at a time
  std::mutex mutex_;
  std::condition_variable event_;
  std::deque<std::function<void()>> small_;
  std::deque<std::function<void()>> large_;
  int large_running_ = 0;
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace fathom::server
