// Names that are none of an object's properties: a tree of the properties' characters, and the ways out of it.
#include <map>
#include <vector>

#include "fathom/grammar/schema_compiler.h"
#include "fathom/tokenizer/utf8.h"

namespace fathom::grammar {
namespace {

struct NameNode {
  std::map<char32_t, std::size_t> children;
  bool whole = false;  // a property's name ends here
};

std::vector<NameNode> tree_of(const ObjectShape& shape) {
  std::vector<NameNode> nodes(1);
  for (const SchemaProperty& property : shape.properties) {
    std::size_t at = 0;
    for (std::size_t byte = 0; byte < property.name.size();) {
      const Utf8Step step = utf8_step(property.name, byte);
      byte += static_cast<std::size_t>(step.length);
      const auto [child, added] = nodes[at].children.emplace(step.code_point, nodes.size());
      at = child->second;
      if (added) nodes.emplace_back();
    }
    nodes[at].whole = true;
  }
  return nodes;
}

// What stands in the name attribute of a DSML tag.
const CharacterRanges kAttribute = {{'-', '.'}, {'0', '9'}, {'A', 'Z'}, {'_', '_'}, {'a', 'z'}};

}  // namespace

State SchemaCompiler::other_name(const ObjectShape& shape, TextForm form) {
  const std::vector<NameNode> tree = tree_of(shape);
  std::vector<State> states;
  for (std::size_t index = 0; index < tree.size(); ++index) states.push_back(automaton_.add());
  const State end = automaton_.add_final();
  State rest = rules_.string_rest;
  if (form == TextForm::bare) {
    rest = automaton_.add();
    add_characters(automaton_, rest, kAttribute, form, rest);
    automaton_.edge(rest, '"', '"', end);
  }
  for (std::size_t index = 0; index < tree.size(); ++index) {
    CharacterRanges taken;
    for (const auto& [character, child] : tree[index].children) {
      taken.push_back({character, character});
      add_characters(automaton_, states[index], {{character, character}}, form, states[child]);
    }
    CharacterRanges others = complement(taken);
    if (form == TextForm::bare) {
      CharacterRanges outside = complement(kAttribute);
      outside.insert(outside.end(), taken.begin(), taken.end());
      others = complement(outside);
    }
    add_characters(automaton_, states[index], others, form, rest);
    const bool empty_name = index == 0 && form == TextForm::bare;
    if (!tree[index].whole && !empty_name) automaton_.edge(states[index], '"', '"', end);
  }
  return states[0];
}

}  // namespace fathom::grammar
