// Whether an automaton takes a text, byte by byte.
#pragma once

#include <string_view>

#include "fathom/grammar/configurations.h"

namespace fathom::grammar {

// From `start` to the end of its rule.
inline bool automaton_takes(const Automaton& automaton, State start, std::string_view text) {
  Configurations sets(automaton, /*bounded=*/true);
  SetId at = sets.begin(start);
  for (const char byte : text) {
    at = sets.step(at, static_cast<unsigned char>(byte));
    if (at == kDead) return false;
  }
  return sets.set(at).finished;
}

}  // namespace fathom::grammar
