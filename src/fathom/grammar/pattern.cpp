#include "fathom/grammar/pattern.h"

#include <array>
#include <span>
#include <string>
#include <utility>

#include "fathom/base/error.h"
#include "fathom/grammar/pattern_reader.h"

namespace fathom::grammar {
namespace {

struct Builder {
  Automaton& automaton;
  TextForm form;
  std::string_view pattern;
  std::string_view place;

  State add(State from, const PatternNode& node) {
    switch (node.kind) {
      case PatternNode::Kind::characters: {
        const State to = automaton.add();
        add_characters(automaton, from, node.ranges, form, to);
        return to;
      }
      case PatternNode::Kind::sequence: return add_all(from, node.children);
      case PatternNode::Kind::alternatives: {
        const State to = automaton.add();
        for (const PatternNode& child : node.children) automaton.jump(add(from_own(from), child), to);
        return to;
      }
      case PatternNode::Kind::repeat: return add_repeat(from, node);
      case PatternNode::Kind::begin:
      case PatternNode::Kind::end: break;
    }
    throw InputError("[grammar] {}: pattern \"{}\": has an anchor inside, expected ^ first and $ last", place, pattern);
  }

  State add_all(State from, std::span<const PatternNode> nodes) {
    for (const PatternNode& node : nodes) from = add(from, node);
    return from;
  }

  // A state of its own, so that a loop back to it takes nothing else along.
  State from_own(State from) {
    const State own = automaton.add();
    automaton.jump(from, own);
    return own;
  }

  State add_repeat(State from, const PatternNode& node) {
    const PatternNode& child = node.children.front();
    for (int count = 0; count < node.least; ++count) from = add(from_own(from), child);
    if (node.most == PatternNode::kForever) {
      const State loop = from_own(from);
      automaton.jump(add(loop, child), loop);
      return from_own(loop);
    }
    const State to = automaton.add();
    for (int count = node.least; count < node.most; ++count) {
      automaton.jump(from, to);
      from = add(from_own(from), child);
    }
    automaton.jump(from, to);
    return to;
  }

  State add_anything(State from) {
    const State loop = from_own(from);
    add_characters(automaton, loop, {{0, kLastCharacter}}, form, loop);
    return from_own(loop);
  }
};

constexpr std::string_view kDate =
    R"((\d{4}-((0[13578]|1[02])-(0[1-9]|[12]\d|3[01])|(0[469]|11)-(0[1-9]|[12]\d|30)|02-(0[1-9]|1\d|2[0-8])))"
    R"(|(\d\d(0[48]|[2468][048]|[13579][26])|([02468][048]|[13579][26])00)-02-29))";

}  // namespace

State add_pattern(Automaton& automaton, State from, std::string_view pattern, TextForm form, std::string_view place) {
  const PatternNode root = read_pattern(pattern, place);
  Builder builder{automaton, form, pattern, place};
  const State to = automaton.add();
  for (const PatternNode& alternative : root.children) {
    std::span<const PatternNode> nodes = alternative.children;
    const bool begins = !nodes.empty() && nodes.front().kind == PatternNode::Kind::begin;
    if (begins) nodes = nodes.subspan(1);
    const bool ends = !nodes.empty() && nodes.back().kind == PatternNode::Kind::end;
    if (ends) nodes = nodes.first(nodes.size() - 1);
    State state = begins ? builder.from_own(from) : builder.add_anything(from);
    state = builder.add_all(state, nodes);
    automaton.jump(ends ? state : builder.add_anything(state), to);
  }
  return to;
}

std::string_view format_pattern(std::string_view format) {
  // A host's labels are kept to 32 characters and 7 labels, so that its 253 are never passed.
  static const std::string label = "[A-Za-z0-9]([A-Za-z0-9-]{0,30}[A-Za-z0-9])?";
  static const std::string host = label + "(\\." + label + ")";  // and how often, in braces
  static const std::string octet = "(25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)";
  static const std::string ipv4 = octet + "(\\." + octet + "){3}";
  static const std::string date(kDate);
  static const std::string time = "([01]\\d|2[0-3]):[0-5]\\d:[0-5]\\d(\\.\\d{1,9})?(Z|[+-]([01]\\d|2[0-3]):[0-5]\\d)";
  static const std::string h = "[0-9A-Fa-f]{1,4}";
  static const std::string part = "(:" + h + ")";
  static const std::string ipv6 = "((" + h + ":){7}" + h + "|(" + h + ":){1,7}:|(" + h + ":){1,6}" + part + "|(" + h +
                                  ":){1,5}" + part + "{2}|(" + h + ":){1,4}" + part + "{3}|(" + h + ":){1,3}" + part +
                                  "{4}|(" + h + ":){1,2}" + part + "{5}|" + h + ":" + part + "{6}|:" + part +
                                  "{1,7}|::)";
  static const std::string word = "[A-Za-z0-9_%+-]{1,32}";
  static const std::array<std::pair<std::string_view, std::string>, 8> known = {{
      {"email", "^" + word + "(\\." + word + ")?@" + host + "{1,6}$"},
      {"hostname", "^" + host + "{0,6}$"},
      {"ipv4", "^" + ipv4 + "$"},
      {"ipv6", "^" + ipv6 + "$"},
      {"uuid", "^[0-9A-Fa-f]{8}-([0-9A-Fa-f]{4}-){3}[0-9A-Fa-f]{12}$"},
      {"date", "^" + date + "$"},
      {"time", "^" + time + "$"},
      {"date-time", "^" + date + "T" + time + "$"},
  }};
  for (const auto& [name, pattern] : known)
    if (name == format) return pattern;
  return {};
}

}  // namespace fathom::grammar
