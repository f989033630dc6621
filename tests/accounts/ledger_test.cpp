#include "fathom/accounts/ledger.h"

#include <atomic>
#include <filesystem>
#include <future>
#include <thread>
#include <vector>

#include "fathom/accounts/calendar.h"
#include "fathom/accounts/usage_report.h"
#include "fathom/base/error.h"
#include "tests/accounts/ledger_support.h"

namespace fathom::testing {
namespace {

using namespace accounts;

constexpr std::int64_t kNow = 1'780'000'000;

class LedgerWholeTest : public LedgerTest {
 protected:
  LedgerConfig config() const { return {.where = where(), .price_cards = {"hosted-usd@2026-05-01"}}; }
  static FinishedRequest request(const std::string& id) {
    return {.id = id,
            .at = kNow,
            .account = "red",
            .model = "deepseek-v4-flash",
            .tokens = {.hit = 1000, .miss = 100, .output = 10}};
  }
};

// 1000 x 0.0028, 100 x 0.14 and 10 x 0.28 millionths.
TEST_P(LedgerWholeTest, ARequestCostsWhatTheCardSays) {
  Ledger ledger(config());
  create_account(database(), kOperator, {.name = "red"});
  credit_account(database(), kOperator, "red", {.topped_up = Money::parse("1", "test")});
  std::promise<bool> done;
  ledger.record(request("a"), [&](std::exception_ptr fault) { done.set_value(!fault); });
  EXPECT_TRUE(done.get_future().get());
  EXPECT_EQ(find_account(database(), "red")->total().exact(), "0.9999804");
}

TEST_P(LedgerWholeTest, AKeyOpensFromTheMomentItIsMade) {
  Ledger ledger(config());
  const auto may_ask = [&](const std::string& text) {
    std::promise<bool> seen;
    ledger.look_up(key_digest(text), kNow,
                   [&](std::exception_ptr fault, const Access& access) { seen.set_value(!fault && access.may_ask()); });
    return seen.get_future().get();
  };
  EXPECT_TRUE(may_ask("any"));
  create_account(database(), kOperator, {.name = "red"});
  const NewKey made = create_key(database(), kOperator, {.account = "red"});
  EXPECT_TRUE(may_ask(made.text));
  EXPECT_FALSE(may_ask("any"));
  revoke_key(database(), kOperator, made.key.id);
  EXPECT_FALSE(may_ask(made.text));
}

TEST_P(LedgerWholeTest, ManyThreadsAndTwoLedgersLoseNothing) {
  std::atomic<int> done{0};
  {
    Ledger first(config());
    Ledger second(config());
    std::vector<std::thread> threads;
    for (int thread = 0; thread < 4; ++thread)
      threads.emplace_back([&, thread] {
        for (int i = 0; i < 50; ++i)
          (thread % 2 == 0 ? first : second)
              .record(request(fmt::format("{}-{}", thread, i)),
                      [&](std::exception_ptr fault) { done += fault ? 0 : 1; });
      });
    for (std::thread& thread : threads) thread.join();
    first.flush();
    second.flush();
    EXPECT_EQ(done, 200);
  }
  const auto rows = read_usage(database(), UsageQuery::read("", "", "account", kNow));
  ASSERT_EQ(rows.size(), 1U);
  EXPECT_EQ(rows[0].requests, 200);
  EXPECT_EQ(rows[0].cost.exact(), "0.00392");
}

// While another holds what every write needs.
TEST_P(LedgerWholeTest, OneBeatAnswersAllWhoComeMeanwhile) {
  LedgerConfig patient = config();
  patient.patience = std::chrono::hours(1);
  Ledger ledger(patient);
  const auto beats = [&] { return database().run("SELECT beats FROM heartbeat").at(0).number(0); };
  const std::int64_t before = beats();
  std::vector<std::promise<bool>> heard(100);
  {
    Transaction held(database());
    database().run("UPDATE heartbeat SET beats = beats + 0");
    for (std::promise<bool>& one : heard)
      ledger.when_writable([&one](const std::exception_ptr& fault) { one.set_value(!fault); });
    held.commit();
  }
  for (std::promise<bool>& one : heard) EXPECT_TRUE(one.get_future().get());
  EXPECT_EQ(beats(), before + 1);
}

TEST_P(LedgerWholeTest, NobodyWaitsBeyondItsPatience) {
  LedgerConfig hasty = config();
  hasty.patience = std::chrono::milliseconds(1);
  Ledger ledger(hasty);
  std::vector<std::promise<bool>> heard(100);
  {
    Transaction held(database());
    database().run("UPDATE heartbeat SET beats = beats + 0");
    for (std::promise<bool>& one : heard)
      ledger.when_writable([&one](const std::exception_ptr& fault) { one.set_value(!fault); });
    for (std::promise<bool>& one : heard) EXPECT_FALSE(one.get_future().get()) << "told while the write still waits";
    held.commit();
  }
}

TEST(LedgerFolder, IsWhereALinkLeads) {
  const TemporaryFolder here;
  const TemporaryFolder there;
  const auto file = here.path() / "ledger.sqlite";
  EXPECT_EQ(ledger_folder(file.string()), std::filesystem::canonical(here.path())) << "nothing is there yet";
  open_database((there.path() / "far.sqlite").string());
  std::filesystem::create_symlink(there.path() / "far.sqlite", file);
  EXPECT_EQ(ledger_folder(file.string()), std::filesystem::canonical(there.path()));
  EXPECT_EQ(ledger_folder("ledger_that_is_not_there.sqlite"), std::filesystem::current_path());
  EXPECT_EQ(ledger_folder("postgresql://red@there/ledger"), std::filesystem::path());
}

TEST_P(LedgerWholeTest, TwoCardsOfACurrencyAreRefused) {
  EXPECT_THROW(Ledger({.where = where(), .price_cards = {"hosted-usd", "hosted-usd@2026-04-24"}}), InputError);
  const Ledger ledger({.where = where()});
  EXPECT_EQ(ledger.currencies(), (std::vector<std::string>{"CNY", "USD"}));
  EXPECT_EQ(ledger.card("EUR"), nullptr);
}

INSTANTIATE_TEST_SUITE_P(Ledger, LedgerWholeTest, ::testing::Values("sqlite", "postgres"), kind_of);

}  // namespace
}  // namespace fathom::testing
