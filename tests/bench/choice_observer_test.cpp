#include "fathom/bench/choice_observer.h"

#include <gtest/gtest.h>

#include "fathom/backends/reference/reference_backend.h"

namespace fathom::bench {
namespace {

TEST(ChoiceObserver, CountsDifferentExpertsOfAllTokens) {
  ReferenceBackend backend;
  std::vector<std::int32_t> selected = {0, 3, 3, 7, 0, 9};
  std::vector<float> weights(6);
  ChoiceObserver observer(backend, 2);
  const RouteArgs route{.logits = {},
                        .bias = {},
                        .hash = {},
                        .ids = {},
                        .selected = View<std::int32_t, 2>(selected.data(), {3, 2}),
                        .weights = View<float, 2>(weights.data(), {3, 2})};
  observer.on_route(1, route);
  EXPECT_EQ(observer.choices()[1].experts, 4);
  EXPECT_EQ(observer.choices()[0].experts, 0);
}

// Two sequences have entries of their own, and -1 is none.
TEST(ChoiceObserver, CountsDifferentEntriesOfEachRun) {
  ReferenceBackend backend;
  std::vector<std::int32_t> selected = {5, -1, 5, 2, 5, 2};
  const std::vector<fathom::Run> runs = {{.first_row = 0, .tokens = 2, .start = 20},
                                         {.first_row = 2, .tokens = 1, .start = 30}};
  ChoiceObserver observer(backend, 1);
  const IndexTopKArgs index{.q = {},
                            .weights = {},
                            .format = {},
                            .ratio = 4,
                            .runs = runs,
                            .keys = {},
                            .selected = View<std::int32_t, 2>(selected.data(), {3, 2})};
  observer.on_index(0, index);
  EXPECT_EQ(observer.choices()[0].entries, 4);
}

}  // namespace
}  // namespace fathom::bench
