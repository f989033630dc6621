#include "fathom/apps/ledger_option.h"

#include <gtest/gtest.h>

#include <cstdlib>

#include "fathom/base/error.h"

namespace fathom {
namespace {

TEST(LedgerOption, ThePlaceFollowsTheDesktopsRule) {
  ::setenv("HOME", "/home/ada", 1);
  ::unsetenv("XDG_DATA_HOME");
  EXPECT_EQ(ledger_place("default"), "/home/ada/.local/share/fathom/ledger.sqlite");
  ::setenv("XDG_DATA_HOME", "/data", 1);
  EXPECT_EQ(ledger_place("default"), "/data/fathom/ledger.sqlite");
  EXPECT_EQ(ledger_place("postgresql://host/name"), "postgresql://host/name");
  ::unsetenv("XDG_DATA_HOME");
  ::unsetenv("HOME");
  EXPECT_EQ(ledger_place("default"), "");
  EXPECT_THROW(open_ledger("default"), InputError);
  EXPECT_THROW(open_ledger("none"), InputError);
}

}  // namespace
}  // namespace fathom
