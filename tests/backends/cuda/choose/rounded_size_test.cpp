#include "fathom/backends/cuda/choose/rounded_size.h"

#include <gtest/gtest.h>

namespace fathom::cuda {
namespace {

TEST(RoundedSize, HoldsItsSizeAndWastesLittle) {
  EXPECT_EQ(rounded_size(0), 0);
  EXPECT_EQ(rounded_size(1), 256);
  EXPECT_EQ(rounded_size(257), 512);
  EXPECT_EQ(rounded_size(8192), 8192);
  EXPECT_EQ(rounded_size(8193), 9216);
  for (std::int64_t size = 1; size < 300000; size += 37) {
    EXPECT_GE(rounded_size(size), size);
    EXPECT_LT(rounded_size(size) - size, std::max<std::int64_t>(256, size / 8 + 1)) << size;
    EXPECT_GE(rounded_size(size + 1), rounded_size(size));
  }
}

}  // namespace
}  // namespace fathom::cuda
