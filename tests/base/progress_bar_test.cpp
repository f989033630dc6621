#include "fathom/base/progress_bar.h"

#include <gtest/gtest.h>

namespace fathom {
namespace {

TEST(ProgressBar, SaysHowFarAndHowLong) {
  EXPECT_EQ(progress_line("sorting", 0.5, 12.4, ""),
            "sorting  [###############---------------]  50 %  12 s, 12 s to go");
  EXPECT_EQ(progress_line("sorting", 1.0, 3725.0, "b.zst"),
            "sorting  [##############################] 100 %  1 h 02 min  b.zst");
  EXPECT_EQ(progress_line("sorting", 0.1, 65.0, ""),
            "sorting  [###---------------------------]  10 %  1 min 05 s, 9 min 45 s to go");
  EXPECT_EQ(progress_line("sorting", -1.0, 0.0, ""), "sorting  [------------------------------]   0 %  0 s");
  EXPECT_EQ(progress_line("sorting", 7.0, 0.0, ""), "sorting  [##############################] 100 %  0 s");
}

TEST(ProgressBar, IsSilentWhereNobodyLooks) {
  testing::internal::CaptureStderr();
  {
    ProgressBar bar("sorting");
    bar.show(0.5);
  }
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
}

}  // namespace
}  // namespace fathom
