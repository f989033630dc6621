#include "fathom/bench/copy_speed.h"

#include <gtest/gtest.h>

#include "fathom/backends/reference/reference_backend.h"

namespace fathom::bench {
namespace {

TEST(CopySpeed, IsOfWhatWasCopied) {
  ReferenceBackend backend;
  EXPECT_GT(copy_bytes_per_second(backend, 4096), 0.0);
}

}  // namespace
}  // namespace fathom::bench
