#include "fathom/server/keys.h"

#include <gtest/gtest.h>

#include "fathom/api/api_error.h"
#include "fathom/base/error.h"

namespace fathom::server {
namespace {

std::string account(const Keys& keys, const std::vector<HttpHeader>& headers) {
  HttpRequest request;
  request.headers = headers;
  return keys.account(request);
}

std::string refusal(const Keys& keys, const std::vector<HttpHeader>& headers) {
  try {
    return "account " + account(keys, headers);
  } catch (const api::ApiError& error) {
    EXPECT_EQ(error.status(), 401);
    EXPECT_EQ(error.type(), "authentication_error");
    EXPECT_EQ(error.code(), "invalid_request_error");
    return error.what();
  }
}

TEST(Keys, WithoutAFileEveryoneIsNobody) {
  const Keys keys;
  EXPECT_FALSE(keys.required());
  EXPECT_EQ(account(keys, {}), "");
  EXPECT_EQ(account(keys, {{"authorization", "Bearer x"}}), "");
}

TEST(Keys, AFileHasOneALineWithCommentsAndSpace) {
  const Keys keys = Keys::parse("# ours\n  sk-one \t\r\n\n\r\nsk-two", "keys.txt");
  EXPECT_TRUE(keys.required());
  const std::string one = account(keys, {{"authorization", "Bearer sk-one"}});
  const std::string two = account(keys, {{"x-api-key", "sk-two"}});
  EXPECT_EQ(one.size(), 8U);
  EXPECT_NE(one, two);
  EXPECT_EQ(one, account(keys, {{"Authorization", "bearer   sk-one "}}));
  EXPECT_EQ(one, account(keys, {{"authorization", "sk-one"}})) << "some clients leave the scheme out";
  EXPECT_EQ(one.find("sk"), std::string::npos) << "an account does not tell its key";
}

TEST(Keys, AuthorizationWinsOverTheOther) {
  const Keys keys = Keys::parse("sk-one", "keys.txt");
  EXPECT_EQ(refusal(keys, {{"x-api-key", "sk-one"}, {"authorization", "Bearer sk-bad"}}),
            "Authentication Fails, Your api key: ****-bad is invalid");
}

TEST(Keys, ARefusalShowsAtMostFourCharacters) {
  const Keys keys = Keys::parse("sk-one", "keys.txt");
  EXPECT_EQ(refusal(keys, {{"x-api-key", "abc"}}), "Authentication Fails, Your api key: ****abc is invalid");
  EXPECT_EQ(refusal(keys, {{"x-api-key", "sk-onE"}}), "Authentication Fails, Your api key: ****-onE is invalid");
  EXPECT_EQ(refusal(keys, {}), "Authentication Fails (governor)");
  EXPECT_EQ(refusal(keys, {{"authorization", "Bearer "}}), "Authentication Fails (governor)");
  EXPECT_EQ(refusal(keys, {{"x-api-key", "# ours"}}), "Authentication Fails, Your api key: ****ours is invalid");
}

TEST(Keys, AFileWithoutAKeyIsAnInputError) {
  EXPECT_THROW(Keys::parse("", "keys.txt"), InputError);
  EXPECT_THROW(Keys::parse("# nothing\n\n", "keys.txt"), InputError);
  EXPECT_THROW(Keys::load("/no/such/file"), InputError);
}

}  // namespace
}  // namespace fathom::server
