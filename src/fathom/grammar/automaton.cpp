#include "fathom/grammar/automaton.h"

#include <algorithm>

#include "fathom/base/error.h"

namespace fathom::grammar {

State Automaton::add() {
  if (size() >= state_limit_)
    throw InputError("[grammar] schema: needs more than {} states, expected a smaller schema", state_limit_);
  states_.emplace_back();
  return size() - 1;
}

State Automaton::add_final() {
  const State state = add();
  mark_final(state);
  return state;
}

void Automaton::edge(State from, std::int32_t first, std::int32_t last, State target) {
  states_[from].edges.push_back({static_cast<std::int16_t>(first), static_cast<std::int16_t>(last), target});
}

void Automaton::jump(State from, State target) { states_[from].jumps.push_back(target); }

void Automaton::call(State from, State callee, State back) { states_[from].calls.push_back({callee, back}); }

State Automaton::literal(State from, std::string_view bytes) {
  for (const char byte : bytes) {
    const State next = add();
    const auto symbol = static_cast<unsigned char>(byte);
    edge(from, symbol, symbol, next);
    from = next;
  }
  return from;
}

void Automaton::finish(State start, std::string_view place) {
  find_needs();
  if (need_[start] >= kNever) throw InputError("[grammar] {}: has no value that fits, expected at least one", place);
  if (need_[start] > kDepthLimit)
    throw InputError("[grammar] {}: needs {} nested parts, expected at most {}", place, need_[start], kDepthLimit);
  prune();
  find_left_recursion(place);
}

// The least fixed point: a state is looked at again whenever what it leads to has become cheaper.
void Automaton::find_needs() {
  need_.assign(states_.size(), kNever);
  std::vector<std::vector<State>> readers(states_.size());  // whose need may fall with this state's
  for (State state = 0; state < size(); ++state) {
    for (const Edge& edge : states_[state].edges) readers[edge.target].push_back(state);
    for (const State target : states_[state].jumps) readers[target].push_back(state);
    for (const CallEdge& call : states_[state].calls) {
      readers[call.callee].push_back(state);
      readers[call.back].push_back(state);
    }
  }
  std::vector<State> work;
  for (State state = 0; state < size(); ++state)
    if (states_[state].final) {
      need_[state] = 0;
      work.insert(work.end(), readers[state].begin(), readers[state].end());
    }
  std::vector<State> next;
  while (!work.empty()) {
    for (const State state : work) {
      std::int32_t best = need_[state];
      for (const Edge& edge : states_[state].edges) best = std::min(best, need_[edge.target]);
      for (const State target : states_[state].jumps) best = std::min(best, need_[target]);
      for (const CallEdge& call : states_[state].calls)
        best = std::min(best, std::max(need_[call.callee] + 1, need_[call.back]));
      if (best >= need_[state]) continue;
      need_[state] = best;
      next.insert(next.end(), readers[state].begin(), readers[state].end());
    }
    work.swap(next);
    next.clear();
  }
}

void Automaton::prune() {
  const auto dead = [this](State state) { return need_[state] >= kNever; };
  for (StateEdges& state : states_) {
    std::erase_if(state.edges, [&](const Edge& edge) { return dead(edge.target); });
    std::erase_if(state.jumps, dead);
    std::erase_if(state.calls, [&](const CallEdge& call) { return dead(call.callee) || dead(call.back); });
  }
}

std::vector<char> Automaton::find_nullable() const {
  std::vector<char> nullable(states_.size());
  for (bool changed = true; changed;) {
    changed = false;
    for (State state = size() - 1; state >= 0; --state) {
      if (nullable[state]) continue;
      const StateEdges& edges = states_[state];
      const bool now =
          edges.final ||
          std::any_of(edges.jumps.begin(), edges.jumps.end(), [&](State target) { return nullable[target] != 0; }) ||
          std::any_of(edges.calls.begin(), edges.calls.end(),
                      [&](const CallEdge& call) { return nullable[call.callee] && nullable[call.back]; });
      if (now) nullable[state] = changed = true;
    }
  }
  return nullable;
}

// Strongly connected states of the moves that take no symbol (Tarjan, without recursion): none may hold a call.
void Automaton::find_left_recursion(std::string_view place) const {
  const std::vector<char> nullable = find_nullable();
  std::vector<std::vector<State>> moves(states_.size());
  for (State state = 0; state < size(); ++state) {
    moves[state] = states_[state].jumps;
    for (const CallEdge& call : states_[state].calls) {
      moves[state].push_back(call.callee);
      if (nullable[call.callee]) moves[state].push_back(call.back);
    }
  }
  std::vector<std::int32_t> index(states_.size(), -1), low(states_.size()), component(states_.size(), -1);
  std::vector<std::size_t> next_move(states_.size());
  std::vector<State> path, open;
  std::int32_t count = 0;
  for (State root = 0; root < size(); ++root) {
    if (index[root] >= 0) continue;
    path.push_back(root);
    while (!path.empty()) {
      const State state = path.back();
      if (index[state] < 0) {
        index[state] = low[state] = count++;
        open.push_back(state);
      }
      if (next_move[state] < moves[state].size()) {
        const State target = moves[state][next_move[state]++];
        if (index[target] < 0)
          path.push_back(target);
        else if (component[target] < 0)
          low[state] = std::min(low[state], index[target]);
        continue;
      }
      path.pop_back();
      if (!path.empty()) low[path.back()] = std::min(low[path.back()], low[state]);
      if (low[state] != index[state]) continue;
      for (State member = -1; member != state;) {
        member = open.back();
        open.pop_back();
        component[member] = state;
      }
    }
  }
  for (State state = 0; state < size(); ++state)
    for (const CallEdge& call : states_[state].calls)
      if (component[call.callee] == component[state] ||
          (nullable[call.callee] && component[call.back] == component[state]))
        throw InputError("[grammar] {}: refers to itself before anything else, expected something in between", place);
}

}  // namespace fathom::grammar
