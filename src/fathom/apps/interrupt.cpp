#include "fathom/apps/interrupt.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>

#include "fathom/base/error.h"

namespace fathom {
namespace {

// A signal handler can reach nothing but globals.
std::atomic<int> g_pipe{-1};
static_assert(std::atomic<int>::is_always_lock_free);

void on_interrupt(int /*signal*/) {
  const int error = errno;
  const char byte = 0;
  [[maybe_unused]] const auto ignored = ::write(g_pipe, &byte, 1);  // a full pipe is readable already
  errno = error;
}

}  // namespace

Interrupt::Interrupt() {
  if (::pipe2(ends_, O_CLOEXEC | O_NONBLOCK) != 0) throw InternalError("[interrupt] no pipe: errno {}", errno);
  g_pipe = ends_[1];
  struct sigaction action {};
  action.sa_handler = on_interrupt;
  sigemptyset(&action.sa_mask);
  sigaction(SIGINT, &action, &previous_);  // no SA_RESTART: a waiting read returns
}

Interrupt::~Interrupt() {
  sigaction(SIGINT, &previous_, nullptr);
  g_pipe = -1;
  ::close(ends_[0]);
  ::close(ends_[1]);
}

bool Interrupt::requested() const {
  pollfd asked{.fd = ends_[0], .events = POLLIN, .revents = 0};
  return ::poll(&asked, 1, 0) > 0;
}

void Interrupt::clear() {
  char bytes[64];
  while (::read(ends_[0], bytes, sizeof bytes) > 0) {
  }
}

}  // namespace fathom
