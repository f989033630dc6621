// Rows of texts as a table at the terminal: columns as wide as what is in them.
#pragma once

#include <string>
#include <vector>

namespace fathom {

// The first row is the head. Columns whose head ends in ">" are set to the right; it is not printed.
std::string table_text(const std::vector<std::vector<std::string>>& rows);

}  // namespace fathom
