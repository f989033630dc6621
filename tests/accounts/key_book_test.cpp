#include "fathom/accounts/key_book.h"

#include <set>

#include "fathom/accounts/access.h"
#include "fathom/base/error.h"
#include "fathom/base/mapped_file.h"
#include "tests/accounts/ledger_support.h"

namespace fathom::testing {
namespace {

using namespace accounts;

constexpr std::int64_t kNow = 1'780'000'000;

class KeyBookTest : public LedgerTest {
 protected:
  void SetUp() override {
    LedgerTest::SetUp();
    if (!IsSkipped()) create_account(database(), kOperator, {.name = "red"});
  }
  Access access(const std::string& text, std::int64_t now = kNow) {
    return find_access(database(), key_digest(text), now);
  }
};

TEST(KeyText, IsLongRandomAndPlain) {
  std::set<std::string> drawn;
  for (int i = 0; i < 1000; ++i) drawn.insert(draw_key());
  EXPECT_EQ(drawn.size(), 1000U);
  std::set<char> letters;
  for (const std::string& text : drawn) {
    EXPECT_EQ(text.size(), 46U);
    EXPECT_EQ(text.substr(0, 3), "sk-");
    letters.insert(text.begin() + 3, text.end());
  }
  EXPECT_EQ(letters.size(), 64U);
  // FIPS 180-4's example.
  EXPECT_EQ(key_digest("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST_P(KeyBookTest, IsKeptByItsHashAlone) {
  const NewKey made = create_key(database(), kOperator, {.account = "red", .label = "laptop"});
  if (GetParam() == "sqlite")
    for (const char* file : {"", "-wal"}) {
      EXPECT_EQ(read_text_file(where() + file).find(made.text.substr(3, 10)), std::string::npos) << file;
    }
  for (const Row& row : database().run("SELECT id, digest, label, tail, models, surfaces FROM api_key"))
    for (std::size_t column = 0; column < 6; ++column)
      EXPECT_EQ(row.text(column).find(made.text.substr(3, 10)), std::string::npos);
  EXPECT_TRUE(made.text.ends_with(made.key.tail));
  EXPECT_EQ(made.key.tail.size(), 4U);
  EXPECT_EQ(access(made.text).key->label, "laptop");
  EXPECT_EQ(access(made.text).account->name, "red");
}

TEST_P(KeyBookTest, HoldsUntilItIsRevokedOrExpires) {
  const NewKey made = create_key(database(), kOperator, {.account = "red", .expires = kNow + 60});
  EXPECT_TRUE(access(made.text, kNow + 59).key.has_value());
  EXPECT_FALSE(access(made.text, kNow + 60).may_ask());
  EXPECT_THROW(create_key(database(), kOperator, {.account = "red", .expires = kNow}), InputError);
  const NewKey second = create_key(database(), kOperator, {.account = "red"});
  revoke_key(*connect(), kOperator, second.key.id);
  EXPECT_FALSE(access(second.text).may_ask());
  revoke_key(database(), {.name = "later", .now = kNow + 9}, second.key.id);
  for (const ApiKey& key : list_keys(database(), "red"))
    if (key.id == second.key.id) {
      EXPECT_EQ(key.revoked, kNow) << "the first time counts";
    }
  EXPECT_THROW(revoke_key(database(), kOperator, "0123"), InputError);
}

TEST_P(KeyBookTest, AClosedAccountsKeysOpenNothing) {
  const NewKey made = create_key(database(), kOperator, {.account = "red"});
  close_account(database(), kOperator, "red");
  EXPECT_FALSE(access(made.text).may_ask());
  EXPECT_THROW(create_key(database(), kOperator, {.account = "red"}), InputError);
}

TEST_P(KeyBookTest, WithoutAnyKeyEverybodyMayAskAndNeverAgain) {
  EXPECT_TRUE(access("anything").may_ask());
  EXPECT_TRUE(find_access(database(), "", kNow).may_ask());
  const NewKey made = create_key(database(), kOperator, {.account = "red"});
  EXPECT_FALSE(access("anything").may_ask());
  EXPECT_FALSE(find_access(database(), "", kNow).may_ask());
  revoke_key(database(), kOperator, made.key.id);
  EXPECT_FALSE(find_access(database(), "", kNow).may_ask()) << "revoking the last key does not open the door";
}

TEST_P(KeyBookTest, HasItsScopesAndLimits) {
  const Limits limits{.in_flight = 2, .tokens_per_day = 100};
  const NewKey made = create_key(database(), kOperator,
                                 {.account = "red",
                                  .models = {"deepseek-v4-flash"},
                                  .surfaces = {"chat", "anthropic"},
                                  .admin = true,
                                  .limits = limits});
  const ApiKey key = access(made.text).key.value();
  EXPECT_TRUE(key.admin);
  EXPECT_TRUE(key.opens_model("deepseek-v4-flash"));
  EXPECT_FALSE(key.opens_model("deepseek-v4-pro"));
  EXPECT_TRUE(key.opens_surface("anthropic"));
  EXPECT_FALSE(key.opens_surface("responses"));
  EXPECT_EQ(key.limits, limits);
  set_key_limits(database(), kOperator, key.id, {});
  EXPECT_EQ(access(made.text).key->limits, Limits());
  EXPECT_THROW(create_key(database(), kOperator, {.account = "red", .surfaces = {"page"}}), InputError);
  EXPECT_THROW(create_key(database(), kOperator, {.account = "red", .models = {"a,b"}}), InputError);
  EXPECT_THROW(create_key(database(), kOperator, {.account = "blue"}), InputError);
  EXPECT_TRUE(ApiKey().opens_model("any"));
}

TEST_P(KeyBookTest, ListsByAccount) {
  create_account(database(), kOperator, {.name = "blue"});
  create_key(database(), kOperator, {.account = "red"});
  create_key(database(), kOperator, {.account = "blue"});
  EXPECT_EQ(list_keys(database(), "").size(), 2U);
  ASSERT_EQ(list_keys(database(), "blue").size(), 1U);
  EXPECT_EQ(list_keys(database(), "blue")[0].account, "blue");
}

INSTANTIATE_TEST_SUITE_P(Ledger, KeyBookTest, ::testing::Values("sqlite", "postgres"), kind_of);

}  // namespace
}  // namespace fathom::testing
