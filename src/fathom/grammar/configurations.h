// Where an automaton may stand, as a set of (state, stack), and what a symbol makes of it. Sets and stacks are kept
// once each and known by number, so that a step taken before is a look-up. Belongs to one thread.
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

struct StackFrame {
  State back = 0;
  StackId below = kEmptyStack;
  std::int32_t depth = 0;
};

struct ConfigurationSet {
  std::vector<Configuration> members;
  bool finished = false;   // the rule that was begun in may be over here
  std::int32_t reach = 0;  // the greatest depth that a member stands at or needs
};

class Configurations {
 public:
  // `bounded`: members that would need more than Automaton::kDepthLimit calls are left out. Without it, the depth is
  // only reported by `reach`, for a stack whose lower part is not known.
  Configurations(const Automaton& automaton, bool bounded);

  SetId begin(State state, StackId stack = kEmptyStack);
  // kDead: the symbol may not come.
  SetId step(SetId from, std::int32_t symbol) {
    const SetId known = steps_[from][symbol];
    return known != kUnknown ? known : find_step(from, symbol);
  }
  const ConfigurationSet& set(SetId id) const { return sets_[id]; }
  const StackFrame& frame(StackId stack) const { return frames_[stack]; }
  std::size_t sets() const { return sets_.size(); }
  std::size_t stacks() const { return frames_.size(); }

  // Forgets all but this set; the number it has from then on.
  SetId keep_only(SetId id);

 private:
  static constexpr SetId kUnknown = -2;
  // Schemas whose alternatives look alike would double the set at each level. Ways beyond this many are given up: the
  // answer still fits the schema, but not every fitting answer is allowed.
  static constexpr std::size_t kMostMembers = 512;

  SetId find_step(SetId from, std::int32_t symbol);
  void reach_all(std::vector<Configuration> work, ConfigurationSet& found);
  SetId number(ConfigurationSet set);
  StackId push(State back, StackId below);
  bool too_deep(State state, StackId stack) const {
    return bounded_ && frames_[stack].depth + automaton_->need(state) > Automaton::kDepthLimit;
  }

  const Automaton* automaton_;
  bool bounded_;
  std::vector<StackFrame> frames_;
  std::unordered_map<std::uint64_t, StackId> frame_ids_;
  std::vector<ConfigurationSet> sets_;
  std::vector<std::unique_ptr<SetId[]>> steps_;          // [sets][kSymbols]
  std::unordered_multimap<std::size_t, SetId> set_ids_;  // by hash
};

}  // namespace fathom::grammar
