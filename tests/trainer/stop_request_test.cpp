#include "fathom/trainer/stop_request.h"

#include <gtest/gtest.h>

namespace fathom::train {
namespace {

TEST(StopRequest, SignalsOnlySetAFlag) {
  for (const int signal : {SIGINT, SIGTERM}) {
    const StopRequest stop;
    EXPECT_FALSE(stop.requested());
    std::raise(signal);
    EXPECT_TRUE(stop.requested());
  }
  const StopRequest again;
  EXPECT_FALSE(again.requested());
}

}  // namespace
}  // namespace fathom::train
