#include "fathom/accounts/reader.h"

#include <future>

#include "fathom/base/error.h"
#include "tests/accounts/ledger_support.h"

namespace fathom::testing {
namespace {

using namespace accounts;

class ReaderTest : public LedgerTest {};

TEST_P(ReaderTest, SeesWhatOthersWroteAndSurvivesFaults) {
  Reader reader(connect());
  std::promise<bool> failed;
  reader.read([](Database& from) { from.run("SELECT nothing FROM nowhere"); },
              [&](std::exception_ptr fault) { failed.set_value(fault != nullptr); });
  EXPECT_TRUE(failed.get_future().get());
  write_audit(database(), kOperator, "note", "a", "");
  std::promise<std::size_t> seen;
  std::size_t found = 0;
  reader.read([&](Database& from) { found = read_audit(from, 10).size(); },
              [&](std::exception_ptr) { seen.set_value(found); });
  EXPECT_EQ(seen.get_future().get(), 1U);
}

TEST_P(ReaderTest, DoesWhatIsQueuedBeforeItEnds) {
  int done = 0;
  {
    Reader reader(connect());
    for (int i = 0; i < 50; ++i) reader.read([](Database&) {}, [&](std::exception_ptr) { ++done; });
  }
  EXPECT_EQ(done, 50);
}

INSTANTIATE_TEST_SUITE_P(Ledger, ReaderTest, ::testing::Values("sqlite", "postgres"), kind_of);

}  // namespace
}  // namespace fathom::testing
