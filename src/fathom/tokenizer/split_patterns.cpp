#include "fathom/tokenizer/split_patterns.h"

#include <string>

namespace fathom {
namespace {

std::string plain(std::string_view pattern) {
  std::string result;
  for (std::size_t at = 0; at < pattern.size(); ++at) {
    const bool escape = pattern[at] == '\\' && at + 1 < pattern.size();
    if (!escape) {
      result += pattern[at];
      continue;
    }
    const char next = pattern[++at];
    if (next == 'r') {
      result += '\r';
    } else if (next == 'n') {
      result += '\n';
    } else if (next == '"') {
      result += '"';
    } else {
      result += '\\';
      result += next;
    }
  }
  return result;
}

}  // namespace

std::array<std::string_view, 3> split_patterns() {
  return {R"(\p{N}{1,3})", "[一-龥぀-ゟ゠-ヿ]+",
          R"([!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+)"
          R"(| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)"};
}

bool same_split_pattern(std::string_view left, std::string_view right) { return plain(left) == plain(right); }

}  // namespace fathom
