#include "fathom/grammar/literal_tree.h"

namespace fathom::grammar {

State LiteralTree::add(std::string_view bytes) {
  State at = root_;
  for (const char byte : bytes) {
    const auto known = next_.find({at, byte});
    if (known != next_.end()) {
      at = known->second;
      continue;
    }
    const State next = automaton_.literal(at, std::string_view(&byte, 1));
    next_[{at, byte}] = next;
    at = next;
  }
  return at;
}

}  // namespace fathom::grammar
