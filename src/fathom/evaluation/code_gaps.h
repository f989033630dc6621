// Gaps in code for fill-in-the-middle: what stands before, what is missing, what stands behind.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace fathom {

enum class GapKind : std::uint8_t {
  line,         // a whole line with its line break
  rest_of_line  // from somewhere within a line to its end
};

struct CodeGap {
  GapKind kind = GapKind::line;
  std::string prefix;
  std::string middle;
  std::string suffix;
};

struct GapOptions {
  std::filesystem::path file;   // documents as fathom corpus reads them
  std::int64_t samples = 0;     // of each kind, one of each in a piece
  std::int64_t longest = 4096;  // bytes of a piece of code
};

// From pieces spread over the file, the same ones every time; fewer when there are too few. The line has 8 bytes or
// more that are no blanks, and lines on both sides.
std::vector<CodeGap> make_code_gaps(const GapOptions& options);

}  // namespace fathom
