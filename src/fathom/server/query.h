// What stands behind the question mark of a request's target.
#pragma once

#include <string>
#include <string_view>

namespace fathom::server {

// The first value of that name, decoded; empty: there is none.
std::string query_value(std::string_view target, std::string_view name);

}  // namespace fathom::server
