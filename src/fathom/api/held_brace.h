// The arguments of a call as they may be sent. The parser closes the arguments of a call that was cut off, so that they
// are JSON; a client that runs whatever parses would run half a command. So the last '}' waits until the call is known
// to be whole, and what was cut off is never JSON.
#pragma once

#include <string>
#include <string_view>

namespace fathom::api {

class HeldBrace {
 public:
  void begin() { held_ = false; }
  // What may be sent now.
  std::string pass(std::string_view text);
  // What was left, if the call is whole.
  std::string end(bool complete);

 private:
  bool held_ = false;
};

}  // namespace fathom::api
