// Ctrl-C as a question the program asks, not as its end. While one lives, SIGINT only sets a flag.
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

 private:
  struct sigaction previous_ {};
};

}  // namespace fathom
