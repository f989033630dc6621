#include "fathom/evaluation/code_gaps.h"

#include <algorithm>
#include <optional>

#include "fathom/base/error.h"
#include "fathom/corpus/document_selection.h"
#include "fathom/corpus/permutation.h"
#include "fathom/corpus/text_documents.h"

namespace fathom {
namespace {

constexpr std::ptrdiff_t kLeastBytes = 8;  // of a line, without blanks
constexpr std::uint64_t kSeed = 1;

struct Line {
  std::size_t begin = 0;
  std::size_t end = 0;  // without the line break
};

bool is_blank(char byte) { return byte == ' ' || byte == '\t' || byte == '\r'; }

// Lines worth leaving out: neither the first nor the last.
std::vector<Line> candidates(std::string_view code) {
  std::vector<Line> lines;
  const std::size_t first = code.find('\n');
  if (first == std::string_view::npos) return lines;
  for (std::size_t begin = first + 1, end = 0; (end = code.find('\n', begin)) != std::string_view::npos;
       begin = end + 1) {
    const auto text = code.substr(begin, end - begin);
    if (end + 1 < code.size() &&
        std::count_if(text.begin(), text.end(), [](char byte) { return !is_blank(byte); }) >= kLeastBytes)
      lines.push_back({begin, end});
  }
  return lines;
}

std::optional<CodeGap> make_gap(std::string_view code, GapKind kind, std::uint64_t random) {
  const std::vector<Line> lines = candidates(code);
  if (lines.empty()) return std::nullopt;
  const Line line = lines[random % lines.size()];
  std::size_t begin = line.begin;
  std::size_t end = line.end + 1;
  if (kind == GapKind::rest_of_line) {
    while (is_blank(code[begin])) ++begin;
    begin += 1 + mixed(random) % ((line.end - begin) / 2);  // at least half of the line is left to say
    while (begin < line.end && (static_cast<unsigned char>(code[begin]) & 0xC0) == 0x80) ++begin;
    end = line.end;
  }
  return CodeGap{.kind = kind,
                 .prefix = std::string(code.substr(0, begin)),
                 .middle = std::string(code.substr(begin, end - begin)),
                 .suffix = std::string(code.substr(end))};
}

std::vector<std::string> read_pieces(const GapOptions& options) {
  std::vector<std::string> pieces;
  TextDocuments documents(options.file);
  for (std::string document; documents.next(document);)
    for (const std::string_view piece : split_long(document, static_cast<std::size_t>(options.longest)))
      pieces.emplace_back(piece);
  return pieces;
}

}  // namespace

std::vector<CodeGap> make_code_gaps(const GapOptions& options) {
  const std::vector<std::string> pieces = read_pieces(options);
  std::vector<CodeGap> gaps;
  if (!pieces.empty()) {
    const Permutation order(std::ssize(pieces), kSeed);
    for (std::int64_t place = 0; place < order.size() && std::ssize(gaps) < 2 * options.samples; ++place) {
      const auto piece = static_cast<std::size_t>(order.at(place));
      for (const GapKind kind : {GapKind::line, GapKind::rest_of_line})
        if (auto gap = make_gap(pieces[piece], kind, mixed(mixed(kSeed, piece), static_cast<std::uint64_t>(kind))))
          gaps.push_back(std::move(*gap));
    }
  }
  if (gaps.empty()) throw InputError("[evaluation] {} holds no code with a line to leave out", options.file.string());
  return gaps;
}

}  // namespace fathom
