#include "fathom/server/aside.h"

#include <gtest/gtest.h>

#include <future>

#include "fathom/api/api_error.h"

namespace fathom::server {
namespace {

TEST(Aside, AnAccountHasSoManyPlaces) {
  Aside aside(4, 2);
  const auto first = aside.enter("red");
  const auto second = aside.enter("red");
  try {
    aside.enter("red");
    ADD_FAILURE() << "went in";
  } catch (const api::ApiError& error) {
    EXPECT_EQ(error.status(), 429);
    EXPECT_GT(error.retry_after, 0.0);
  }
  EXPECT_NO_THROW(aside.enter("blue"));
  first->leave();
  first->leave();  // once
  const auto third = aside.enter("red");
  EXPECT_THROW(aside.enter("red"), api::ApiError);
}

TEST(Aside, APlaceGoesWithItsLastOwner) {
  Aside aside(1, 1);
  { const auto place = aside.enter(""); }
  EXPECT_NO_THROW(aside.enter(""));
}

// With as few workers as there may be.
TEST(Aside, LargeJobsLeaveAThreadForSmallOnes) {
  Aside aside(1, 1);
  std::promise<void> let_go;
  const std::shared_future<void> gate = let_go.get_future().share();
  std::promise<void> entered;
  aside.run(kLargeJobBytes, [&, gate] {
    entered.set_value();
    gate.wait();
  });
  aside.run(kLargeJobBytes, [gate] { gate.wait(); });
  entered.get_future().wait();
  std::promise<void> done;
  aside.run(0, [&] { done.set_value(); });
  done.get_future().get();
  let_go.set_value();
  aside.stop();
}

TEST(Aside, RunsAtLeastOneAtATime) {
  Aside aside(1, 1);
  std::promise<void> done;
  aside.run(1, [&] { done.set_value(); });
  done.get_future().get();
  aside.stop();
}

}  // namespace
}  // namespace fathom::server
