#include "fathom/base/error.h"

#include <gtest/gtest.h>

namespace fathom {
namespace {

std::string text_of(const auto& call) {
  try {
    call();
  } catch (const InternalError& error) {
    return error.what();
  }
  return "";
}

TEST(Error, ACheckThatHoldsIsSilent) {
  EXPECT_NO_THROW(check(true, "nothing"));
  EXPECT_NO_THROW(check_equal(3, 3L, "nothing"));
}

TEST(Error, ACheckThatFailsNamesItselfAndItsPlace) {
  const std::string text = text_of([] { check(false, "rows are sorted"); });
  EXPECT_NE(text.find("rows are sorted"), std::string::npos) << text;
  EXPECT_NE(text.find("error_test.cpp"), std::string::npos) << text;
}

TEST(Error, UnequalValuesAreBothNamed) {
  const std::string text = text_of([] { check_equal(17, 42, "heads"); });
  for (const char* part : {"17", "42", "heads", "error_test.cpp"})
    EXPECT_NE(text.find(part), std::string::npos) << text;
}

TEST(Error, InputErrorsAreFormattedAndAreErrors) {
  try {
    throw InputError("[place] found {}, expected {}", 3, "four");
  } catch (const Error& error) {
    EXPECT_STREQ(error.what(), "[place] found 3, expected four");
  }
}

}  // namespace
}  // namespace fathom
