#include "fathom/api/api_error.h"

#include <gtest/gtest.h>

namespace fathom::api {
namespace {

TEST(ApiError, OneEnvelopeForAllSurfaces) {
  const ApiError error(401, "authentication_error", "no \"key\"\n", "invalid_request_error");
  EXPECT_EQ(error_body(error, false),
            R"({"error":{"message":"no \"key\"\n","type":"authentication_error","param":null,)"
            R"("code":"invalid_request_error"}})");
  EXPECT_EQ(error_body(ApiError(400, "a", "b"), true),
            R"({"type":"error","error":{"message":"b","type":"a","param":null,"code":"a"}})");
}

TEST(ApiError, DetailsForPrograms) {
  ApiError error(400, "a", "b");
  error.details = R"({"error_code":"c"})";
  EXPECT_EQ(error_body(error, false),
            R"({"error":{"message":"b","type":"a","param":null,"code":"a","details":{"error_code":"c"}}})");
}

}  // namespace
}  // namespace fathom::api
