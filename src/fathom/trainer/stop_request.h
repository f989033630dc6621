// Ctrl-C and SIGTERM as a question that the loop asks after each step. While one lives, they only set a flag.
#pragma once

#include <csignal>

namespace fathom::train {

class StopRequest {
 public:
  StopRequest();
  ~StopRequest();
  StopRequest(const StopRequest&) = delete;
  StopRequest& operator=(const StopRequest&) = delete;

  bool requested() const;

 private:
  struct sigaction interrupt_ {};
  struct sigaction terminate_ {};
};

}  // namespace fathom::train
