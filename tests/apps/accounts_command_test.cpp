// `fathom accounts`, as an operator meets it.
#include <gtest/gtest.h>

#include "tests/accounts/ledger_support.h"
#include "tests/apps/program_support.h"

namespace fathom::testing {
namespace {

TEST(AccountsCommand, BalancesAreExactAndEveryActIsKept) {
  const TemporaryFolder folder;
  const auto run = [&](Arguments arguments) {
    arguments.insert(arguments.begin(), "accounts");
    arguments.insert(arguments.end(), {"--ledger", (folder.path() / "ledger.sqlite").string()});
    const Ran ran = run_program(arguments);
    return ran.exit_code == 0 ? ran.out : ran.err;
  };
  EXPECT_EQ(run({"create", "ada", "--currency", "CNY", "--in-flight", "2"}), "account ada is made\n");
  EXPECT_EQ(run({"create", "ben", "--currency", "EUR"}),
            "fathom: [accounts] there is no price card in EUR, expected one of USD, CNY (--price-cards)\n");
  EXPECT_EQ(run({"create", "ben", "--currency", "USD", "--price-cards", "hosted-cny"}),
            "fathom: [accounts] there is no price card in USD, expected one of CNY (--price-cards)\n");
  EXPECT_EQ(run({"credit", "ada", "--granted", "0.1", "--topped-up", "20"}),
            "account ada has 20.10 CNY: 0.10 granted, 20.00 topped up\n");
  EXPECT_EQ(run({"credit", "ada", "--granted=-0.1"}), "account ada has 20.00 CNY: 0.00 granted, 20.00 topped up\n");
  EXPECT_EQ(run({"credit", "ada", "--topped-up", "1,5"}),
            "fathom: [--topped-up] found the amount \"1,5\", expected digits with at most 9 before the point and 12 "
            "behind it\n");
  EXPECT_NE(run({"limit", "ada", "--tokens-per-minute", "600"}).find("tokens_per_minute=600"), std::string::npos);
  EXPECT_NE(run({"prepaid", "ada", "false"}).find("never refused"), std::string::npos);
  EXPECT_NE(run({"list"}).find("ada      CNY"), std::string::npos) << run({"list"});
  EXPECT_NE(run({"close", "ada"}).find("closed"), std::string::npos);
  const std::string audit = run({"audit"});
  for (const char* act :
       {"create account", "credit account", "set account limits", "set account prepaid", "close account"})
    EXPECT_NE(audit.find(act), std::string::npos) << act;
  EXPECT_NE(audit.find("command "), std::string::npos);
}

}  // namespace
}  // namespace fathom::testing
