// Ends a stream of text at the first of several strings, which themselves are not part of it. The first is the one that
// is complete first; of those complete at once, the longest. So it can be told as the text comes, and the pieces that
// it comes in do not show. Text is held back only while it may be the beginning of a stop string.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace fathom {

class StopStrings {
 public:
  explicit StopStrings(std::vector<std::string> strings);

  // The text that is certain now. After matched() nothing more comes.
  std::string feed(std::string_view text);
  // What was held back, once the stream is over.
  std::string finish();
  bool matched() const { return !match_.empty(); }
  const std::string& match() const { return match_; }  // the string that ended the text, or empty

 private:
  std::vector<std::string> strings_;
  std::string pending_;
  std::string match_;
};

}  // namespace fathom
