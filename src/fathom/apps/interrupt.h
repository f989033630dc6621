// Ctrl-C as a question the program asks, not as its end. While one lives, SIGINT only puts a byte into a pipe. One at a
// time.
#pragma once

#include <csignal>

namespace fathom {

class Interrupt {
 public:
  Interrupt();
  ~Interrupt();
  Interrupt(const Interrupt&) = delete;
  Interrupt& operator=(const Interrupt&) = delete;

  bool requested() const;
  void clear();
  // Readable once SIGINT came, whichever thread took it. Who waits for input polls this too: a signal that comes just
  // before a read interrupts nothing.
  int descriptor() const { return ends_[0]; }

 private:
  int ends_[2] = {-1, -1};  // of a pipe
  struct sigaction previous_ {};
};

}  // namespace fathom
