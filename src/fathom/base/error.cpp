#include "fathom/base/error.h"

namespace fathom::detail {

void check_failed(std::string_view what, const char* file, int line) {
  throw InternalError("[internal] {} ({}:{})", what, file, line);
}

void check_equal_failed(const std::string& found, const std::string& expected, std::string_view what, const char* file,
                        int line) {
  throw InternalError("[internal] {}: found {}, expected {} ({}:{})", what, found, expected, file, line);
}

}  // namespace fathom::detail
