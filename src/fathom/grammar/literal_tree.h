// Literals from one state as a tree: those that begin alike share their states, so that of a thousand of them one
// state is stood in at a time.
#pragma once

#include <map>
#include <string_view>
#include <utility>

#include "fathom/grammar/automaton.h"

namespace fathom::grammar {

class LiteralTree {
 public:
  // From `root`, to which it adds edges. The automaton must outlive it.
  LiteralTree(Automaton& automaton, State root) : automaton_(automaton), root_(root) {}

  // The state behind the bytes; the same for the same bytes.
  State add(std::string_view bytes);

 private:
  Automaton& automaton_;
  State root_;
  std::map<std::pair<State, char>, State> next_;
};

}  // namespace fathom::grammar
