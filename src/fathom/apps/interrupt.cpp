#include "fathom/apps/interrupt.h"

namespace fathom {
namespace {

// A signal handler can reach nothing but a global.
volatile std::sig_atomic_t g_interrupted = 0;

void on_interrupt(int /*signal*/) { g_interrupted = 1; }

}  // namespace

Interrupt::Interrupt() {
  g_interrupted = 0;
  struct sigaction action {};
  action.sa_handler = on_interrupt;
  sigemptyset(&action.sa_mask);
  sigaction(SIGINT, &action, &previous_);  // no SA_RESTART: a waiting read returns
}

Interrupt::~Interrupt() { sigaction(SIGINT, &previous_, nullptr); }

bool Interrupt::requested() const { return g_interrupted != 0; }

void Interrupt::clear() { g_interrupted = 0; }

}  // namespace fathom
