// Whether anything can be written, asked by many at once: one write answers all who come while it is on its way, and
// nobody waits longer than `patience`, however long a database keeps that write waiting.
#pragma once

#include <chrono>
#include <condition_variable>
#include <deque>
#include <exception>
#include <mutex>
#include <thread>

#include "fathom/accounts/reader.h"

namespace fathom::accounts {

class Heartbeat {
 public:
  explicit Heartbeat(std::chrono::milliseconds patience);
  // No write is on its way any more.
  ~Heartbeat();
  Heartbeat(const Heartbeat&) = delete;
  Heartbeat& operator=(const Heartbeat&) = delete;

  // Any thread. Whether the caller is to write, and tell over(), as nobody does. `done` is called once: by over(), or
  // on a thread of ours with a fault.
  bool join(JobDone done);
  void over(const std::exception_ptr& fault);
  // Until nobody is being told on the thread of ours.
  void flush();

 private:
  struct Waiter {
    JobDone done;
    std::chrono::steady_clock::time_point until;
  };
  void serve();
  std::deque<Waiter> take_impatient();

  const std::chrono::milliseconds patience_;
  std::mutex mutex_;
  std::condition_variable event_;
  std::deque<Waiter> waiters_;  // the oldest first
  bool beating_ = false;
  bool telling_ = false;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace fathom::accounts
