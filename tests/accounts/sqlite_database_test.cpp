#include "fathom/accounts/sqlite_database.h"

#include <sys/stat.h>

#include <fstream>

#include "fathom/base/error.h"
#include "tests/accounts/ledger_support.h"

namespace fathom::testing {
namespace {

TEST(SqliteDatabase, WritesALogAndSyncsEveryCommit) {
  const TemporaryFolder folder;
  const auto database = accounts::open_sqlite(folder.path() / "deep" / "ledger.sqlite");
  EXPECT_EQ(database->run("PRAGMA journal_mode").at(0).text(0), "wal");
  EXPECT_EQ(database->run("PRAGMA synchronous").at(0).text(0), "2");
}

TEST(SqliteDatabase, IsItsOwnersAlone) {
  const TemporaryFolder folder;
  const auto database = accounts::open_database((folder.path() / "ledger.sqlite").string());
  for (const char* name : {"ledger.sqlite", "ledger.sqlite-wal"}) {
    struct stat found {};
    ASSERT_EQ(::stat((folder.path() / name).c_str(), &found), 0) << name;
    EXPECT_EQ(found.st_mode & 0777U, 0600U) << name;
  }
}

TEST(SqliteDatabase, WhatIsNoDatabaseIsAnInputError) {
  const TemporaryFolder folder;
  const std::filesystem::path file = folder.path() / "notes.txt";
  std::ofstream(file) << "This is a text, long enough to be looked at, and certainly no database of any kind.\n";
  EXPECT_THROW(accounts::open_sqlite(file), InputError);
  EXPECT_THROW(accounts::open_sqlite(folder.path()), InputError);
}

}  // namespace
}  // namespace fathom::testing
