// A grammar as a pushdown automaton over bytes: states with edges on ranges of bytes, and calls of other states that
// come back. A rule is a state to begin in; it is over in a state marked `final`. Calls may recurse, from the left not.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace fathom::grammar {

using State = std::int32_t;

// Symbols 0 to 255 are bytes. One more stands for the token ｜DSML｜, which markup has and text has not.
inline constexpr std::int32_t kDsmlSymbol = 256;
inline constexpr std::int32_t kSymbols = 257;

struct Edge {
  std::int16_t first = 0;  // symbols first..last
  std::int16_t last = 0;
  State target = 0;
};

struct CallEdge {
  State callee = 0;
  State back = 0;  // where it goes on
};

struct StateEdges {
  std::vector<Edge> edges;
  std::vector<State> jumps;  // taken without a symbol
  std::vector<CallEdge> calls;
  bool final = false;
};

class Automaton {
 public:
  // How deep calls may nest, about two for each level of JSON.
  static constexpr std::int32_t kDepthLimit = 400;
  static constexpr std::int32_t kNever = 1 << 20;

  // InputError beyond `state_limit` states: a schema that asks for too much.
  explicit Automaton(std::int32_t state_limit = 200000) : state_limit_(state_limit) {}

  State add();
  State add_final();
  void edge(State from, std::int32_t first, std::int32_t last, State target);
  void jump(State from, State target);
  void call(State from, State callee, State back);
  void mark_final(State state) { states_[state].final = true; }
  // Bytes one after another; returns the state behind them.
  State literal(State from, std::string_view bytes);

  // Once, when all is built: finds what cannot come to an end and takes the ways into it out. InputError if `start`
  // itself cannot, needs more depth than there is, or if a rule begins with itself.
  void finish(State start, std::string_view place);

  const StateEdges& at(State state) const { return states_[state]; }
  // The fewest nested calls in which the rule's end can be reached from here; kNever if it cannot.
  std::int32_t need(State state) const { return need_[state]; }
  std::int32_t size() const { return static_cast<std::int32_t>(states_.size()); }

 private:
  void find_needs();
  void prune();
  void find_left_recursion(std::string_view place) const;
  std::vector<char> find_nullable() const;

  std::int32_t state_limit_;
  std::vector<StateEdges> states_;
  std::vector<std::int32_t> need_;
};

}  // namespace fathom::grammar
