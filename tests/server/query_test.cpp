#include "fathom/server/query.h"

#include <gtest/gtest.h>

namespace fathom::server {
namespace {

TEST(Query, FindsAndDecodes) {
  constexpr std::string_view kTarget = "/admin/usage?from=2026-01-01&by=day%2Caccount&empty=&a+b=c+d&from=later&bad=%4";
  EXPECT_EQ(query_value(kTarget, "from"), "2026-01-01");
  EXPECT_EQ(query_value(kTarget, "by"), "day,account");
  EXPECT_EQ(query_value(kTarget, "empty"), "");
  EXPECT_EQ(query_value(kTarget, "a b"), "c d");
  EXPECT_EQ(query_value(kTarget, "bad"), "%4");
  EXPECT_EQ(query_value(kTarget, "usage"), "");
  EXPECT_EQ(query_value("/admin/usage", "from"), "");
  EXPECT_EQ(query_value("?", ""), "");
}

}  // namespace
}  // namespace fathom::server
