#include "fathom/grammar/configurations.h"

#include <algorithm>
#include <set>
#include <utility>

namespace fathom::grammar {
namespace {

std::size_t hash_of(const ConfigurationSet& set) {
  std::uint64_t hash = set.finished ? 0x9E3779B97F4A7C15u : 0;
  for (const Configuration& member : set.members) {
    hash ^= (static_cast<std::uint64_t>(member.state) << 32) | static_cast<std::uint32_t>(member.stack);
    hash *= 0xBF58476D1CE4E5B9u;
    hash ^= hash >> 29;
  }
  return hash;
}

}  // namespace

Configurations::Configurations(const Automaton& automaton, bool bounded) : automaton_(&automaton), bounded_(bounded) {
  frames_.emplace_back();
}

SetId Configurations::begin(State state, StackId stack) {
  ConfigurationSet found;
  reach_all({{state, stack}}, found);
  return number(std::move(found));
}

SetId Configurations::find_step(SetId from, std::int32_t symbol) {
  std::vector<Configuration> work;
  for (const Configuration& member : sets_[from].members)
    for (const Edge& edge : automaton_->at(member.state).edges)
      if (edge.first <= symbol && symbol <= edge.last) work.push_back({edge.target, member.stack});
  SetId result = kDead;
  if (!work.empty()) {
    ConfigurationSet found;
    reach_all(std::move(work), found);
    if (!found.members.empty() || found.finished) result = number(std::move(found));
  }
  steps_[from][symbol] = result;
  return result;
}

// Everything that jumps, calls and returns lead to.
void Configurations::reach_all(std::vector<Configuration> work, ConfigurationSet& found) {
  std::set<Configuration> seen;
  while (!work.empty()) {
    const Configuration at = work.back();
    work.pop_back();
    if (too_deep(at.state, at.stack) || !seen.insert(at).second) continue;
    const StateEdges& edges = automaton_->at(at.state);
    found.reach = std::max(found.reach, frames_[at.stack].depth + automaton_->need(at.state));
    if (!edges.edges.empty()) {
      if (found.members.size() < kMostMembers)
        found.members.push_back(at);
      else
        found.reach = Automaton::kNever;  // no mask worked out from here is exact
    }
    for (const State target : edges.jumps) work.push_back({target, at.stack});
    for (const CallEdge& call : edges.calls) {
      if (too_deep(call.back, at.stack)) continue;
      work.push_back({call.callee, push(call.back, at.stack)});
    }
    if (!edges.final) continue;
    if (at.stack == kEmptyStack)
      found.finished = true;
    else
      work.push_back({frames_[at.stack].back, frames_[at.stack].below});
  }
  std::sort(found.members.begin(), found.members.end());
}

StackId Configurations::push(State back, StackId below) {
  const std::uint64_t key = (static_cast<std::uint64_t>(back) << 32) | static_cast<std::uint32_t>(below);
  const auto [place, added] = frame_ids_.emplace(key, static_cast<StackId>(frames_.size()));
  if (added) frames_.push_back({.back = back, .below = below, .depth = frames_[below].depth + 1});
  return place->second;
}

SetId Configurations::number(ConfigurationSet set) {
  const std::size_t hash = hash_of(set);
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
  const ConfigurationSet old = std::move(sets_[id]);
  const std::vector<StackFrame> old_frames = std::move(frames_);
  frames_.assign(1, {});
  frame_ids_.clear();
  sets_.clear();
  steps_.clear();
  set_ids_.clear();
  std::unordered_map<StackId, StackId> moved{{kEmptyStack, kEmptyStack}};
  ConfigurationSet kept{.members = {}, .finished = old.finished, .reach = old.reach};
  for (const Configuration& member : old.members) {
    std::vector<StackId> path;
    for (StackId at = member.stack; !moved.contains(at); at = old_frames[at].below) path.push_back(at);
    for (; !path.empty(); path.pop_back())
      moved[path.back()] = push(old_frames[path.back()].back, moved[old_frames[path.back()].below]);
    kept.members.push_back({member.state, moved[member.stack]});
  }
  std::sort(kept.members.begin(), kept.members.end());
  return number(std::move(kept));
}

}  // namespace fathom::grammar
