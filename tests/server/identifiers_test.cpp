#include "fathom/server/identifiers.h"

#include <gtest/gtest.h>

#include <regex>
#include <set>

namespace fathom::server {
namespace {

TEST(Identifiers, HaveTheirFormAndDoNotRepeat) {
  const std::regex uuid("[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}");
  const std::regex trace("[0-9a-f]{32}");
  std::set<std::string> seen;
  std::set<std::uint64_t> seeds;
  for (int i = 0; i < 1000; ++i) {
    const std::string a = draw_uuid();
    const std::string b = draw_trace_id();
    EXPECT_TRUE(std::regex_match(a, uuid)) << a;
    EXPECT_TRUE(std::regex_match(b, trace)) << b;
    seen.insert(a);
    seen.insert(b);
    seeds.insert(draw_seed());
  }
  EXPECT_EQ(seen.size(), 2000U);
  EXPECT_EQ(seeds.size(), 1000U);
  EXPECT_GT(*seeds.rbegin(), std::uint64_t{1} << 60) << "all 64 bits are drawn";
}

}  // namespace
}  // namespace fathom::server
