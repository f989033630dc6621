#include "fathom/grammar/closure.h"

#include <algorithm>
#include <limits>
#include <utility>

namespace fathom::grammar {
namespace {

std::uint64_t key_of(const Configuration& at) {
  return (static_cast<std::uint64_t>(static_cast<std::uint32_t>(at.state)) << 32) |
         static_cast<std::uint32_t>(at.stack);
}

}  // namespace

ConfigurationSet Closure::of(std::vector<Configuration> work,
                             const std::function<StackId(std::vector<Configuration>)>& number) {
  work_ = std::move(work);
  do drain();
  while (retry_deep());
  for (Configuration& member : found_.members) member.stack = whole(member.stack, number);
  std::sort(found_.members.begin(), found_.members.end());
  found_.members.erase(std::unique(found_.members.begin(), found_.members.end()), found_.members.end());
  return std::move(found_);
}

void Closure::drain() {
  while (!work_.empty()) {
    const Configuration at = work_.back();
    work_.pop_back();
    if (too_deep(at.state, at.stack))
      deep_.push_back(at);
    else if (seen_.insert(key_of(at)).second)
      visit(at);
  }
}

void Closure::visit(const Configuration& at) {
  const StateEdges& edges = automaton_.at(at.state);
  found_.reach = std::max(found_.reach, depth(at.stack) + automaton_.need(at.state));
  if (!edges.edges.empty()) {
    if (found_.members.size() < limits_.members)
      found_.members.push_back(at);
    else
      found_.reach = Automaton::kNever;  // no mask worked out from here is exact
  }
  for (const State target : edges.jumps) work_.push_back({target, at.stack});
  for (const CallEdge& edge : edges.calls) call(edge, at.stack);
  if (!edges.final) return;
  if (at.stack == kEmptyStack) {
    found_.finished = true;
    return;
  }
  if (at.stack < 0) draft(at.stack).over = true;
  const std::vector<Configuration>& frames = at.stack < 0 ? draft(at.stack).frames : stacks_[at.stack].frames;
  work_.insert(work_.end(), frames.begin(), frames.end());
}

void Closure::call(const CallEdge& edge, StackId stack) {
  if (too_deep(edge.back, stack)) {
    deep_calls_.push_back({edge, stack});
    return;
  }
  const Configuration frame{edge.back, stack};
  const auto [known, added] = draft_of_.emplace(edge.callee, -1 - static_cast<StackId>(drafts_.size()));
  const StackId own = known->second;
  if (added) {
    drafts_.push_back({.frames = {frame}, .depth = depth(stack) + 1});
    work_.push_back({edge.callee, own});
    return;
  }
  Draft& shared = draft(own);
  if (std::find(shared.frames.begin(), shared.frames.end(), frame) != shared.frames.end()) return;
  shared.frames.push_back(frame);
  if (shared.over) work_.push_back(frame);
}

// A rule may have been called from a shallower place since.
bool Closure::retry_deep() {
  for (const Configuration& at : std::exchange(deep_, {}))
    if (!too_deep(at.state, at.stack))
      work_.push_back(at);
    else
      deep_.push_back(at);
  const std::size_t calls = deep_calls_.size();
  for (const DeepCall& deep : std::exchange(deep_calls_, {})) call(deep.call, deep.stack);
  return !work_.empty() || deep_calls_.size() < calls;
}

std::int32_t Closure::least_depth(StackId stack) const {
  if (stack >= 0) return stacks_[stack].depth;
  std::int32_t least = std::numeric_limits<std::int32_t>::max();
  for (const Configuration& frame : draft(stack).frames) least = std::min(least, least_depth(frame.stack) + 1);
  return least;
}

bool Closure::too_deep(State state, StackId stack) const {
  const std::int32_t room = Automaton::kDepthLimit - automaton_.need(state);
  return limits_.bounded && depth(stack) > room && least_depth(stack) > room;
}

// No rule begins with itself, so drafts do not stand on each other in a circle.
StackId Closure::whole(StackId stack, const std::function<StackId(std::vector<Configuration>)>& number) {
  if (stack >= 0) return stack;
  if (draft(stack).whole != kEmptyStack) return draft(stack).whole;
  std::vector<Configuration> frames = draft(stack).frames;
  for (Configuration& frame : frames) frame.stack = whole(frame.stack, number);
  std::sort(frames.begin(), frames.end());
  frames.erase(std::unique(frames.begin(), frames.end()), frames.end());
  return draft(stack).whole = number(std::move(frames));
}

}  // namespace fathom::grammar
