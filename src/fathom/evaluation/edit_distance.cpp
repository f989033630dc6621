#include "fathom/evaluation/edit_distance.h"

#include <algorithm>
#include <numeric>
#include <vector>

namespace fathom {

std::int64_t edit_distance(std::string_view one, std::string_view other) {
  std::vector<std::int64_t> row(other.size() + 1);  // distances of one's beginning to each beginning of other
  std::iota(row.begin(), row.end(), 0);
  for (std::size_t line = 0; line < one.size(); ++line) {
    std::int64_t diagonal = row[0]++;
    for (std::size_t column = 0; column < other.size(); ++column) {
      const std::int64_t exchanged = diagonal + (one[line] == other[column] ? 0 : 1);
      diagonal = row[column + 1];
      row[column + 1] = std::min({exchanged, row[column] + 1, diagonal + 1});
    }
  }
  return row.back();
}

double edit_similarity(std::string_view one, std::string_view other) {
  const auto longer = static_cast<double>(std::max(one.size(), other.size()));
  return longer == 0.0 ? 1.0 : 1.0 - static_cast<double>(edit_distance(one, other)) / longer;
}

}  // namespace fathom
