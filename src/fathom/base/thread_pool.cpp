#include "fathom/base/thread_pool.h"

#include <algorithm>
#include <system_error>
#include <utility>

#include "fathom/base/error.h"
#include "fathom/base/processors.h"

namespace fathom {
namespace {

// A step is hundreds of loops a few microseconds apart: a thread looks about that long before it asks the kernel to be
// woken, which costs more than the loop itself.
constexpr int kSpins = 2000;

// Which pool this thread works for at the moment, and as whom.
struct Place {
  const ThreadPool* pool = nullptr;
  std::int64_t worker = 0;
};
thread_local Place place;

void rest_a_moment() {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

// Returns the first value seen that differs from `old`.
int wait_for_change(const std::atomic<int>& value, int old, int spins) {
  for (int spin = 0; spin < spins; ++spin) {
    const int now = value.load(std::memory_order_acquire);
    if (now != old) return now;
    rest_a_moment();
  }
  value.wait(old, std::memory_order_acquire);
  return value.load(std::memory_order_acquire);
}

class PlaceScope {
 public:
  PlaceScope(const ThreadPool* pool, std::int64_t worker) : before_(place) { place = {pool, worker}; }
  ~PlaceScope() { place = before_; }
  PlaceScope(const PlaceScope&) = delete;
  PlaceScope& operator=(const PlaceScope&) = delete;

 private:
  Place before_;
};

}  // namespace

ThreadPool::ThreadPool(int threads, bool pinned) {
  const Processors processors = usable_processors();
  const int cores = processors.threads();
  const int wanted = threads <= 0 ? cores : threads;
  spins_ = wanted <= cores ? kSpins : 0;
  progress_ = std::vector<Progress>(static_cast<std::size_t>(wanted));
  for (int worker = 1; worker < wanted; ++worker) workers_.push_back(std::make_unique<Worker>());
  for (int worker = 1; worker < wanted; ++worker) try {
      workers_[worker - 1]->thread = std::thread([this, worker] { serve(worker); });
    } catch (const std::system_error& error) {
      stop();
      throw InputError("[threads] the system started {} threads, expected {}: {}", worker, wanted, error.what());
    }
  if (!pinned) return;
  const std::vector<int> places = processors.places(wanted);
  for (int worker = 1; worker < std::ssize(places); ++worker) try {
      pin_thread(workers_[worker - 1]->thread.native_handle(), places[worker]);
    } catch (const InputError&) {
      stop();
      throw;
    }
}

ThreadPool::~ThreadPool() { stop(); }

void ThreadPool::stop() noexcept {
  stopping_ = true;
  for (const auto& worker : workers_) {
    worker->turn.fetch_add(1, std::memory_order_release);
    worker->turn.notify_one();
  }
  for (const auto& worker : workers_)
    if (worker->thread.joinable()) worker->thread.join();
}

std::int64_t ThreadPool::parts_of(std::int64_t count, std::int64_t grain) const {
  if (count <= 0) return 0;
  return std::clamp<std::int64_t>(count / std::max<std::int64_t>(grain, 1), 1, threads());
}

std::int64_t ThreadPool::chunk_of(const Loop& loop, std::int64_t grain) {
  constexpr std::int64_t kChunks = 16;  // to a stretch: what a thread waits for at the end is one of them
  constexpr std::int64_t kMost = std::int64_t{1} << 48;  // beyond which counting on could overflow
  if (loop.parts <= 1 || loop.count > kMost) return 0;
  return std::max({std::int64_t{1}, grain, loop.count / loop.parts / kChunks});
}

void ThreadPool::run(const Loop& loop) {
  if (loop.parts == 0) return;
  if (place.pool == this) {
    loop.call(loop.body, 0, loop.count, place.worker);
    return;
  }
  const std::lock_guard turn(callers_);
  if (loop.parts == 1) {
    const PlaceScope scope(this, 0);
    loop.call(loop.body, 0, loop.count, 0);
    return;
  }
  loop_ = loop;
  run_parts();
}

void ThreadPool::run_parts() {
  const int helpers = static_cast<int>(loop_.parts) - 1;
  if (loop_.chunk > 0)
    for (std::int64_t part = 0; part < loop_.parts; ++part)
      progress_[static_cast<std::size_t>(part)].next.store(loop_.first_of(part), std::memory_order_relaxed);
  unfinished_.store(helpers, std::memory_order_relaxed);
  for (int helper = 0; helper < helpers; ++helper) {
    workers_[helper]->turn.fetch_add(1, std::memory_order_release);
    workers_[helper]->turn.notify_one();
  }
  std::exception_ptr fault;
  take_part(0, fault);
  for (int left = unfinished_.load(std::memory_order_acquire); left != 0;)
    left = wait_for_change(unfinished_, left, spins_);
  for (int helper = 0; helper < helpers; ++helper) {
    const std::exception_ptr theirs = std::exchange(workers_[helper]->fault, nullptr);
    if (!fault) fault = theirs;
  }
  if (fault) std::rethrow_exception(fault);
}

void ThreadPool::serve(std::int64_t worker) {
  Worker& self = *workers_[worker - 1];
  for (int turn = 0;;) {
    turn = wait_for_change(self.turn, turn, spins_);
    if (stopping_) return;
    take_part(worker, self.fault);
    if (unfinished_.fetch_sub(1, std::memory_order_acq_rel) == 1) unfinished_.notify_one();
  }
}

void ThreadPool::take_part(std::int64_t worker, std::exception_ptr& fault) noexcept {
  const PlaceScope scope(this, worker);
  try {
    if (loop_.chunk > 0) {
      take_chunks(worker);
    } else {
      loop_.call(loop_.body, loop_.first_of(worker), loop_.first_of(worker + 1), worker);
    }
  } catch (...) {
    fault = std::current_exception();
  }
}

void ThreadPool::take_chunks(std::int64_t worker) {
  for (std::int64_t turn = 0; turn < loop_.parts; ++turn) {
    const std::int64_t part = (worker + turn) % loop_.parts;
    const std::int64_t end = loop_.first_of(part + 1);
    std::atomic<std::int64_t>& next = progress_[static_cast<std::size_t>(part)].next;
    // A look first: whoever is done asks in passing, and takes no line from its owner.
    while (next.load(std::memory_order_relaxed) < end) {
      const std::int64_t first = next.fetch_add(loop_.chunk, std::memory_order_relaxed);
      if (first < end) loop_.call(loop_.body, first, std::min(end, first + loop_.chunk), worker);
    }
  }
}

}  // namespace fathom
