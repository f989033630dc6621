#include "fathom/chat/utf8_stream.h"

#include "fathom/tokenizer/utf8.h"

namespace fathom {

void Utf8Stream::push(std::string_view bytes, std::string& out) {
  std::string joined;
  if (!waiting_.empty()) {
    joined.swap(waiting_);
    joined += bytes;
    bytes = joined;
  }
  const std::size_t whole = bytes.size() - utf8_cut_tail(bytes);
  out += utf8_lossy(bytes.substr(0, whole));
  waiting_ = bytes.substr(whole);
}

void Utf8Stream::finish(std::string& out) {
  out += utf8_lossy(waiting_);
  waiting_.clear();
}

}  // namespace fathom
