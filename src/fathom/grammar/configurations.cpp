#include "fathom/grammar/configurations.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "fathom/grammar/closure.h"

namespace fathom::grammar {
namespace {

std::size_t hash_of(const std::vector<Configuration>& members, std::uint64_t hash) {
  for (const Configuration& member : members) {
    hash ^= (static_cast<std::uint64_t>(member.state) << 32) | static_cast<std::uint32_t>(member.stack);
    hash *= 0xBF58476D1CE4E5B9u;
    hash ^= hash >> 29;
  }
  return hash;
}

}  // namespace

Configurations::Configurations(const Automaton& automaton, bool bounded)
    : automaton_(&automaton), bounded_(bounded), stacks_(1), behind_(1, kUnknown) {}

SetId Configurations::begin(State state) { return close({{state, kEmptyStack}}); }

SetId Configurations::behind(StackId stack) {
  if (behind_[stack] == kUnknown) {
    const SetId found = close(stacks_[stack].frames);
    behind_[stack] = found;
  }
  return behind_[stack];
}

SetId Configurations::find_step(SetId from, std::int32_t symbol) {
  std::vector<Configuration> work;
  for (const Configuration& member : sets_[from].members)
    for (const Edge& edge : automaton_->at(member.state).edges)
      if (edge.first <= symbol && symbol <= edge.last) work.push_back({edge.target, member.stack});
  const SetId result = work.empty() ? kDead : close(std::move(work));
  steps_[from][symbol] = result;
  return result;
}

SetId Configurations::close(std::vector<Configuration> work) {
  Closure closure(*automaton_, stacks_, {.bounded = bounded_, .members = kMostMembers});
  ConfigurationSet found =
      closure.of(std::move(work), [this](std::vector<Configuration> frames) { return number(std::move(frames)); });
  return found.members.empty() && !found.finished ? kDead : number(std::move(found));
}

StackId Configurations::number(std::vector<Configuration> frames) {
  const std::size_t hash = hash_of(frames, 0);
  for (auto [at, end] = stack_ids_.equal_range(hash); at != end; ++at)
    if (stacks_[at->second].frames == frames) return at->second;
  std::int32_t depth = std::numeric_limits<std::int32_t>::max();
  for (const Configuration& frame : frames) depth = std::min(depth, stacks_[frame.stack].depth + 1);
  const auto id = static_cast<StackId>(stacks_.size());
  stack_ids_.emplace(hash, id);
  stacks_.push_back({.frames = std::move(frames), .depth = depth});
  behind_.push_back(kUnknown);
  return id;
}

SetId Configurations::number(ConfigurationSet set) {
  const std::size_t hash = hash_of(set.members, set.finished ? 0x9E3779B97F4A7C15u : 0);
  for (auto [at, end] = set_ids_.equal_range(hash); at != end; ++at)
    if (sets_[at->second].members == set.members && sets_[at->second].finished == set.finished) return at->second;
  const auto id = static_cast<SetId>(sets_.size());
  set_ids_.emplace(hash, id);
  sets_.push_back(std::move(set));
  steps_.push_back(std::make_unique_for_overwrite<SetId[]>(kSymbols));
  std::fill_n(steps_.back().get(), kSymbols, kUnknown);
  return id;
}

SetId Configurations::keep_only(SetId id) {
  ConfigurationSet kept = std::move(sets_[id]);
  const std::vector<Stack> old = std::move(stacks_);
  stacks_.assign(1, {});
  behind_.assign(1, kUnknown);
  stack_ids_.clear();
  sets_.clear();
  steps_.clear();
  set_ids_.clear();
  // A stack stands on earlier ones alone.
  std::vector<char> needed(old.size());
  for (const Configuration& member : kept.members) needed[member.stack] = 1;
  for (std::size_t stack = old.size(); stack-- > 1;)
    if (needed[stack])
      for (const Configuration& frame : old[stack].frames) needed[frame.stack] = 1;
  std::vector<StackId> moved(old.size(), kEmptyStack);
  const auto move_all = [&moved](std::vector<Configuration>& members) {
    for (Configuration& member : members) member.stack = moved[member.stack];
    std::sort(members.begin(), members.end());
  };
  for (std::size_t stack = 1; stack < old.size(); ++stack) {
    if (!needed[stack]) continue;
    std::vector<Configuration> frames = old[stack].frames;
    move_all(frames);
    moved[stack] = number(std::move(frames));
  }
  move_all(kept.members);
  return number(std::move(kept));
}

}  // namespace fathom::grammar
