#include "fathom/evaluation/recall.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string>

#include "fathom/chat/prompt.h"
#include "fathom/corpus/permutation.h"
#include "fathom/evaluation/asking.h"
#include "fathom/evaluation/carrier.h"
#include "fathom/evaluation/planted_facts.h"

namespace fathom {
namespace {

constexpr std::size_t kFifths = 5;

std::string prompt_of(const std::string& text, const std::string& question) {
  ChatMessage message;
  message.role = Role::user;
  message.content = text + "\n\n" + question;
  return render_prompt({&message, 1}, {.thinking_mode = ThinkingMode::chat});
}

// A text with its questions, ready to be asked.
struct RecallText {
  const FactGroup* facts = nullptr;
  PlantedText planted;
  std::vector<std::vector<std::int32_t>> prompts;  // one a fact
};

class Recall {
 public:
  Recall(const RecallSuite& suite, const PartContext& context)
      : suite_(suite),
        context_(context),
        carrier_(suite.carrier, context.model.tokenizer),
        groups_(read_fact_groups(suite.facts)) {}

  std::vector<Table> run() {
    std::vector<RecallSuite::Length> lengths = suite_.lengths;
    const std::int64_t positions = context_.model.transformer.config().max_positions;
    std::erase_if(lengths, [&](const auto& length) { return length.tokens + suite_.max_tokens > positions; });
    for (RecallSuite::Length& length : lengths) {
      length.texts = context_.amount.scaled(length.texts);
      total_ += length.tokens * length.texts;
    }
    Table table{.title = "Recall by length of the prompt and place of the fact",
                .columns = {"tokens", "right", "first fifth", "second", "third", "fourth", "last fifth"},
                .rows = {}};
    for (const RecallSuite::Length& length : lengths) table.rows.push_back(row(length));
    return {table};
  }

 private:
  std::vector<Cell> row(const RecallSuite::Length& length) {
    Share all;
    std::array<Share, kFifths> fifths;
    for (std::int64_t text = 0; text < length.texts; ++text) {
      const RecallText made = make_text(length.tokens);
      const std::vector<Reply> replies = answers(made);
      for (std::size_t fact = 0; fact < replies.size(); ++fact) {
        const double depth = made.planted.depths[fact];
        const bool right = score((*made.facts)[fact], replies[fact], length.tokens, depth);
        all.count(right);
        fifths[std::min(static_cast<std::size_t>(depth * kFifths), kFifths - 1)].count(right);
      }
      done_ += length.tokens;
      context_.progress(share(0));
    }
    std::vector<Cell> cells{std::to_string(length.tokens), all};
    cells.insert(cells.end(), fifths.begin(), fifths.end());
    return cells;
  }

  // The next facts in the next piece of prose, of about as many tokens with the longest question.
  RecallText make_text(std::int64_t tokens) {
    const auto number = static_cast<std::size_t>(made_++);
    RecallText text;
    text.facts = &groups_[number % groups_.size()];
    std::size_t longest = 0;
    std::string sentences;
    for (const PlantedFact& fact : *text.facts) {
      sentences += " " + fact.sentence;
      longest = std::max(longest, encode(prompt_of("", fact.question)).size());
    }
    const auto besides = static_cast<std::int64_t>(longest + encode(sentences).size());
    text.planted = plant(carrier_.prose(mixed(number), std::max<std::int64_t>(1, tokens - besides)), *text.facts);
    for (const PlantedFact& fact : *text.facts)
      text.prompts.push_back(encode(prompt_of(text.planted.text, fact.question)));
    return text;
  }

  // One after the other, so that the engine finds what they have in common.
  std::vector<Reply> answers(const RecallText& text) {
    std::vector<Reply> replies;
    for (const auto& prompt : text.prompts) {
      replies.push_back(
          ask(context_.model, {{.prompt = prompt, .max_tokens = suite_.max_tokens}}, [](std::int64_t) {}).front());
      context_.progress(share(std::ssize(prompt) * std::ssize(replies) / std::ssize(text.prompts)));
    }
    return replies;
  }

  bool score(const PlantedFact& fact, const Reply& reply, std::int64_t tokens, double depth) {
    Answer answer;
    answer.content = reply.text;
    const bool right = passes(fact.check, answer);
    context_.log.add({{"part", "recall"},
                      {"tokens", std::to_string(tokens)},
                      {"depth", fmt::format("{:.3f}", depth)},
                      {"sentence", fact.sentence},
                      {"question", fact.question},
                      {"answer", reply.text},
                      {"expected", fact.expected}},
                     right);
    return right;
  }

  std::vector<std::int32_t> encode(const std::string& text) const { return context_.model.tokenizer.encode(text); }
  double share(std::int64_t read) const {
    return static_cast<double>(done_ + read) / static_cast<double>(std::max<std::int64_t>(total_, 1));
  }

  const RecallSuite& suite_;
  const PartContext& context_;
  Carrier carrier_;
  std::vector<FactGroup> groups_;
  std::int64_t made_ = 0;   // texts
  std::int64_t done_ = 0;   // tokens
  std::int64_t total_ = 0;  // tokens
};

}  // namespace

std::vector<Table> evaluate_recall(const RecallSuite& suite, const PartContext& context) {
  return Recall(suite, context).run();
}

}  // namespace fathom
