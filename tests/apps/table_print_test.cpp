#include "fathom/apps/table_print.h"

#include <gtest/gtest.h>

namespace fathom {
namespace {

TEST(TablePrint, ColumnsAreAsWideAsTheirWidest) {
  EXPECT_EQ(table_text({{"name", "count>", "state"}, {"a", "12345678", "open"}, {"longer", "1", ""}}),
            "name       count  state\n"
            "a       12345678  open\n"
            "longer         1\n");
  EXPECT_EQ(table_text({}), "");
}

}  // namespace
}  // namespace fathom
