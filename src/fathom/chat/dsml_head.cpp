#include "fathom/chat/dsml_head.h"

#include <algorithm>

#include "fathom/chat/marker_scan.h"
#include "fathom/chat/markers.h"

namespace fathom {
namespace {

// Longer heads are no heads: a model that ran into prose. A decision at the last of these bytes looks a tag further, so
// the verdict waits for that much more and does not depend on how the text arrives.
constexpr std::size_t kMaxHead = 4096;
constexpr std::size_t kLookahead = 32;

bool is_word(char character) {
  return (character >= 'a' && character <= 'z') || (character >= 'A' && character <= 'Z') || character == '_';
}

std::size_t skip_word(std::string_view text, std::size_t from) {
  while (from < text.size() && is_word(text[from])) ++from;
  return from;
}

// Reads a head from left to right; `waiting` is thrown by anything that needs bytes still to come.
class HeadReader {
 public:
  HeadReader(std::string_view text, DsmlTag tag) : text_(text), tag_(tag) {}

  DsmlHead read() {
    try {
      while (!done_) read_next();
      head_.length = offset_;
      return head_;
    } catch (Waiting) {
      if (text_.size() <= kMaxHead + kLookahead) return {};
      DsmlHead broken;
      broken.state = DsmlHead::State::broken;
      broken.malformed = true;
      return broken;
    }
  }

 private:
  struct Waiting {};

  char at(std::size_t offset) const {
    if (offset >= text_.size() || offset > kMaxHead) throw Waiting{};
    return text_[offset];
  }

  void finish(DsmlHead::State state) {
    head_.state = state;
    done_ = true;
  }

  // Does a DSML tag begin at this '<'?
  bool tag_begins(std::size_t offset) const {
    for (const std::string_view tag : {marker::dsml_open, marker::dsml_close}) {
      const MarkerMatch match = match_front(text_.substr(offset), tag);
      if (match == MarkerMatch::partial) throw Waiting{};
      if (match == MarkerMatch::yes) return true;
    }
    return false;
  }

  void read_next() {
    const std::size_t start = offset_;
    const std::size_t next = skip_blanks(text_, start);
    const char character = at(next);
    if (character == '>') {
      head_.malformed = head_.malformed || next != start || !head_.has_name;
      offset_ = next + 1;
      finish(DsmlHead::State::read);
    } else if (character == '<') {  // the head never got its '>'
      head_.malformed = true;
      offset_ = next;
      finish(head_.has_name ? DsmlHead::State::read : DsmlHead::State::broken);
    } else if (is_word(character)) {
      head_.malformed = head_.malformed || next != start + 1 || text_[start] != ' ';
      offset_ = next;
      read_attribute();
    } else {
      head_.malformed = true;
      offset_ = next + 1;
    }
  }

  void read_attribute() {
    const std::size_t end = skip_word(text_, offset_);
    const std::string_view word = text_.substr(offset_, end - offset_);
    const std::size_t equals = skip_blanks(text_, end);
    if (at(equals) != '=') {
      head_.malformed = true;
      offset_ = end;
      return;
    }
    const std::size_t start = skip_blanks(text_, equals + 1);
    const char quote = at(start);
    const bool quoted = quote == '"' || quote == '\'';
    head_.malformed = head_.malformed || start != end + 1 || quote != '"';
    const std::string value = quoted ? read_quoted(start + 1, quote) : read_unquoted(start);
    if (word == "name" && !head_.has_name) {
      head_.name = value;
      head_.has_name = true;
      head_.malformed = head_.malformed || head_.string_flag.has_value();
    } else if (word == "string" && tag_ == DsmlTag::parameter && !head_.string_flag) {
      read_flag(value);
    } else {
      head_.malformed = true;
    }
  }

  void read_flag(const std::string& value) {
    std::string lower = value;
    std::transform(lower.begin(), lower.end(), lower.begin(),
                   [](char character) { return static_cast<char>(character | 0x20); });
    if (lower == "true" || lower == "false") head_.string_flag = lower == "true";
    head_.malformed = head_.malformed || (value != "true" && value != "false");
  }

  // A quote closes the value if a '>', another attribute or another tag follows it; else it belongs to the value.
  bool closes(std::size_t after_quote) const {
    const std::size_t next = skip_blanks(text_, after_quote);
    const char character = at(next);
    if (character == '>') return true;
    if (character == '<') return tag_begins(next);
    if (next == after_quote || !is_word(character)) return false;
    return at(skip_blanks(text_, skip_word(text_, next))) == '=';
  }

  std::string read_quoted(std::size_t start, char quote) {
    std::size_t end = start;
    while (true) {
      const char character = at(end);
      if (character == quote && closes(end + 1)) {
        offset_ = end + 1;
        return std::string(text_.substr(start, end - start));
      }
      const bool line_break = tag_ == DsmlTag::invoke && (character == '\n' || character == '\r');
      if (line_break || (character == '<' && tag_begins(end))) {
        head_.malformed = true;
        offset_ = end;
        finish(DsmlHead::State::broken);
        return {};
      }
      ++end;
    }
  }

  std::string read_unquoted(std::size_t start) {
    std::size_t end = start;
    while (std::string_view(" \t\n\r<>").find(at(end)) == std::string_view::npos) ++end;
    offset_ = end;
    return std::string(text_.substr(start, end - start));
  }

  std::string_view text_;
  DsmlTag tag_;
  std::size_t offset_ = 0;
  bool done_ = false;
  DsmlHead head_;
};

}  // namespace

DsmlHead read_dsml_head(std::string_view text, DsmlTag tag) { return HeadReader(text, tag).read(); }

}  // namespace fathom
