#include "fathom/evaluation/evaluation.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <chrono>

#include "fathom/evaluation/bits_per_byte.h"
#include "fathom/evaluation/dialogues.h"
#include "fathom/evaluation/fill_in_the_middle_score.h"
#include "fathom/evaluation/recall.h"

namespace fathom {
namespace {

std::vector<Table> evaluate_texts(const BitsPerByteSuite& suite, const PartContext& context) {
  Table table{.title = "Bits per byte of held-out text",
              .columns = {"text", "bits per byte", "bytes", "documents", "bytes per token"},
              .rows = {}};
  const auto texts = static_cast<double>(suite.texts.size());
  for (std::size_t index = 0; index < suite.texts.size(); ++index) {
    const NamedText& text = suite.texts[index];
    const TextFigures figures =
        measure_text(context.model, {.file = text.file, .window = suite.window, .documents = context.amount.limit},
                     [&](double share) { context.progress((static_cast<double>(index) + share) / texts); });
    table.rows.push_back({text.name, Number{figures.bits_per_byte(), 3}, Number{static_cast<double>(figures.bytes), 0},
                          Number{static_cast<double>(figures.documents), 0},
                          Number{static_cast<double>(figures.bytes) / static_cast<double>(figures.tokens), 2}});
  }
  return {table};
}

bool has(const Suite& suite, std::string_view part) {
  return part == "bits_per_byte" ? suite.bits_per_byte.has_value()
         : part == "dialogues"   ? suite.dialogues.has_value()
         : part == "recall"      ? suite.recall.has_value()
                                 : suite.fill_in_the_middle.has_value();
}

std::vector<Table> evaluate_part(std::string_view part, const Suite& suite, const PartContext& context) {
  if (part == "bits_per_byte") return evaluate_texts(*suite.bits_per_byte, context);
  if (part == "dialogues") return evaluate_dialogues(*suite.dialogues, context);
  if (part == "recall") return evaluate_recall(*suite.recall, context);
  return evaluate_fill_in_the_middle(*suite.fill_in_the_middle, context);
}

std::vector<std::string_view> chosen_parts(const Suite& suite, const std::vector<std::string>& only) {
  for (const std::string& part : only) {
    if (std::find(std::begin(kParts), std::end(kParts), part) == std::end(kParts))
      throw InputError("[evaluation] part \"{}\", expected one of: {}", part, fmt::join(kParts, ", "));
    if (!has(suite, part)) throw InputError("[evaluation] {} has no part {}", suite.file.string(), part);
  }
  std::vector<std::string_view> parts;
  for (const std::string_view part : kParts)
    if (has(suite, part) && (only.empty() || std::find(only.begin(), only.end(), part) != only.end()))
      parts.push_back(part);
  if (parts.empty())
    throw InputError("[evaluation] {} has none of the parts {}", suite.file.string(), fmt::join(kParts, ", "));
  return parts;
}

}  // namespace

std::vector<PartFigures> evaluate(const EvaluatedModel& model, const Suite& suite, const EvaluationOptions& options,
                                  AnswerLog& log, const EvaluationListener& listener) {
  std::vector<PartFigures> figures;
  for (const std::string_view part : chosen_parts(suite, options.only)) {
    const auto begin = std::chrono::steady_clock::now();
    const PartContext context{.model = model, .amount = options.amount, .log = log, .progress = [&](double share) {
                                listener.progress(part, share);
                              }};
    PartFigures found{.part = std::string(part), .seconds = 0.0, .tables = evaluate_part(part, suite, context)};
    found.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    listener.part(found);
    figures.push_back(std::move(found));
  }
  return figures;
}

}  // namespace fathom
