#include "fathom/corpus/document_selection.h"

#include <xxhash.h>

#include <algorithm>
#include <initializer_list>

#include "fathom/base/error.h"

namespace fathom {
namespace {

constexpr std::uint64_t kHeldOutOneIn = 100;
constexpr std::size_t kLongestCharacter = 4;

bool continues_character(char byte) { return (static_cast<unsigned char>(byte) & 0xC0) == 0x80; }

std::size_t cut_place(std::string_view text, std::size_t longest) {
  const std::string_view head = text.substr(0, longest);
  for (const std::string_view border : {"\n\n", "\n", " "}) {
    const std::size_t found = head.rfind(border);
    if (found != std::string_view::npos && found + border.size() > longest - longest / 4) return found + border.size();
  }
  std::size_t cut = longest;
  while (cut > 1 && continues_character(text[cut])) --cut;
  return cut;
}

}  // namespace

bool is_held_out(std::string_view document) {
  return XXH3_64bits(document.data(), document.size()) % kHeldOutOneIn == 0;
}

bool belongs_to(HoldOut part, std::string_view document) {
  return part == HoldOut::none || is_held_out(document) == (part == HoldOut::test);
}

bool is_near_empty(std::string_view document) {
  const auto white = [](char byte) { return byte == ' ' || byte == '\n' || byte == '\t' || byte == '\r'; };
  return document.size() - static_cast<std::size_t>(std::count_if(document.begin(), document.end(), white)) <
         kLeastBytes;
}

// The share taken follows the share seen; a document is taken when its middle has come due.
bool Thinning::takes(std::uint64_t bytes) {
  const double due = static_cast<double>(wanted_) / static_cast<double>(std::max<std::uint64_t>(all_, 1)) *
                     (static_cast<double>(seen_) + static_cast<double>(bytes) / 2);
  seen_ += bytes;
  const bool take = wanted_ >= all_ || static_cast<double>(taken_) + static_cast<double>(bytes) / 2 <= due;
  if (take) taken_ += bytes;
  return take;
}

std::vector<std::string_view> split_long(std::string_view document, std::size_t longest) {
  check(longest >= kLongestCharacter, "a piece holds a character");
  std::vector<std::string_view> pieces;
  while (document.size() > longest) {
    const std::size_t cut = cut_place(document, longest);
    pieces.push_back(document.substr(0, cut));
    document.remove_prefix(cut);
  }
  if (!document.empty()) pieces.push_back(document);
  return pieces;
}

}  // namespace fathom
