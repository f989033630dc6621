// Bytes in chunks of any size to text of whole characters; each broken sequence becomes one U+FFFD. The text does not
// depend on where the chunks were cut.
#pragma once

#include <string>
#include <string_view>

namespace fathom {

class Utf8Stream {
 public:
  // Appends to `out` the characters that are whole by now.
  void push(std::string_view bytes, std::string& out);
  // A character that never got its last bytes becomes U+FFFD.
  void finish(std::string& out);

 private:
  std::string waiting_;  // at most 3 bytes
};

}  // namespace fathom
