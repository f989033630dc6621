// One request's way back to its client, as handlers see it. An Exchange belongs to a connection; its calls run on the
// connection's strand, one at a time, so that who answers needs no lock. post() alone may be called by any thread: it
// brings work onto the strand, and never waits for the network.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "fathom/server/http_message.h"

namespace fathom::server {

using Clock = std::chrono::steady_clock;

inline double seconds_between(Clock::time_point from, Clock::time_point to) {
  return std::chrono::duration<double>(to - from).count();
}

// A request's body, and its part of the bytes that all bodies together may take, given back when this goes.
struct ReceivedBody {
  std::string bytes;
  std::shared_ptr<void> share;
};

class Exchange {
 public:
  virtual ~Exchange() = default;

  virtual void post(std::function<void()> work) = 0;

  // On the strand alone, from here on. Once the exchange is over (ended, or its client gone) every call does nothing.
  virtual const HttpRequest& request() const = 0;
  // Once; request().body is empty from then on, so that long answers do not keep long questions.
  virtual ReceivedBody take_body() = 0;
  // The whole answer at once.
  virtual void respond(HttpResponse response) = 0;
  // An answer in pieces. `born`: when the first of these bytes' tokens was sampled, for the figures.
  virtual void begin(int status, std::vector<HttpHeader> headers) = 0;
  virtual void write(std::string_view bytes, Clock::time_point born = {}) = 0;
  virtual void end() = 0;

  // Called once if the client goes away, or is cut off because it does not read, before the answer is whole.
  virtual void on_gone(std::function<void()> act) = 0;
  // Calls once at that time, in place of the alarm set before; no time: never.
  virtual void alarm(Clock::time_point when, std::function<void()> act) = 0;
};

// Runs on the strand: it does little, and hands what is long to a worker.
using Handler = std::function<void(std::shared_ptr<Exchange>)>;

}  // namespace fathom::server
