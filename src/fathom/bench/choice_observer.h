// Counts what the router and the indexer chose in one step.
#pragma once

#include <vector>

#include "fathom/bench/step_work.h"
#include "fathom/model/observer.h"
#include "fathom/ops/backend.h"

namespace fathom::bench {

class ChoiceObserver final : public ForwardObserver {
 public:
  // For one step of the trunk. The backend outlives the observer.
  ChoiceObserver(Backend& backend, std::int64_t layers);

  void on_route(std::int64_t block, const RouteArgs& route) override;
  void on_index(std::int64_t block, const IndexTopKArgs& index) override;

  const std::vector<LayerChoice>& choices() const { return choices_; }

 private:
  Backend& backend_;
  std::vector<LayerChoice> choices_;
};

}  // namespace fathom::bench
