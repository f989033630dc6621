#include "fathom/api/draft_usage.h"

#include <gtest/gtest.h>

namespace fathom::api {
namespace {

TEST(DraftUsage, IsThereOnlyWhereSomethingWasDrafted) {
  JsonObject none;
  EXPECT_EQ(add_drafts(none, {.prompt_tokens = 3, .completion_tokens = 5}).close(), "{}");
  JsonObject some;
  some.number("total_tokens", 8);
  EXPECT_EQ(add_drafts(some, {.completion_tokens = 5, .drafted_tokens = 4, .accepted_tokens = 3}).close(),
            R"({"total_tokens":8,"fathom_drafts":{"drafted_tokens":4,"accepted_tokens":3}})");
}

}  // namespace
}  // namespace fathom::api
