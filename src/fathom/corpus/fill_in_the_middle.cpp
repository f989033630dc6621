#include "fathom/corpus/fill_in_the_middle.h"

#include <xxhash.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "fathom/corpus/permutation.h"

namespace fathom {
namespace {

// Numbers that a text and a seed decide.
class TextRandom {
 public:
  TextRandom(std::string_view text, std::uint64_t seed) : state_(mixed(seed, XXH3_64bits(text.data(), text.size()))) {}

  std::uint64_t below(std::uint64_t limit) { return next() % limit; }
  double share() { return static_cast<double>(next() >> 11) * 0x1p-53; }

 private:
  std::uint64_t next() { return state_ = mixed(state_); }

  std::uint64_t state_;
};

using Cuts = std::pair<std::size_t, std::size_t>;

// Places where a line begins, and the end.
std::vector<std::size_t> line_borders(std::string_view text) {
  std::vector<std::size_t> borders{0};
  for (std::size_t at = 0; at < text.size(); ++at)
    if (text[at] == '\n' && at + 1 < text.size()) borders.push_back(at + 1);
  borders.push_back(text.size());
  return borders;
}

std::size_t character_border(std::string_view text, std::size_t at) {
  while (at < text.size() && (static_cast<unsigned char>(text[at]) & 0xC0) == 0x80) ++at;
  return at;
}

Cuts line_cuts(const std::vector<std::size_t>& borders, TextRandom& random) {
  const std::size_t one = random.below(borders.size());
  const std::size_t other = (one + 1 + random.below(borders.size() - 1)) % borders.size();
  return {borders[std::min(one, other)], borders[std::max(one, other)]};
}

// An empty middle teaches that nothing may be missing; it comes as often as chance has it.
Cuts character_cuts(std::string_view text, TextRandom& random) {
  const std::size_t one = character_border(text, random.below(text.size() + 1));
  const std::size_t other = character_border(text, random.below(text.size() + 1));
  return std::minmax(one, other);
}

}  // namespace

bool wants_fill_in_the_middle(std::string_view text, double rate, std::uint64_t seed) {
  return TextRandom(text, mixed(seed, 1)).share() < rate;
}

std::string fill_in_the_middle(std::string_view text, std::uint64_t seed) {
  if (text.size() < 2) return std::string(text);
  TextRandom random(text, seed);
  const bool by_line = random.below(2) == 0;
  const std::vector<std::size_t> borders = by_line ? line_borders(text) : std::vector<std::size_t>{};
  const Cuts cuts = borders.size() > 3 ? line_cuts(borders, random) : character_cuts(text, random);
  std::string rearranged = "<｜fim▁begin｜>";
  rearranged += text.substr(0, cuts.first);
  rearranged += "<｜fim▁hole｜>";
  rearranged += text.substr(cuts.second);
  rearranged += "<｜fim▁end｜>";
  rearranged += text.substr(cuts.first, cuts.second - cuts.first);
  return rearranged;
}

}  // namespace fathom
