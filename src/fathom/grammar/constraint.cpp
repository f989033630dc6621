#include "fathom/grammar/constraint.h"

#include <fmt/format.h>

#include <algorithm>
#include <list>
#include <mutex>
#include <utility>

#include "fathom/base/error.h"
#include "fathom/grammar/answer_constraint.h"
#include "fathom/grammar/schema_compiler.h"

namespace fathom::grammar {
namespace {

constexpr std::size_t kMostSchemaBytes = 1 << 20;
constexpr std::size_t kMostGrammars = 32;
constexpr std::int64_t kMostStates = 400000;  // of all kept grammars

struct CompiledGrammar {
  std::shared_ptr<StateMasks> masks;
  State start = 0;
  bool free_text = false;
};

struct NamedGrammar {
  std::string key;
  CompiledGrammar grammar;
};

// All that decides the grammar, each text behind its length.
std::string key_of(const ConstraintPlan& plan) {
  std::string key = fmt::format("{} {} {} {}:{}{}:{}", static_cast<int>(plan.answer), static_cast<int>(plan.choice),
                                plan.parallel, plan.schema.size(), plan.schema, plan.tool.size(), plan.tool);
  for (const ConstraintTool& tool : plan.tools)
    key += fmt::format("{}:{}{}:{}{}", tool.name.size(), tool.name, tool.parameters.size(), tool.parameters,
                       tool.strict ? '!' : '?');
  return key;
}

bool calls_narrow(const ConstraintPlan& plan) {
  if (plan.choice == ConstraintPlan::Choice::none) return false;
  if (plan.choice != ConstraintPlan::Choice::automatic) return true;
  if (!plan.parallel && !plan.tools.empty()) return true;
  return std::any_of(plan.tools.begin(), plan.tools.end(), [](const ConstraintTool& tool) { return tool.strict; });
}

bool must_call(const ConstraintPlan& plan) {
  return plan.choice == ConstraintPlan::Choice::required || plan.choice == ConstraintPlan::Choice::named;
}

std::vector<ConstraintTool> callable_tools(const ConstraintPlan& plan) {
  if (plan.choice == ConstraintPlan::Choice::none) return {};
  std::vector<ConstraintTool> tools = plan.tools;
  if (plan.choice == ConstraintPlan::Choice::named) {
    std::erase_if(tools, [&](const ConstraintTool& tool) { return tool.name != plan.tool; });
    if (tools.empty()) throw InputError("[grammar] tool choice: has \"{}\", expected one of the tools", plan.tool);
  }
  if (plan.choice == ConstraintPlan::Choice::required && tools.empty())
    throw InputError("[grammar] tool choice: has no tools to call, expected at least one");
  return tools;
}

}  // namespace

struct ConstraintMaker::Shared {
  explicit Shared(const Tokenizer& tokenizer) : vocabulary(std::make_shared<const Vocabulary>(tokenizer)) {
    auto automaton = std::make_shared<Automaton>();
    const JsonRules rules = add_json_rules(*automaton);
    automaton->finish(rules.value, "JSON");
    of_rules = std::make_shared<StateMasks>(vocabulary, std::move(automaton), rules.end, nullptr);
    markers = std::make_shared<const ChatMarkers>(*vocabulary);
    // The two that take milliseconds, so that no first request waits for them.
    for (const State text : {rules.string_rest, rules.bare_text}) of_rules->at(text);
  }

  CompiledGrammar compile(const ConstraintPlan& plan) const;
  CompiledGrammar compiled(const ConstraintPlan& plan);

  std::shared_ptr<const Vocabulary> vocabulary;
  std::shared_ptr<const ChatMarkers> markers;
  std::shared_ptr<StateMasks> of_rules;
  std::mutex mutex;
  std::list<NamedGrammar> known;  // latest first
};

CompiledGrammar ConstraintMaker::Shared::compile(const ConstraintPlan& plan) const {
  const std::vector<ConstraintTool> tools = callable_tools(plan);
  std::size_t bytes = plan.schema.size();
  for (const ConstraintTool& tool : tools) bytes += tool.parameters.size();
  if (bytes > kMostSchemaBytes)
    throw InputError("[grammar] schemas: have {} bytes, expected at most {}", bytes, kMostSchemaBytes);
  if (!tools.empty() && !vocabulary->dsml)
    throw InputError("[grammar] vocabulary: has no token ｜DSML｜, expected one for calls of tools");
  auto automaton = std::make_shared<Automaton>();
  const JsonRules rules = add_json_rules(*automaton);
  CompiledGrammar result;
  result.start = automaton->add();
  if (!tools.empty()) {
    const bool one = plan.choice == ConstraintPlan::Choice::named || !plan.parallel;
    const ToolCallRules calls = add_tool_call_rules(*automaton, rules, tools, one);
    result.free_text = plan.choice == ConstraintPlan::Choice::automatic && plan.answer == ConstraintPlan::Answer::text;
    automaton->jump(result.start, result.free_text ? calls.behind_mark : calls.block);
  }
  if (plan.answer != ConstraintPlan::Answer::text && !must_call(plan)) {
    State value = rules.object;
    if (plan.answer == ConstraintPlan::Answer::json_schema) {
      const JsonValue schema = read_json(plan.schema, "schema");
      value = SchemaCompiler(*automaton, rules, schema, "schema").root_rule();
    }
    const State before = automaton->add(), behind = automaton->add(), end = automaton->add_final();
    automaton->call(result.start, rules.space, before);
    automaton->call(before, value, behind);
    automaton->call(behind, rules.space, end);
  }
  automaton->finish(result.start, "schema");
  result.masks = std::make_shared<StateMasks>(vocabulary, std::move(automaton), rules.end, of_rules);
  return result;
}

CompiledGrammar ConstraintMaker::Shared::compiled(const ConstraintPlan& plan) {
  const std::string key = key_of(plan);
  {
    const std::lock_guard lock(mutex);
    const auto found = std::find_if(known.begin(), known.end(), [&](const auto& entry) { return entry.key == key; });
    if (found != known.end()) {
      known.splice(known.begin(), known, found);
      return found->grammar;
    }
  }
  CompiledGrammar made = compile(plan);
  const std::lock_guard lock(mutex);
  known.push_front({key, made});
  std::int64_t states = 0;
  std::size_t kept = 0;
  for (const NamedGrammar& one : known) {
    states += one.grammar.masks->automaton().size();
    if (kept > 0 && (kept == kMostGrammars || states > kMostStates)) break;
    ++kept;
  }
  known.resize(kept);
  return made;
}

ConstraintMaker::ConstraintMaker(const Tokenizer& tokenizer) : shared_(std::make_unique<Shared>(tokenizer)) {}
ConstraintMaker::~ConstraintMaker() = default;

std::shared_ptr<TokenConstraint> ConstraintMaker::make(const ConstraintPlan& plan) {
  if (plan.answer == ConstraintPlan::Answer::text && !calls_narrow(plan)) return nullptr;
  const CompiledGrammar grammar = shared_->compiled(plan);
  if (!shared_->vocabulary->has(plan.end_of_sentence))
    throw InputError("[grammar] end of sentence: has token {}, expected one below {}", plan.end_of_sentence,
                     shared_->vocabulary->size());
  auto constraint = std::make_shared<AnswerConstraint>(AnswerRules{.masks = grammar.masks,
                                                                   .markers = shared_->markers,
                                                                   .start = grammar.start,
                                                                   .free_text = grammar.free_text,
                                                                   .thinking = plan.thinking,
                                                                   .end_of_sentence = plan.end_of_sentence});
  const bool goes_on = !plan.prefix.empty() && plan.answer != ConstraintPlan::Answer::text && !must_call(plan);
  if (goes_on && !constraint->begin_with(plan.prefix))
    throw InputError("[grammar] prefix: has text that no such answer begins with, expected the beginning of one");
  return constraint;
}

}  // namespace fathom::grammar
