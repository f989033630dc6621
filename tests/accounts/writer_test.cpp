#include "fathom/accounts/writer.h"

#include <atomic>
#include <chrono>
#include <future>

#include "fathom/base/error.h"
#include "tests/accounts/ledger_support.h"

namespace fathom::testing {
namespace {

using namespace accounts;

class WriterTest : public LedgerTest {
 protected:
  std::int64_t rows(Database& from) { return from.run("SELECT COUNT(*) FROM audit").at(0).number(0); }
  static DatabaseJob note(const std::string& subject) {
    return [subject](Database& to) { write_audit(to, kOperator, "note", subject, ""); };
  }
};

TEST_P(WriterTest, WhoHearsThatItIsDoneFindsItOnDisk) {
  Writer writer(connect());
  for (int i = 1; i <= 5; ++i) {
    std::promise<std::int64_t> seen;
    writer.write(note("a"), [&](std::exception_ptr fault) { seen.set_value(fault ? -1 : rows(database())); });
    EXPECT_EQ(seen.get_future().get(), i);
  }
}

TEST_P(WriterTest, WhatComesTogetherIsCommittedTogether) {
  std::atomic<int> done{0};
  std::int64_t commits = 0;
  {
    Writer writer(connect());
    std::promise<void> gate;
    std::promise<void> entered;
    writer.write([&](Database&) { entered.set_value(), gate.get_future().wait(); },
                 [&](std::exception_ptr) { ++done; });
    entered.get_future().wait();
    for (int i = 0; i < 100; ++i) writer.write(note("many"), [&](std::exception_ptr fault) { done += fault ? 0 : 1; });
    gate.set_value();
    std::promise<void> last;
    writer.write(note("last"), [&](std::exception_ptr) { last.set_value(); });
    last.get_future().wait();
    commits = writer.commits();
  }
  EXPECT_EQ(done, 101);
  EXPECT_LE(commits, 3);
  EXPECT_EQ(rows(database()), 101);
}

TEST_P(WriterTest, OneThatFailsHurtsNoOther) {
  std::atomic<int> good{0};
  std::atomic<int> bad{0};
  {
    Writer writer(connect());
    const auto count = [&](std::exception_ptr fault) { ++(fault ? bad : good); };
    std::promise<void> gate;
    std::shared_future<void> opened = gate.get_future().share();
    writer.write([opened](Database&) { opened.wait(); }, count);
    for (int i = 0; i < 10; ++i) {
      writer.write(note("good"), count);
      if (i % 5 == 0) writer.write([](Database& to) { to.run("SELECT nothing FROM nowhere"); }, count);
    }
    gate.set_value();
  }
  EXPECT_EQ(good, 11);
  EXPECT_EQ(bad, 2);
  EXPECT_EQ(rows(database()), 10) << "and none is there twice";
}

TEST_P(WriterTest, KnowsWhetherItWroteAMomentAgo) {
  using namespace std::chrono_literals;
  Writer writer(connect());
  EXPECT_FALSE(writer.wrote_within(1h)) << "nothing yet";
  const auto wait = [&](DatabaseJob job) {
    std::promise<void> done;
    writer.write(std::move(job), [&](const std::exception_ptr&) { done.set_value(); });
    done.get_future().wait();
  };
  wait(note("good"));
  EXPECT_TRUE(writer.wrote_within(1h));
  wait([](Database& to) { to.run("SELECT nothing FROM nowhere"); });
  EXPECT_FALSE(writer.wrote_within(1h)) << "the last one failed";
  wait(note("good"));
  EXPECT_TRUE(writer.wrote_within(1h));
}

INSTANTIATE_TEST_SUITE_P(Ledger, WriterTest, ::testing::Values("sqlite", "postgres"), kind_of);

}  // namespace
}  // namespace fathom::testing
