// `fathom keys`, as an operator meets it.
#include <gtest/gtest.h>

#include "fathom/accounts/access.h"
#include "tests/accounts/ledger_support.h"
#include "tests/apps/program_support.h"

namespace fathom::testing {
namespace {

class KeysCommand : public ::testing::Test {
 protected:
  std::string ledger() const { return (folder_.path() / "ledger.sqlite").string(); }
  Ran run(Arguments arguments) const {
    arguments.insert(arguments.begin(), "keys");
    return run_program(arguments, "", {{"FATHOM_LEDGER", ledger()}});
  }
  accounts::Access access(std::string text) const {
    if (text.ends_with('\n')) text.pop_back();
    return accounts::find_access(*accounts::open_database(ledger()), accounts::key_digest(text), 1'900'000'000);
  }

 private:
  TemporaryFolder folder_;
};

TEST_F(KeysCommand, AKeyIsAllOfStandardOutput) {
  const Ran ran = run({"create", "ada", "--label", "laptop", "--model", "deepseek-v4-flash", "--in-flight", "3"});
  EXPECT_EQ(ran.exit_code, 0) << ran.err;
  EXPECT_EQ(ran.out.size(), 47U) << ran.out;
  EXPECT_NE(ran.err.find("account ada is new"), std::string::npos);
  EXPECT_EQ(ran.err.find(ran.out.substr(3, 20)), std::string::npos);
  const accounts::ApiKey key = access(ran.out).key.value();
  EXPECT_EQ(key.account, "ada");
  EXPECT_EQ(key.limits.in_flight, 3);
  EXPECT_FALSE(key.opens_model("deepseek-v4-pro"));
  EXPECT_FALSE(key.admin);
}

TEST_F(KeysCommand, ListsRevokesAndLimits) {
  const Ran made = run({"create", "ada", "--admin", "--expires", "2099-01-01"});
  const std::string id = access(made.out).key->id;
  Ran listed = run({"list", "ada"});
  EXPECT_NE(listed.out.find(id), std::string::npos) << listed.out;
  EXPECT_NE(listed.out.find("until 2099-01-01T00:00:00Z"), std::string::npos) << listed.out;
  EXPECT_EQ(listed.out.find(made.out.substr(0, 20)), std::string::npos) << "nobody is shown it again";
  EXPECT_EQ(run({"limit", id, "--tokens-per-day", "9"}).exit_code, 0);
  EXPECT_EQ(access(made.out).key->limits.tokens_per_day, 9);
  EXPECT_EQ(run({"revoke", id}).exit_code, 0);
  EXPECT_FALSE(access(made.out).may_ask());
  EXPECT_NE(run({"list"}).out.find("revoked "), std::string::npos);
}

TEST_F(KeysCommand, WhatIsWrongIsOneLine) {
  EXPECT_EQ(run({"create", "No Such Name"}).exit_code, 1);
  EXPECT_EQ(run({"create", "ada", "--expires", "soon"}).exit_code, 1);
  const Ran ran = run({"revoke", "0123"});
  EXPECT_EQ(ran.exit_code, 1);
  EXPECT_EQ(ran.err, "fathom: [keys] there is no key 0123\n");
  EXPECT_EQ(run_program({"keys", "list", "--ledger", "none"}).exit_code, 1);
}

}  // namespace
}  // namespace fathom::testing
