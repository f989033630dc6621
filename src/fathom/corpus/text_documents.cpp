#include "fathom/corpus/text_documents.h"

#include "fathom/base/error.h"
#include "fathom/tokenizer/utf8.h"

namespace fathom {
namespace {

constexpr std::size_t kLargest = std::size_t{1} << 30;
constexpr std::size_t kTidy = std::size_t{1} << 24;  // bytes read and done with that may lie about

void require_utf8(std::string_view text, const std::filesystem::path& path, std::int64_t number) {
  for (std::size_t at = 0; at < text.size();) {
    const Utf8Step step = utf8_step(text, at);
    if (!step.valid)
      throw InputError("[corpus] {}: document {} is no UTF-8 at its byte {} (0x{:02x})", path.string(), number, at,
                       static_cast<unsigned char>(text[at]));
    at += static_cast<std::size_t>(step.length);
  }
}

}  // namespace

// A form feed with a line break, or the text's end, on both sides.
bool TextDocuments::find_separator() {
  while (true) {
    const std::size_t feed = text_.find('\f', looked_at_);
    if (feed == std::string::npos) {
      looked_at_ = text_.size();
      return false;
    }
    if (feed + 1 == text_.size() && !ended_) {
      looked_at_ = feed;  // what follows is not here yet
      return false;
    }
    looked_at_ = feed + 1;
    const bool opens_line = feed == begin_ || text_[feed - 1] == '\n';
    const bool ends_line = feed + 1 == text_.size() || text_[feed + 1] == '\n';
    if (!opens_line || !ends_line) continue;
    separator_ = feed;
    return true;
  }
}

void TextDocuments::take(std::size_t end, std::string& document) {
  const bool has_break = end > begin_ && text_[end - 1] == '\n';
  document.assign(text_, begin_, end - begin_ - (has_break ? 1 : 0));
  require_utf8(document, source_.path(), number_);
  ++number_;
}

bool TextDocuments::next(std::string& document) {
  while (!find_separator()) {
    if (ended_) {
      if (begin_ == text_.size()) return false;
      take(text_.size(), document);
      begin_ = text_.size();
      return true;
    }
    if (text_.size() - begin_ > kLargest)
      throw InputError("[corpus] {}: document {} has more than {} bytes: is a line with a form feed missing?",
                       source_.path().string(), number_, kLargest);
    if (begin_ > kTidy) {
      text_.erase(0, begin_);
      looked_at_ -= begin_;
      begin_ = 0;
    }
    ended_ = !source_.read(text_);
  }
  take(separator_, document);
  begin_ = std::min(separator_ + 2, text_.size());
  looked_at_ = begin_;
  return true;
}

bool TextLines::next(std::string& line) {
  std::size_t from = begin_;
  while (true) {
    const std::size_t end = text_.find('\n', from);
    if (end != std::string::npos) {
      line.assign(text_, begin_, end - begin_);
      begin_ = end + 1;
      return true;
    }
    if (ended_) break;
    text_.erase(0, begin_);
    begin_ = 0;
    from = text_.size();
    ended_ = !source_.read(text_);
  }
  if (begin_ == text_.size()) return false;
  line.assign(text_, begin_);
  begin_ = text_.size();
  return true;
}

}  // namespace fathom
