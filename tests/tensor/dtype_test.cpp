#include "fathom/tensor/dtype.h"

#include <gtest/gtest.h>

#include <set>

namespace fathom {
namespace {

TEST(DType, NamesGoThereAndBack) {
  std::set<std::string_view> names;
  for (const DType dtype : kAllDTypes) {
    EXPECT_EQ(dtype_from_name(name_of(dtype)), dtype);
    EXPECT_GT(byte_size(dtype), 0);
    names.insert(name_of(dtype));
  }
  EXPECT_EQ(names.size(), std::size(kAllDTypes));
  EXPECT_EQ(dtype_from_name("F8_E5M2"), std::nullopt);
  EXPECT_EQ(dtype_from_name(""), std::nullopt);
  EXPECT_EQ(dtype_from_name("f32"), std::nullopt);
}

TEST(DType, Sizes) {
  EXPECT_EQ(byte_size(DType::i64), 8);
  EXPECT_EQ(byte_size(DType::f32), 4);
  EXPECT_EQ(byte_size(DType::bf16), 2);
  EXPECT_EQ(byte_size(DType::f8_e8m0), 1);
}

}  // namespace
}  // namespace fathom
