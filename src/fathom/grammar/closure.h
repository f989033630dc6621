// Everything that jumps, calls and returns lead to from some configurations without a symbol.
#pragma once

#include <functional>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "fathom/grammar/configurations.h"

namespace fathom::grammar {

// Calls of one rule share a stack that grows while callers are found: a draft, numbered -1, -2, ... until it is whole.
class Closure {
 public:
  struct Limits {
    bool bounded = false;
    std::size_t members = 0;
  };

  Closure(const Automaton& automaton, const std::vector<Stack>& stacks, Limits limits)
      : automaton_(automaton), stacks_(stacks), limits_(limits) {}

  // Once. `number` gives the whole stack of those frames its number; the set's members have such numbers alone.
  ConfigurationSet of(std::vector<Configuration> work,
                      const std::function<StackId(std::vector<Configuration>)>& number);

 private:
  struct Draft {
    std::vector<Configuration> frames;
    std::int32_t depth = 0;  // at most; that of its first frame
    bool over = false;       // its rule may be over: what is added to it goes on at once
    StackId whole = kEmptyStack;
  };
  struct DeepCall {
    CallEdge call;
    StackId stack = kEmptyStack;
  };

  void drain();
  void visit(const Configuration& at);
  void call(const CallEdge& edge, StackId stack);
  bool retry_deep();
  StackId whole(StackId stack, const std::function<StackId(std::vector<Configuration>)>& number);

  Draft& draft(StackId stack) { return drafts_[static_cast<std::size_t>(-1 - stack)]; }
  const Draft& draft(StackId stack) const { return drafts_[static_cast<std::size_t>(-1 - stack)]; }
  std::int32_t depth(StackId stack) const { return stack < 0 ? draft(stack).depth : stacks_[stack].depth; }
  std::int32_t least_depth(StackId stack) const;
  bool too_deep(State state, StackId stack) const;

  const Automaton& automaton_;
  const std::vector<Stack>& stacks_;
  Limits limits_;
  std::vector<Configuration> work_;
  std::vector<Draft> drafts_;
  std::unordered_map<State, StackId> draft_of_;  // by callee
  std::unordered_set<std::uint64_t> seen_;
  std::vector<Configuration> deep_;   // left out so far
  std::vector<DeepCall> deep_calls_;  // the same
  ConfigurationSet found_;
};

}  // namespace fathom::grammar
