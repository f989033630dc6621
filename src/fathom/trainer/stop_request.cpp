#include "fathom/trainer/stop_request.h"

namespace fathom::train {
namespace {

// A signal handler can reach nothing but a global.
volatile std::sig_atomic_t g_requested = 0;

// The second time the system ends the process, as it would have the first.
void on_signal(int signal) {
  g_requested = 1;
  struct sigaction action {};
  action.sa_handler = SIG_DFL;
  sigemptyset(&action.sa_mask);
  sigaction(signal, &action, nullptr);
}

}  // namespace

StopRequest::StopRequest() {
  g_requested = 0;
  struct sigaction action {};
  action.sa_handler = on_signal;
  action.sa_flags = SA_RESTART;
  sigemptyset(&action.sa_mask);
  sigaction(SIGINT, &action, &interrupt_);
  sigaction(SIGTERM, &action, &terminate_);
}

StopRequest::~StopRequest() {
  sigaction(SIGINT, &interrupt_, nullptr);
  sigaction(SIGTERM, &terminate_, nullptr);
}

bool StopRequest::requested() const { return g_requested != 0; }

}  // namespace fathom::train
