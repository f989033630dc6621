// A backend of host memory that computes on a device's: every array is copied there before an operation and back after
// it, at the same distance from a cache line and with nothing behind its end. So the operation tests run there as well.
#pragma once

#include <memory>

#include "fathom/ops/backend.h"

namespace fathom::op_test {

std::unique_ptr<Backend> make_mirrored(std::unique_ptr<Backend> inner);

}  // namespace fathom::op_test
