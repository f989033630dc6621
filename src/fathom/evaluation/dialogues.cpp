#include "fathom/evaluation/dialogues.h"

#include <algorithm>
#include <map>

#include "fathom/chat/answer_parser.h"
#include "fathom/chat/prompt.h"
#include "fathom/evaluation/call_quality.h"
#include "fathom/evaluation/dialogue_sample.h"
#include "fathom/evaluation/json_schema.h"

namespace fathom {
namespace {

Answer parse(const DialogueSample& sample, const Reply& reply) {
  AnswerParser parser({.thinking_mode = sample.request.options.thinking_mode,
                       .tools_offered = !sample.tools.empty(),
                       .tools = sample.tools});
  parser.feed(reply.text);
  parser.finish(reply.stopped ? AnswerEnd::stopped : AnswerEnd::cut_off);
  return parser.answer();
}

// By name, in order of the alphabet; numbers among themselves by value.
struct ByName {
  bool operator()(const std::string& one, const std::string& other) const {
    const auto number = [](const std::string& text) {
      return !text.empty() && text.find_first_not_of("0123456789") == std::string::npos;
    };
    if (number(one) && number(other) && one.size() != other.size()) return one.size() < other.size();
    return one < other;
  }
};
using Shares = std::map<std::string, Share, ByName>;

class DialogueScores {
 public:
  explicit DialogueScores(const DialogueSuite& suite) : suite_(suite) {}

  void add(const DialogueSample& sample, const Reply& reply, const Answer& answer, bool right) {
    const CheckKind kind = sample.check.kind;
    Family& family = families_[sample.family];
    family.tokens += reply.tokens;
    ++family.samples;
    family.cut.count(!reply.stopped);
    all_.tokens += reply.tokens;
    ++all_.samples;
    all_.cut.count(!reply.stopped);
    if (kind == CheckKind::read) return;
    family.right.count(right);
    all_.right.count(right);
    kinds_[std::string(name_of(kind))].count(right);
    for (const DialogueSuite::Breakdown& by : suite_.by)
      if (const auto note = sample.notes.find(by.note); by.family == sample.family && note != sample.notes.end())
        notes_[by.family + ", " + by.note][note->second].count(right);
    add_calls(sample, answer, right);
    if (kind == CheckKind::json) add_json(sample, answer, right);
  }

  std::vector<Table> tables() const {
    std::vector<Table> tables{families(), shares("Dialogues by kind of check", "check", kinds_), skills()};
    for (const DialogueSuite::Breakdown& by : suite_.by) {
      const auto found = notes_.find(by.family + ", " + by.note);
      if (found != notes_.end()) tables.push_back(shares("Dialogues: " + found->first, by.note, found->second));
    }
    return tables;
  }

 private:
  struct Family {
    Share right;
    Share cut;
    std::int64_t samples = 0;
    std::int64_t tokens = 0;
  };

  void add_calls(const DialogueSample& sample, const Answer& answer, bool right) {
    if (sample.tools.empty()) return;
    const CallQuality quality = call_quality(answer, sample.tools);
    if (!answer.calls.empty()) calls_fit_.count(quality.well_formed && quality.fits);
    if (sample.check.kind == CheckKind::tool_call) {
      call_made_.count(!answer.calls.empty());
      call_well_formed_.count(!answer.calls.empty() && quality.well_formed);
      call_valid_.count(!answer.calls.empty() && quality.well_formed && quality.fits);
      call_right_.count(right);
    } else {
      call_kept_.count(answer.calls.empty());
    }
  }

  void add_json(const DialogueSample& sample, const Answer& answer, bool right) {
    const auto value = json_content(answer);
    json_parses_.count(value.has_value());
    if (sample.check.schema) json_fits_.count(value && fits_schema(*value, *sample.check.schema));
    json_right_.count(right);
  }

  static std::vector<Cell> row(const std::string& name, const Family& family) {
    const double mean =
        static_cast<double>(family.tokens) / static_cast<double>(std::max<std::int64_t>(family.samples, 1));
    return {name, family.right, Number{mean, 0}, family.cut};
  }

  Table families() const {
    Table table{.title = "Dialogues by family", .columns = {"family", "right", "tokens", "cut off"}, .rows = {}};
    for (const auto& [name, family] : families_) table.rows.push_back(row(name, family));
    table.rows.push_back(row("all", all_));
    return table;
  }

  static Table shares(const std::string& title, const std::string& what, const Shares& shares) {
    Table table{.title = title, .columns = {what, "right"}, .rows = {}};
    for (const auto& [name, share] : shares) table.rows.push_back({name, share});
    return table;
  }

  Table skills() const {
    return {.title = "Tool calls and JSON, without constraint",
            .columns = {"asked for", "share"},
            .rows = {{"a call: one is made", call_made_},
                     {"a call: well-formed", call_well_formed_},
                     {"a call: valid (well-formed, fits the tool's schema)", call_valid_},
                     {"a call: right", call_right_},
                     {"tools offered, no call wanted: none is made", call_kept_},
                     {"of all answers with calls: valid", calls_fit_},
                     {"JSON: it parses", json_parses_},
                     {"JSON: it fits the schema, where one is given", json_fits_},
                     {"JSON: right in every field", json_right_}}};
  }

  const DialogueSuite& suite_;
  std::map<std::string, Family> families_;
  Family all_;
  Shares kinds_;
  std::map<std::string, Shares> notes_;
  Share call_made_, call_well_formed_, call_valid_, call_right_, call_kept_, calls_fit_;
  Share json_parses_, json_fits_, json_right_;
};

}  // namespace

std::vector<Table> evaluate_dialogues(const DialogueSuite& suite, const PartContext& context) {
  const std::vector<DialogueSample> samples = read_dialogue_samples(suite.file, context.amount.limit);
  std::vector<std::string> prompts;
  std::vector<Question> questions;
  for (const DialogueSample& sample : samples) {
    prompts.push_back(render_prompt(sample.request.messages, sample.request.options));
    questions.push_back({.prompt = context.model.tokenizer.encode(prompts.back()), .max_tokens = suite.max_tokens});
  }
  const std::vector<Reply> replies = ask(context.model, std::move(questions), [&](std::int64_t complete) {
    context.progress(static_cast<double>(complete) / static_cast<double>(samples.size()));
  });
  DialogueScores scores(suite);
  for (std::size_t index = 0; index < samples.size(); ++index) {
    const DialogueSample& sample = samples[index];
    const Answer answer = parse(sample, replies[index]);
    const bool right = passes(sample.check, answer);
    scores.add(sample, replies[index], answer, right);
    context.log.add({{"part", "dialogues"},
                     {"family", sample.family},
                     {"prompt", prompts[index]},
                     {"answer", replies[index].text},
                     {"check", std::string(name_of(sample.check.kind))},
                     {"expected", sample.expected}},
                    right);
  }
  return scores.tables();
}

}  // namespace fathom
