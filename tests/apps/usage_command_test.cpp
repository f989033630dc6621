// `fathom usage`, as an operator meets it.
#include <gtest/gtest.h>

#include "fathom/accounts/ledger.h"
#include "tests/accounts/ledger_support.h"
#include "tests/apps/program_support.h"

namespace fathom::testing {
namespace {

TEST(UsageCommand, SumsListsAndWritesCsv) {
  const TemporaryFolder folder;
  const std::string place = (folder.path() / "ledger.sqlite").string();
  {
    accounts::Ledger ledger({.where = place, .price_cards = {"hosted-usd@2026-05-01"}});
    for (const char* id : {"a", "b"})
      ledger.record({.id = id,
                     .at = kOperator.now,
                     .account = "ada",
                     .api_key = "k1",
                     .model = "deepseek-v4-flash",
                     .surface = "chat",
                     .tokens = {.hit = 0, .miss = 1000, .output = 10},
                     .finish = "stop"},
                    [](const std::exception_ptr& fault) { EXPECT_FALSE(fault); });
  }
  const auto run = [&](Arguments arguments) {
    arguments.insert(arguments.begin(), "usage");
    return run_program(arguments, "", {{"FATHOM_LEDGER", place}});
  };
  EXPECT_EQ(run({"--csv", "--by", "day,account"}).out,
            "day,account,currency,requests,cache_hit_tokens,cache_miss_tokens,output_tokens,cost\n"
            "2026-05-28,ada,USD,2,0,2000,20,0.0002856\n");
  EXPECT_NE(
      run({}).out.find("2026-05-28  ada      k1   deepseek-v4-flash         2    0  2000      20  0.0002856  USD"),
      std::string::npos)
      << run({}).out;
  EXPECT_NE(run({"--requests", "1"}).out.find("0.0001428"), std::string::npos) << run({"--requests", "1"}).out;
  EXPECT_EQ(run({"--csv", "--account", "eve"}).out.find("ada"), std::string::npos);
  EXPECT_EQ(run({"--by", "week"}).exit_code, 1);
}

}  // namespace
}  // namespace fathom::testing
