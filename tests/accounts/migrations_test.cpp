#include "fathom/accounts/migrations.h"

#include <atomic>
#include <thread>
#include <vector>

#include "fathom/base/error.h"
#include "tests/accounts/ledger_support.h"

namespace fathom::testing {
namespace {

using namespace accounts;

class MigrationsTest : public LedgerTest {};

TEST_P(MigrationsTest, AreTakenOnce) {
  migrate(database());
  migrate(*connect());
  const auto rows = database().run("SELECT version FROM schema_version");
  ASSERT_EQ(rows.size(), 1U);
  EXPECT_EQ(rows[0].number(0), schema_version());
}

TEST_P(MigrationsTest, ManyWhoComeTogetherTakeThemOnce) {
  for (const char* table : {"schema_version", "api_key", "account", "request", "key_day_sum", "account_day_sum",
                            "key_month_sum", "heartbeat", "audit"})
    database().run(std::string("DROP TABLE ") + table);
  std::vector<std::thread> threads;
  std::atomic<int> faults{0};
  for (int i = 0; i < 4; ++i)
    threads.emplace_back([&] {
      try {
        connect();
      } catch (const std::exception& error) {
        ADD_FAILURE() << error.what();
        ++faults;
      }
    });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(faults, 0);
  EXPECT_EQ(database().run("SELECT version FROM schema_version").size(), 1U);
}

TEST_P(MigrationsTest, ANewerLedgerIsLeftAlone) {
  database().run("UPDATE schema_version SET version = $1", {schema_version() + 1});
  EXPECT_THROW(connect(), InputError);
}

INSTANTIATE_TEST_SUITE_P(Ledger, MigrationsTest, ::testing::Values("sqlite", "postgres"), kind_of);

}  // namespace
}  // namespace fathom::testing
