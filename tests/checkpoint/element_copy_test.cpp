#include "fathom/checkpoint/element_copy.h"

#include <gtest/gtest.h>

#include "fathom/base/error.h"

namespace fathom {
namespace {

TEST(ElementCopy, WidensHalfFormats) {
  const std::uint16_t bits[] = {0x3f80, 0xc000};
  EXPECT_EQ(copy_floats(std::as_bytes(std::span(bits)), DType::bf16), (std::vector<float>{1.0F, -2.0F}));
  const std::uint16_t half[] = {0x3c00, 0xc000};
  EXPECT_EQ(copy_floats(std::as_bytes(std::span(half)), DType::f16), (std::vector<float>{1.0F, -2.0F}));
}

TEST(ElementCopy, IntegersKeepTheirSign) {
  const std::int32_t narrow[] = {-3, 7};
  EXPECT_EQ(copy_integers(std::as_bytes(std::span(narrow)), DType::i32), (std::vector<std::int64_t>{-3, 7}));
}

TEST(ElementCopy, OtherTypesAreOurFault) {
  EXPECT_THROW(copy_floats({}, DType::i8), InternalError);
  EXPECT_THROW(copy_integers({}, DType::f32), InternalError);
  const char three[3] = {};
  EXPECT_THROW(copy_floats(std::as_bytes(std::span(three)), DType::f32), InternalError);
  EXPECT_TRUE(copy_floats({}, DType::f32).empty());
}

}  // namespace
}  // namespace fathom
