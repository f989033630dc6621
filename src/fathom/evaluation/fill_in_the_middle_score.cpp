#include "fathom/evaluation/fill_in_the_middle_score.h"

#include <algorithm>
#include <array>
#include <string>

#include "fathom/evaluation/bits_per_byte.h"
#include "fathom/evaluation/code_gaps.h"
#include "fathom/evaluation/edit_distance.h"

namespace fathom {
namespace {

// A gap is no longer than a line, so what goes on behind it is not compared.
std::string_view first_line(std::string_view text) {
  text = text.substr(0, text.find('\n'));
  return text.substr(0, text.find_last_not_of(" \t\r") + 1);
}

std::string_view name_of(GapKind kind) { return kind == GapKind::line ? "a line" : "the rest of a line"; }

struct GapScore {
  Share exact;
  Share stopped;
  double similarity = 0.0;  // summed
  double bits = 0.0;        // of the middles
  std::int64_t bytes = 0;   // likewise
};

std::vector<std::int32_t> prompt_of(const CodeGap& gap, const EvaluatedModel& model) {
  std::vector<std::int32_t> ids{static_cast<std::int32_t>(model.transformer.config().bos_token)};
  const std::array<std::pair<std::string_view, std::string_view>, 3> pieces = {
      {{"<｜fim▁begin｜>", gap.prefix}, {"<｜fim▁hole｜>", gap.suffix}, {"<｜fim▁end｜>", ""}}};
  for (const auto& [marker, text] : pieces) {
    const auto id = model.tokenizer.added_token(marker);
    if (!id) throw InputError("[evaluation] the tokenizer has no token {}, which fill-in-the-middle needs", marker);
    ids.push_back(*id);
    const auto encoded = model.tokenizer.encode(text);
    ids.insert(ids.end(), encoded.begin(), encoded.end());
  }
  return ids;
}

}  // namespace

std::vector<Table> evaluate_fill_in_the_middle(const FillInTheMiddleSuite& suite, const PartContext& context) {
  const std::vector<CodeGap> gaps =
      make_code_gaps({.file = suite.file, .samples = context.amount.scaled(suite.samples), .longest = suite.longest});
  std::array<GapScore, 2> scores;
  std::vector<Question> questions;
  for (const CodeGap& gap : gaps) {
    questions.push_back({.prompt = prompt_of(gap, context.model), .max_tokens = suite.max_tokens});
    GapScore& score = scores[static_cast<std::size_t>(gap.kind)];
    score.bits += bits_behind(context.model, questions.back().prompt, context.model.tokenizer.encode(gap.middle));
    score.bytes += std::ssize(gap.middle);
    context.progress(0.5 * static_cast<double>(questions.size()) / static_cast<double>(gaps.size()));
  }
  const std::vector<Reply> replies = ask(context.model, std::move(questions), [&](std::int64_t complete) {
    context.progress(0.5 + 0.5 * static_cast<double>(complete) / static_cast<double>(gaps.size()));
  });
  for (std::size_t index = 0; index < gaps.size(); ++index) {
    const CodeGap& gap = gaps[index];
    GapScore& score = scores[static_cast<std::size_t>(gap.kind)];
    const auto answer = first_line(replies[index].text);
    const auto expected = first_line(gap.middle);
    const bool right = answer == expected;
    score.exact.count(right);
    score.stopped.count(replies[index].stopped);
    score.similarity += edit_similarity(answer, expected);
    context.log.add({{"part", "fill_in_the_middle"},
                     {"prefix", gap.prefix},
                     {"suffix", gap.suffix},
                     {"answer", replies[index].text},
                     {"expected", gap.middle}},
                    right);
  }
  Table table{.title = "Fill in the middle of code",
              .columns = {"missing", "exact", "edit similarity", "stopped", "bits per byte"},
              .rows = {}};
  for (const GapKind kind : {GapKind::line, GapKind::rest_of_line}) {
    const GapScore& score = scores[static_cast<std::size_t>(kind)];
    const double mean = score.similarity / static_cast<double>(std::max<std::int64_t>(score.exact.of, 1));
    table.rows.push_back({std::string(name_of(kind)), score.exact, Number{mean, 3}, score.stopped,
                          Number{score.bits / static_cast<double>(std::max<std::int64_t>(score.bytes, 1)), 3}});
  }
  return {table};
}

}  // namespace fathom
