#include "fathom/grammar/tool_call_rules.h"

#include <fmt/format.h>

#include "fathom/chat/markers.h"
#include "fathom/grammar/literal_tree.h"
#include "fathom/grammar/schema_compiler.h"

namespace fathom::grammar {
namespace {

// From `from`: "<" or "</", the token ｜DSML｜, and text.
State add_tag(Automaton& automaton, State from, std::string_view opening, std::string_view text) {
  const State mark = automaton.literal(from, opening);
  const State behind = automaton.add();
  automaton.edge(mark, kDsmlSymbol, kDsmlSymbol, behind);
  return automaton.literal(behind, text);
}

// A name stands in quotes in a tag.
void check_name(std::string_view name, const std::string& place) {
  const bool fits = !name.empty() && name.find_first_of("\"<>\n\r") == std::string::npos &&
                    name.find("\xEF\xBD\x9C") == std::string::npos;
  if (!fits) fail_schema(place, fmt::format("the name \"{}\"", name), "one without quotes, brackets and line breaks");
}

class CallBuilder {
 public:
  CallBuilder(Automaton& automaton, const JsonRules& rules) : automaton_(automaton), rules_(rules) {
    open_ = automaton_.add();
    automaton_.mark_final(add_tag(automaton_, open_, "<", "parameter name=\""));
    close_ = automaton_.add();
    automaton_.mark_final(add_tag(automaton_, close_, "</", "parameter>\n"));
    text_flag_ = automaton_.add();
    automaton_.mark_final(automaton_.literal(text_flag_, " string=\"true\">"));
    json_flag_ = automaton_.add();
    automaton_.mark_final(automaton_.literal(json_flag_, " string=\"false\">"));
  }

  // From behind `name="key"`: the flag, the value and the closing tag.
  void add_value(State from, State bare, State json, State to) {
    const State text = automaton_.add(), other = automaton_.add(), behind = automaton_.add();
    automaton_.call(from, text_flag_, text);
    automaton_.call(from, json_flag_, other);
    automaton_.call(text, bare, behind);
    automaton_.call(other, json, behind);
    automaton_.call(behind, close_, to);
  }

  // Behind `<parameter name="`.
  State add_head(State from) {
    const State head = automaton_.add();
    automaton_.call(from, open_, head);
    return head;
  }

  State any_but_string() {
    const State start = automaton_.add(), done = automaton_.add_final();
    for (const State rule : {rules_.number, rules_.object, rules_.array}) automaton_.call(start, rule, done);
    for (const std::string_view word : {"true", "false", "null"})
      automaton_.jump(automaton_.literal(start, word), done);
    return start;
  }

  // The parameters of an object's shape, each with its line break; `to` once no required one is missing.
  void add_parameters(State from, const ObjectShape& shape, SchemaCompiler& compiler, State to) {
    if (any_ == 0) any_ = any_but_string();
    const auto bare = [&](const std::optional<SchemaPart>& schema) {
      return schema ? compiler.rule(*schema, Values::bare_strings) : rules_.bare_text;
    };
    const auto json = [&](const std::optional<SchemaPart>& schema) {
      return schema ? compiler.rule(*schema, Values::json_but_strings) : any_;
    };
    const State empty_line = automaton_.literal(from, "\n");  // of a call without arguments
    State required_left = from;
    State at = from;
    for (const SchemaProperty& property : shape.properties) {
      const State next = automaton_.add();
      if (!property.required)
        automaton_.jump(at, next);
      else
        required_left = next;
      check_name(property.name, compiler.root().place + "/properties");
      add_value(automaton_.literal(add_head(at), property.name + "\""), bare(property.schema), json(property.schema),
                next);
      at = next;
    }
    if (shape.open) {
      const State head = automaton_.add();
      automaton_.call(add_head(at), compiler.other_name(shape, TextForm::bare), head);
      add_value(head, bare(shape.others), json(shape.others), at);
    }
    automaton_.jump(at, to);
    if (required_left == from) automaton_.jump(empty_line, to);
  }

  // From behind a call's opening tag to behind its closing one.
  void add_call(State parameters, const ConstraintTool& tool, State to) {
    const State behind = automaton_.add();
    const std::string place = fmt::format("tool {}", tool.name);
    const JsonValue schema = read_json(tool.strict ? tool.parameters : "{}", place);
    SchemaCompiler compiler(automaton_, rules_, schema, place);
    const SchemaPart root = schema.is(JsonValue::Kind::object) ? compiler.resolved(compiler.root()) : compiler.root();
    check_keywords(root);
    for (const std::string_view keyword : {"anyOf", "oneOf", "allOf", "enum", "const"})
      if (root.schema->find(keyword)) fail_schema(root.place, fmt::format("\"{}\"", keyword), "an object's properties");
    const JsonValue* type = root.schema->find("type");
    if (!root.schema->is(JsonValue::Kind::object) || (type && type->text != "object"))
      fail_schema(place, write_json(*root.schema), "the schema of an object");
    add_parameters(parameters, object_shape(root), compiler, behind);
    automaton_.jump(add_tag(automaton_, behind, "</", "invoke>\n"), to);
  }

 private:
  Automaton& automaton_;
  const JsonRules& rules_;
  State open_ = 0;  // of a parameter
  State close_ = 0;
  State text_flag_ = 0;
  State json_flag_ = 0;
  State any_ = 0;
};

}  // namespace

ToolCallRules add_tool_call_rules(Automaton& automaton, const JsonRules& rules, std::span<const ConstraintTool> tools,
                                  bool one) {
  CallBuilder builder(automaton, rules);
  ToolCallRules result;
  result.block = automaton.add();
  const State first_break = automaton.literal(result.block, "\n"), second_break = automaton.literal(first_break, "\n");
  const State opening = automaton.add();
  for (const State from : {result.block, first_break, second_break}) automaton.jump(from, opening);
  const State mark = automaton.literal(opening, "<");
  result.behind_mark = automaton.add();
  automaton.edge(mark, kDsmlSymbol, kDsmlSymbol, result.behind_mark);
  const State call = automaton.literal(result.behind_mark, "tool_calls>\n"), done = automaton.add();
  // Names that begin alike share their states.
  LiteralTree names(automaton, add_tag(automaton, call, "<", "invoke name=\""));
  for (const ConstraintTool& tool : tools) {
    check_name(tool.name, "tool");
    builder.add_call(names.add(tool.name + "\">\n"), tool, done);
  }
  if (!one) automaton.jump(done, call);
  automaton.mark_final(add_tag(automaton, done, "</", "tool_calls>"));
  return result;
}

}  // namespace fathom::grammar
