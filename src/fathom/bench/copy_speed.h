// How fast a backend's memory is read and written by a copy within it.
#pragma once

#include "fathom/ops/backend.h"

namespace fathom::bench {

// Bytes read and bytes written a second, together: the median of several goes that copy `bytes`.
double copy_bytes_per_second(Backend& backend, std::int64_t bytes);

}  // namespace fathom::bench
