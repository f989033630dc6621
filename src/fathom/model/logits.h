// Logits of a step's wanted tokens: computed, or left for whoever needs some of them.
#pragma once

#include <optional>

#include "fathom/ops/backend.h"

namespace fathom {

// A product that was not computed: out = head . x.
struct LeftProduct {
  const PreparedWeight& head;  // [vocab, channels]; the backend can make shortlists of its product
  View<const float, 2> x;      // [wanted, channels]
  View<float, 2> out;          // [wanted, vocab], memory for it
};

struct Logits {
  View<const float, 2> rows;        // [wanted, vocab]; where they were left, what `out` will hold
  std::optional<LeftProduct> left;  // none: all are there
};

}  // namespace fathom
