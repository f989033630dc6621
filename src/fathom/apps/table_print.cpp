#include "fathom/apps/table_print.h"

#include <fmt/format.h>

#include <algorithm>

namespace fathom {

std::string table_text(const std::vector<std::vector<std::string>>& rows) {
  if (rows.empty()) return {};
  const std::size_t columns = rows.front().size();
  std::vector<std::size_t> width(columns, 0);
  std::vector<bool> right(columns, false);
  std::vector<std::vector<std::string>> shown = rows;
  for (std::size_t column = 0; column < columns; ++column) {
    std::string& head = shown.front()[column];
    right[column] = head.ends_with('>');
    if (right[column]) head.pop_back();
    for (const auto& row : shown) width[column] = std::max(width[column], row[column].size());
  }
  std::string out;
  for (const auto& row : shown) {
    std::string line;
    for (std::size_t column = 0; column < columns; ++column)
      line += right[column] ? fmt::format("{:>{}}  ", row[column], width[column])
                            : fmt::format("{:<{}}  ", row[column], width[column]);
    line.erase(line.find_last_not_of(' ') + 1);
    out += line + "\n";
  }
  return out;
}

}  // namespace fathom
