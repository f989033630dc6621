#include "fathom/api/call_ids.h"

#include <gtest/gtest.h>

#include <set>

namespace fathom::api {
namespace {

TEST(CallIds, AsTheHostedApisAndNeverTwice) {
  std::set<std::string> seen;
  for (const std::string answer : {"91cfbb94-554b-4136-8e21-fa02280d56ed", "91cfbb94-554b-4136-8e21-fa02280d56ee", ""})
    for (std::int64_t call = 0; call < 120; ++call) {
      const std::string id = call_id(answer, call);
      EXPECT_EQ(id, call_id(answer, call));
      EXPECT_TRUE(seen.insert(id).second);
      const std::string digits = std::to_string(call);
      const std::string head = "call_" + (digits.size() < 2 ? "0" + digits : digits) + "_";
      ASSERT_TRUE(id.starts_with(head)) << id;
      EXPECT_EQ(id.size(), head.size() + 24);
      EXPECT_EQ(id.find_first_not_of("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_", head.size()),
                std::string::npos);
    }
}

}  // namespace
}  // namespace fathom::api
