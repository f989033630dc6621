#include "fathom/api/event_frame.h"

#include <gtest/gtest.h>

namespace fathom::api {
namespace {

TEST(EventFrame, NameDataAndAnEmptyLine) {
  EXPECT_EQ(event_frame("ping", R"({"type":"ping"})"), "event: ping\ndata: {\"type\":\"ping\"}\n\n");
}

}  // namespace
}  // namespace fathom::api
