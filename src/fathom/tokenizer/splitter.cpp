#include "fathom/tokenizer/splitter.h"

#include "fathom/tokenizer/utf8.h"

namespace fathom {
namespace {

bool is_ascii_letter(char letter) {
  return static_cast<unsigned char>((static_cast<unsigned char>(letter) | 0x20) - 'a') < 26;
}

}  // namespace

Splitter::Symbol Splitter::symbol(std::string_view text, std::size_t at) const {
  const auto byte = static_cast<unsigned char>(text[at]);
  if (byte < 0x80) return {classes_.of_ascii(byte), at + 1};
  const Utf8Step step = utf8_long_step(text.substr(at));
  return {classes_.of(step.code_point), at + static_cast<std::size_t>(step.length)};
}

bool Splitter::is_at(std::string_view text, std::size_t at, CharClass kind) const {
  return at < text.size() && symbol(text, at).kind == kind;
}

std::size_t Splitter::run_end(std::string_view text, std::size_t at, CharClass kind) const {
  while (at < text.size()) {
    const Symbol found = symbol(text, at);
    if (found.kind != kind) break;
    at = found.end;
  }
  return at;
}

std::size_t Splitter::ascii_letters_end(std::string_view text, std::size_t at) const {
  while (at < text.size() && is_ascii_letter(text[at])) ++at;
  return at;
}

// [\p{P}\p{S}]+[\r\n]*
std::size_t Splitter::punctuation_end(std::string_view text, std::size_t at) const {
  at = run_end(text, at, CharClass::kPunctuation);
  while (at < text.size() && (text[at] == '\r' || text[at] == '\n')) ++at;
  return at;
}

// \p{N}{1,3}
std::size_t Splitter::number_end(std::string_view text, std::size_t at) const {
  for (int digits = 0; digits < 3 && at < text.size(); ++digits) {
    const Symbol found = symbol(text, at);
    if (found.kind != CharClass::kNumber) break;
    at = found.end;
  }
  return at;
}

// \s*[\r\n]+ | \s+(?!\S) | \s+ from the first white space of a run.
std::size_t Splitter::white_end(std::string_view text, std::size_t start) const {
  std::size_t newline_end = start;  // behind the run's last CR or LF
  std::size_t last = start;         // where its last symbol begins
  std::size_t end = start;
  bool before_text = false;  // a symbol of the same subject follows, so (?!\S) gives one symbol back
  while (end < text.size()) {
    const Symbol found = symbol(text, end);
    if (found.kind != CharClass::kSpace && found.kind != CharClass::kNewline) {
      before_text = found.kind < CharClass::kNumber;
      break;
    }
    last = end;
    end = found.end;
    if (found.kind == CharClass::kNewline) newline_end = end;
  }
  if (newline_end > start) return newline_end;
  return before_text && last > start ? last : end;
}

// No alternative begins at an `other` symbol but the second, with that symbol as its prefix: the run up to the last
// such prefix is what lies between two matches.
std::size_t Splitter::other_end(std::string_view text, std::size_t start, CharClass other, CharClass letter) const {
  std::size_t last = start;
  std::size_t end = start;
  while (end < text.size()) {
    const Symbol found = symbol(text, end);
    if (found.kind != other) break;
    last = end;
    end = found.end;
  }
  if (!is_at(text, end, letter)) return end;
  return last > start ? last : run_end(text, end, letter);
}

std::size_t Splitter::piece_end(std::string_view text, std::size_t start) const {
  const Symbol first = symbol(text, start);
  switch (first.kind) {
    case CharClass::kLetter:
    case CharClass::kCjkLetter:
    case CharClass::kCjkPunctuation:  // its tail [\r\n]* lies in another subject
      return run_end(text, first.end, first.kind);
    case CharClass::kPunctuation:
      if (static_cast<unsigned char>(text[start]) < 0x80 && first.end < text.size() && is_ascii_letter(text[first.end]))
        return ascii_letters_end(text, first.end);
      return punctuation_end(text, first.end);
    case CharClass::kNumber: return number_end(text, start);
    case CharClass::kSpace: {
      if (first.end == text.size()) return first.end;
      const CharClass next = symbol(text, first.end).kind;
      if (next == CharClass::kLetter) return run_end(text, first.end, next);
      if (next == CharClass::kPunctuation && text[start] == ' ') return punctuation_end(text, first.end);
      return white_end(text, start);
    }
    case CharClass::kNewline: return white_end(text, start);
    case CharClass::kOther: return other_end(text, start, CharClass::kOther, CharClass::kLetter);
    case CharClass::kCjkOther: return other_end(text, start, CharClass::kCjkOther, CharClass::kCjkLetter);
  }
  return first.end;
}

}  // namespace fathom
