// Where an automaton may stand, as a set of (state, stack), and what a symbol makes of it. Sets and stacks are kept
// once each and known by number, so that a step taken before is a look-up. Belongs to one thread.
//
// A stack is what its rule may go back to: one or more frames, each with a stack of its own below. Calls of one rule
// at one place share a stack, so that alternatives that look alike cost no more than one of them, however deep.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <unordered_map>
#include <vector>

#include "fathom/grammar/automaton.h"

namespace fathom::grammar {

using StackId = std::int32_t;
using SetId = std::int32_t;

inline constexpr StackId kEmptyStack = 0;
inline constexpr SetId kDead = -1;

struct Configuration {
  State state = 0;  // one that has edges
  StackId stack = kEmptyStack;

  auto operator<=>(const Configuration&) const = default;
};

struct Stack {
  std::vector<Configuration> frames;  // where it goes on, and on what; sorted
  std::int32_t depth = 0;             // calls, of the shallowest way down
};

struct ConfigurationSet {
  std::vector<Configuration> members;
  bool finished = false;   // the rule that was begun in may be over here
  std::int32_t reach = 0;  // no member stands or needs to go deeper
};

class Configurations {
 public:
  // `bounded`: members that would need more than Automaton::kDepthLimit calls are left out. Without it, the depth is
  // only reported by `reach`, for a stack whose lower part is not known.
  Configurations(const Automaton& automaton, bool bounded);

  SetId begin(State state);
  // Where the stack's rule goes on when it is over.
  SetId behind(StackId stack);
  // kDead: the symbol may not come.
  SetId step(SetId from, std::int32_t symbol) {
    const SetId known = steps_[from][symbol];
    return known != kUnknown ? known : find_step(from, symbol);
  }
  const ConfigurationSet& set(SetId id) const { return sets_[id]; }
  const Stack& stack(StackId stack) const { return stacks_[stack]; }
  std::size_t sets() const { return sets_.size(); }

  // Forgets all but this set; the number it has from then on.
  SetId keep_only(SetId id);

 private:
  static constexpr SetId kUnknown = -2;
  // A pattern that may stand in as many places at once has ways given up: what is allowed still fits it, but not all
  // that fits is allowed.
  static constexpr std::size_t kMostMembers = 8192;

  SetId find_step(SetId from, std::int32_t symbol);
  SetId close(std::vector<Configuration> work);
  SetId number(ConfigurationSet set);
  StackId number(std::vector<Configuration> frames);

  const Automaton* automaton_;
  bool bounded_;
  std::vector<Stack> stacks_;
  std::vector<SetId> behind_;                                // by stack
  std::unordered_multimap<std::size_t, StackId> stack_ids_;  // by hash
  std::vector<ConfigurationSet> sets_;
  std::vector<std::unique_ptr<SetId[]>> steps_;          // [sets][kSymbols]
  std::unordered_multimap<std::size_t, SetId> set_ids_;  // by hash
};

}  // namespace fathom::grammar
