#include "fathom/api/anthropic_user.h"

#include <gtest/gtest.h>

namespace fathom::api {
namespace {

TEST(AnthropicUser, SessionsOfOneUserAreOneUser) {
  const auto claude = [](const std::string& device, const std::string& session) {
    return anthropic_user(R"({"device_id":")" + device + R"(","account_uuid":"","session_id":")" + session + "\"}");
  };
  EXPECT_EQ(claude("a", "1"), claude("a", "2"));
  EXPECT_NE(claude("a", "1"), claude("b", "1"));
  EXPECT_EQ(anthropic_user("user_ab_account__session_1"), anthropic_user("user_ab_account__session_2"));
  EXPECT_NE(anthropic_user("user_ab_account__session_1"), anthropic_user("user_cd_account__session_1"));
}

TEST(AnthropicUser, AnyTextIsAUser) {
  EXPECT_EQ(anthropic_user(""), "");
  EXPECT_NE(anthropic_user("a"), anthropic_user("b"));
  for (const std::string& odd : {std::string("{"), std::string("[1]"), std::string("null"), std::string(100000, 'x'),
                                 std::string("\0\xFF", 2), std::string("_session_")}) {
    EXPECT_EQ(anthropic_user(odd).size(), 32U);
    EXPECT_EQ(anthropic_user(odd).find_first_not_of("0123456789abcdef"), std::string::npos);
  }
}

}  // namespace
}  // namespace fathom::api
