#include "fathom/accounts/database.h"

#include "fathom/base/error.h"
#include "tests/accounts/ledger_support.h"

namespace fathom::testing {
namespace {

using namespace accounts;

class DatabaseTest : public LedgerTest {
 protected:
  void SetUp() override {
    LedgerTest::SetUp();
    if (!IsSkipped()) database().run("CREATE TABLE thing (name TEXT PRIMARY KEY, size BIGINT NOT NULL)");
  }
  std::int64_t things(Database& from) { return from.run("SELECT COUNT(*) FROM thing").at(0).number(0); }
};

TEST_P(DatabaseTest, GivesBackWhatItWasGiven) {
  const std::string odd = "quote ' \" ; -- \\ 深 \n";
  database().run("INSERT INTO thing (name, size) VALUES ($1, $2)", {odd, std::int64_t{9'223'372'036'854'775'807}});
  const auto rows = database().run("SELECT size, name FROM thing WHERE name = $1", {odd});
  ASSERT_EQ(rows.size(), 1U);
  EXPECT_EQ(rows[0].number(0), 9'223'372'036'854'775'807);
  EXPECT_EQ(rows[0].text(1), odd);
  EXPECT_THROW(rows[0].number(1), InternalError);
}

TEST_P(DatabaseTest, AnArgumentMayComeTwiceAndInAnyOrder) {
  database().run("INSERT INTO thing (size, name) VALUES ($2, $1)", {std::string("a"), std::int64_t{5}});
  EXPECT_EQ(database()
                .run("SELECT name FROM thing WHERE size >= $2 AND size <= $2 AND name = $1",
                     {std::string("a"), std::int64_t{5}})
                .size(),
            1U);
}

TEST_P(DatabaseTest, ATransactionIsWholeOrNothing) {
  {
    Transaction left(database());
    database().run("INSERT INTO thing (name, size) VALUES ('a', 1)");
  }
  EXPECT_EQ(things(database()), 0);
  const auto other = connect();
  Transaction transaction(database());
  database().run("INSERT INTO thing (name, size) VALUES ('b', 1)");
  EXPECT_EQ(things(*other), 0) << "nobody sees half of it";
  transaction.commit();
  EXPECT_EQ(things(*other), 1);
}

TEST_P(DatabaseTest, ARefusalLeavesItUsable) {
  database().run("INSERT INTO thing (name, size) VALUES ('a', 1)");
  EXPECT_THROW(database().run("INSERT INTO thing (name, size) VALUES ('a', 2)"), InternalError);
  EXPECT_THROW(database().run("SELECT nothing FROM nowhere"), InternalError);
  {
    Transaction transaction(database());
    database().run("INSERT INTO thing (name, size) VALUES ('b', 1)");
    EXPECT_THROW(database().run("INSERT INTO thing (name, size) VALUES ('a', 2)"), InternalError);
  }
  EXPECT_EQ(things(database()), 1);
}

TEST(DatabasePlace, ShowsNoPassword) {
  EXPECT_EQ(public_place("postgresql://ada:secret@db:5432/fathom?password=secret"), "postgresql://ada@db:5432/fathom");
  EXPECT_EQ(public_place("postgresql://db:5432/fathom"), "postgresql://db:5432/fathom");
  EXPECT_EQ(public_place("/home/a:b@c/ledger.sqlite"), "/home/a:b@c/ledger.sqlite");
}

INSTANTIATE_TEST_SUITE_P(Ledger, DatabaseTest, ::testing::Values("sqlite", "postgres"), kind_of);

}  // namespace
}  // namespace fathom::testing
