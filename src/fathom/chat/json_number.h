// Numbers the way Python's json module carries them from text to text: integers of any size kept exactly, everything
// else through a double and back by its shortest repr.
#pragma once

#include <string>
#include <string_view>

namespace fathom {

// `literal` must follow JSON's number grammar. "-0" -> "0", "1E5" -> "100000.0", "1e999" -> "Infinity".
std::string python_number(std::string_view literal);

// repr(float): 1e+16, 0.0001, 1e-05, -0.0; Infinity, -Infinity and NaN as json.dumps spells them.
std::string python_float(double value);

}  // namespace fathom
