#include "fathom/grammar/tool_call_rules.h"

#include <fmt/format.h>

#include "fathom/chat/markers.h"
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

struct CallBuilder {
  Automaton& automaton;
  const JsonRules& rules;

  // From behind `name="key"`: the flag, the value and the closing tag.
  void add_value(State from, State bare, State json, State to) {
    const State flag = automaton.literal(from, " string=\"");
    const State text = automaton.literal(flag, "true\">"), other = automaton.literal(flag, "false\">");
    const State behind = automaton.add();
    automaton.call(text, bare, behind);
    automaton.call(other, json, behind);
    automaton.jump(add_tag(automaton, behind, "</", "parameter>\n"), to);
  }

  State any_but_string() {
    const State start = automaton.add(), done = automaton.add_final();
    for (const State rule : {rules.number, rules.object, rules.array}) automaton.call(start, rule, done);
    for (const std::string_view word : {"true", "false", "null"}) automaton.jump(automaton.literal(start, word), done);
    return start;
  }

  // The parameters of an object's shape, each with its line break; `to` once no required one is missing.
  void add_parameters(State from, const ObjectShape& shape, SchemaCompiler& compiler, State to) {
    const State any = any_but_string();
    const auto bare = [&](const std::optional<SchemaPart>& schema) {
      return schema ? compiler.rule(*schema, Values::bare_strings) : rules.bare_text;
    };
    const auto json = [&](const std::optional<SchemaPart>& schema) {
      return schema ? compiler.rule(*schema, Values::json_but_strings) : any;
    };
    const State empty_line = automaton.literal(from, "\n");  // of a call without arguments
    State required_left = from;
    State at = from;
    for (const SchemaProperty& property : shape.properties) {
      const State next = automaton.add();
      if (!property.required)
        automaton.jump(at, next);
      else
        required_left = next;
      const State head = add_tag(automaton, at, "<", fmt::format("parameter name=\"{}\"", property.name));
      add_value(head, bare(property.schema), json(property.schema), next);
      at = next;
    }
    if (shape.open) {
      const State head = automaton.add();
      automaton.call(add_tag(automaton, at, "<", "parameter name=\""), compiler.other_name(shape, TextForm::bare),
                     head);
      add_value(head, bare(shape.others), json(shape.others), at);
    }
    automaton.jump(at, to);
    if (required_left == from) automaton.jump(empty_line, to);
  }

  // One call; a rule.
  State add_call(const ConstraintTool& tool) {
    const State start = automaton.add();
    const State parameters = add_tag(automaton, start, "<", fmt::format("invoke name=\"{}\">\n", tool.name));
    const State behind = automaton.add();
    const std::string place = fmt::format("tool {}", tool.name);
    const JsonValue schema = read_json(tool.strict ? tool.parameters : "{}", place);
    SchemaCompiler compiler(automaton, rules, schema, place);
    const SchemaPart root = schema.is(JsonValue::Kind::object) ? compiler.resolved(compiler.root()) : compiler.root();
    check_keywords(root);
    for (const std::string_view keyword : {"anyOf", "oneOf", "allOf", "enum", "const"})
      if (root.schema->find(keyword)) fail_schema(root.place, fmt::format("\"{}\"", keyword), "an object's properties");
    const JsonValue* type = root.schema->find("type");
    if (!root.schema->is(JsonValue::Kind::object) || (type && type->text != "object"))
      fail_schema(place, write_json(*root.schema), "the schema of an object");
    add_parameters(parameters, object_shape(root), compiler, behind);
    automaton.mark_final(add_tag(automaton, behind, "</", "invoke>\n"));
    return start;
  }
};

}  // namespace

ToolCallRules add_tool_call_rules(Automaton& automaton, const JsonRules& rules, std::span<const ConstraintTool> tools,
                                  bool one) {
  CallBuilder builder{automaton, rules};
  ToolCallRules result;
  result.block = automaton.add();
  const State first_break = automaton.literal(result.block, "\n"), second_break = automaton.literal(first_break, "\n");
  const State opening = automaton.add();
  for (const State from : {result.block, first_break, second_break}) automaton.jump(from, opening);
  const State mark = automaton.literal(opening, "<");
  result.behind_mark = automaton.add();
  automaton.edge(mark, kDsmlSymbol, kDsmlSymbol, result.behind_mark);
  const State call = automaton.literal(result.behind_mark, "tool_calls>\n"), done = automaton.add();
  for (const ConstraintTool& tool : tools) {
    if (tool.name.empty() || tool.name.find_first_of("\"<>\n\r") != std::string::npos)
      fail_schema("tool", fmt::format("the name \"{}\"", tool.name), "one without quotes, brackets and line breaks");
    automaton.call(call, builder.add_call(tool), done);
  }
  if (!one) automaton.jump(done, call);
  automaton.mark_final(add_tag(automaton, done, "</", "tool_calls>"));
  return result;
}

}  // namespace fathom::grammar
