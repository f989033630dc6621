// Whether a client takes a body in gzip (RFC 9110, 12.5.3).
#pragma once

#include <string_view>

namespace fathom::server {

// `accepted`: the value of accept-encoding. Who says nothing gets what every client can read.
bool accepts_gzip(std::string_view accepted);

}  // namespace fathom::server
