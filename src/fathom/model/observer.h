// Looks into a forward pass without changing it: what `fathom check` compares with the goldens. The views are the
// backend's memory and live during the call.
#pragma once

#include <cstdint>

#include "fathom/ops/arguments.h"

namespace fathom {

class ForwardObserver {
 public:
  virtual ~ForwardObserver() = default;
  // The residual streams after trunk block `block`: [tokens, streams, channels].
  virtual void on_streams(std::int64_t /*block*/, View<const float, 3> /*streams*/) {}
  // The router's decision of a trunk or MTP block.
  virtual void on_route(std::int64_t /*block*/, const RouteArgs& /*route*/) {}
  // The lightning indexer's decision of a CSA block.
  virtual void on_index(std::int64_t /*block*/, const IndexTopKArgs& /*index*/) {}
};

}  // namespace fathom
