// Threads that share one loop at a time. The range is cut into as many equal stretches as threads take part, in order.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <exception>
#include <memory>
#include <mutex>
#include <thread>
#include <type_traits>
#include <vector>

namespace fathom {

class ThreadPool {
 public:
  // The calling thread is one of them; 0 or less: as many as this process may run at a time (processors.h). Pinned,
  // each has a processor of its own (Processors::places), but for the calling thread, which may be another one for
  // every loop: the first place is left free for it. Throws InputError when the system refuses a thread.
  explicit ThreadPool(int threads, bool pinned = false);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  int threads() const { return static_cast<int>(workers_.size()) + 1; }

  // Calls body(first, last, worker) for stretches that together cover [0, count), each at least `grain` long unless it
  // is the only one; `worker` in [0, threads()) names the thread, for scratch of its own. Returns when all is done. An
  // exception of a body is thrown here (the lowest worker's, if several). Inside a body of the same pool the loop runs
  // inline; callers from other threads take turns. Which thread computes what never depends on timing.
  template <typename Body>
  void parallel_for(std::int64_t count, std::int64_t grain, Body&& body) {
    run(loop_of(count, grain, body));
  }

  // The same where it is all one which thread computes what: a thread takes its stretch chunk by chunk, and when it is
  // done, chunks of those that are not. Several calls of the body to a thread, one after the other.
  template <typename Body>
  void parallel_for_helping(std::int64_t count, std::int64_t grain, Body&& body) {
    Loop loop = loop_of(count, grain, body);
    loop.chunk = chunk_of(loop, grain);
    run(loop);
  }

 private:
  struct Loop {
    void (*call)(void* object, std::int64_t first, std::int64_t last, std::int64_t worker) = nullptr;
    void* body = nullptr;
    std::int64_t count = 0;
    std::int64_t parts = 0;
    std::int64_t chunk = 0;  // 0: every stretch is a thread's own

    std::int64_t first_of(std::int64_t part) const {
      return part * (count / parts) + std::min(part, count % parts);  // the first ones take one more
    }
  };
  struct alignas(64) Progress {  // a line of its own
    std::atomic<std::int64_t> next{0};
  };
  struct Worker {
    std::atomic<int> turn{0};  // raised by the caller to start the worker on loop_
    std::exception_ptr fault;
    std::thread thread;
  };

  template <typename Body>
  Loop loop_of(std::int64_t count, std::int64_t grain, Body& body) const {
    using Plain = std::remove_reference_t<Body>;
    return {.call = [](void* object, std::int64_t first, std::int64_t last,
                       std::int64_t worker) { (*static_cast<Plain*>(object))(first, last, worker); },
            .body = const_cast<void*>(static_cast<const void*>(std::addressof(body))),
            .count = count,
            .parts = parts_of(count, grain)};
  }
  std::int64_t parts_of(std::int64_t count, std::int64_t grain) const;
  static std::int64_t chunk_of(const Loop& loop, std::int64_t grain);
  void run(const Loop& loop);
  void run_parts();
  void stop() noexcept;
  void serve(std::int64_t worker);
  void take_part(std::int64_t worker, std::exception_ptr& fault) noexcept;
  void take_chunks(std::int64_t worker);

  std::mutex callers_;
  Loop loop_;                       // written by the caller while no worker runs
  std::atomic<int> unfinished_{0};  // workers still inside loop_
  bool stopping_ = false;           // like loop_
  int spins_ = 0;                   // looks before a thread sleeps
  std::vector<std::unique_ptr<Worker>> workers_;
  std::vector<Progress> progress_;  // of every stretch, where chunks are taken
};

}  // namespace fathom
