#include "fathom/server/faults.h"

#include <gtest/gtest.h>

#include "fathom/base/error.h"

namespace fathom::server {
namespace {

TEST(Faults, TheCallersFaultIsToldAndOursIsNot) {
  ::testing::internal::CaptureStderr();
  {
    RequestLog log(LogLevel::error);
    const api::ApiError caller = as_api_error(InputError("[engine] the prompt has no tokens"), "0123", log);
    EXPECT_EQ(caller.status(), 400);
    EXPECT_STREQ(caller.what(), "[engine] the prompt has no tokens");
    const api::ApiError known = as_api_error(api::ApiError(402, "unknown_error", "Insufficient Balance"), "0123", log);
    EXPECT_EQ(known.status(), 402);
    const api::ApiError ours = as_api_error(InternalError("secret"), "0123", log);
    EXPECT_EQ(ours.status(), 500);
    EXPECT_EQ(std::string(ours.what()).find("secret"), std::string::npos);
    EXPECT_NE(std::string(ours.what()).find("0123"), std::string::npos);
    EXPECT_EQ(as_api_error(std::bad_alloc(), "0123", log).status(), 500);
    as_api_error(InternalError("secret"), "4567", log);
  }
  EXPECT_NE(::testing::internal::GetCapturedStderr().find("id=4567 fault: secret"), std::string::npos);
}

TEST(Faults, RefusalsHaveTheirStatusAndTime) {
  using Reason = Refusal::Reason;
  const auto status = [](Reason reason, double retry) {
    const api::ApiError error = as_api_error(Refusal{reason, "words", retry});
    EXPECT_STREQ(error.what(), "words");
    EXPECT_EQ(error.retry_after, retry);
    return error.status();
  };
  EXPECT_EQ(status(Reason::queue_full, 3.0), 429);
  EXPECT_EQ(status(Reason::user_limit, 0.0), 429);
  EXPECT_EQ(status(Reason::account_limit, 0.0), 429);
  EXPECT_EQ(status(Reason::draining, 1.0), 503);
  EXPECT_EQ(status(Reason::too_large, 0.0), 400);
  EXPECT_EQ(status(Reason::too_large, 9.0), 429) << "it fits when others have ended";
}

TEST(Faults, RetryAfterIsWholeSecondsAndNeverZero) {
  const auto retry_after = [](double seconds) {
    api::ApiError error(429, "rate_limit_error", "words");
    error.retry_after = seconds;
    for (const HttpHeader& header : error_response(error, false, {}).headers)
      if (header.name == "retry-after") return header.value;
    return std::string();
  };
  EXPECT_EQ(retry_after(0.0), "");
  EXPECT_EQ(retry_after(0.01), "1");
  EXPECT_EQ(retry_after(7.0), "7");
  EXPECT_EQ(retry_after(7.2), "8");
}

}  // namespace
}  // namespace fathom::server
