#include "fathom/api/json_object.h"

#include <gtest/gtest.h>

#include <limits>

#include "fathom/chat/json_text.h"

namespace fathom::api {
namespace {

TEST(JsonObject, EveryKindOfMember) {
  EXPECT_EQ(JsonObject().close(), "{}");
  const std::string json = JsonObject()
                               .text("a", "\"\n\x01 ü ｜")
                               .number("b", -7)
                               .real("c", 0.5)
                               .truth("d", true)
                               .truth("e", false)
                               .null("f")
                               .json("g", "[1]")
                               .close();
  EXPECT_EQ(json, R"({"a":"\"\n\u0001 ü ｜","b":-7,"c":0.5,"d":true,"e":false,"f":null,"g":[1]})");
  EXPECT_TRUE(is_json_object(json));
}

TEST(JsonObject, NumbersThatJsonDoesNotHaveAreNull) {
  EXPECT_EQ(JsonObject().real("a", std::numeric_limits<double>::infinity()).close(), R"({"a":null})");
  EXPECT_EQ(JsonObject().real("a", std::numeric_limits<double>::quiet_NaN()).close(), R"({"a":null})");
}

TEST(JsonObject, MembersFromElsewhere) {
  EXPECT_EQ(JsonObject().members("").close(), "{}");
  EXPECT_EQ(JsonObject().members(R"("a":1)").close(), R"({"a":1})");
  EXPECT_EQ(JsonObject().null("z").members(R"("a":1,"b":2)").members("").null("c").close(),
            R"({"z":null,"a":1,"b":2,"c":null})");
}

TEST(JsonObject, ArraysOfJson) {
  EXPECT_EQ(JsonArray().close(), "[]");
  EXPECT_EQ(JsonArray().add("1").add("{}").add("[]").close(), "[1,{},[]]");
}

}  // namespace
}  // namespace fathom::api
