// A JSON schema as rules of an automaton. docs/constrained_decoding.md lists the keywords.
#pragma once

#include <map>
#include <span>
#include <string>
#include <utility>

#include "fathom/grammar/json_rules.h"
#include "fathom/grammar/schema_reader.h"

namespace fathom::grammar {

// Which of a schema's values, and how they are written. DSML writes strings bare and all else as JSON.
enum class Values : std::uint8_t { json, json_but_strings, bare_strings };

class SchemaCompiler {
 public:
  // `root` must outlive it: references are looked up there.
  SchemaCompiler(Automaton& automaton, const JsonRules& rules, const JsonValue& root, std::string place)
      : automaton_(automaton), rules_(rules), root_{&root, std::move(place)} {}

  // A rule to call. InputError names the place of what cannot be obeyed.
  State rule(const SchemaPart& part, Values values = Values::json);
  State root_rule() { return rule(root_); }
  const SchemaPart& root() const { return root_; }
  // Past references that stand alone.
  SchemaPart resolved(SchemaPart part) const;

  // To one of these characters' strings that is the name of no property: the rest of a key and the quote behind it.
  State other_name(const ObjectShape& shape, TextForm form);

 private:
  void add(State from, const SchemaPart& part, Values values, State to);
  void add_literals(State from, std::span<const JsonValue> all, const std::string& place, Values values, State to);
  static std::string literal_text(const JsonValue& value, const std::string& place);
  State add_json(State from, const JsonValue& value, const std::string& place);
  void add_type(State from, JsonType type, const SchemaPart& part, Values values, State to);
  void add_string(State from, const SchemaPart& part, TextForm form, State to);
  void add_string_body(State from, const SchemaPart& part, TextForm form, State to);
  void add_number(State from, const SchemaPart& part, bool integer, State to);
  void add_array(State from, const SchemaPart& part, State to);
  void add_object(State from, const SchemaPart& part, State to);
  State space(State from);
  State value_or_anything(const std::optional<SchemaPart>& part);

  Automaton& automaton_;
  const JsonRules& rules_;
  SchemaPart root_;
  std::map<std::pair<const JsonValue*, Values>, State> known_;
};

}  // namespace fathom::grammar
