#include "fathom/evaluation/suite.h"

#include "fathom/base/toml_section.h"

namespace fathom {
namespace {

using Need = TomlSection::Need;

constexpr std::int64_t kMostTokens = std::int64_t{1} << 24;
constexpr std::int64_t kMostSamples = std::int64_t{1} << 24;

BitsPerByteSuite read_bits_per_byte(TomlSection section) {
  BitsPerByteSuite suite;
  section.read("window", suite.window, 2, kMostTokens);
  for (TomlSection& entry : section.sections("texts", Need::required)) {
    NamedText text;
    entry.read("name", text.name, Need::required);
    entry.read("file", text.file, Need::required);
    entry.finish();
    suite.texts.push_back(text);
  }
  section.finish();
  return suite;
}

DialogueSuite read_dialogues(TomlSection section) {
  DialogueSuite suite;
  section.read("file", suite.file, Need::required);
  section.read("max_tokens", suite.max_tokens, 1, kMostTokens);
  for (TomlSection& entry : section.sections("by")) {
    DialogueSuite::Breakdown breakdown;
    entry.read("family", breakdown.family, Need::required);
    entry.read("note", breakdown.note, Need::required);
    entry.finish();
    suite.by.push_back(breakdown);
  }
  section.finish();
  return suite;
}

RecallSuite read_recall(TomlSection section) {
  RecallSuite suite;
  section.read("facts", suite.facts, Need::required);
  section.read("max_tokens", suite.max_tokens, 1, kMostTokens);
  for (TomlSection& entry : section.sections("carrier", Need::required)) {
    std::filesystem::path file;
    entry.read("file", file, Need::required);
    entry.finish();
    suite.carrier.push_back(file);
  }
  for (TomlSection& entry : section.sections("lengths", Need::required)) {
    RecallSuite::Length length;
    entry.read("tokens", length.tokens, 64, kMostTokens, Need::required);
    entry.read("texts", length.texts, 1, kMostSamples, Need::required);
    entry.finish();
    suite.lengths.push_back(length);
  }
  section.finish();
  return suite;
}

FillInTheMiddleSuite read_fill_in_the_middle(TomlSection section) {
  FillInTheMiddleSuite suite;
  section.read("file", suite.file, Need::required);
  section.read("samples", suite.samples, 1, kMostSamples);
  section.read("longest", suite.longest, 256, kMostTokens);
  section.read("max_tokens", suite.max_tokens, 1, kMostTokens);
  section.finish();
  return suite;
}

}  // namespace

Suite load_suite(const std::filesystem::path& file) {
  TomlSection root = TomlSection::load("evaluation", file);
  Suite suite;
  suite.file = file;
  if (root.has("bits_per_byte")) suite.bits_per_byte = read_bits_per_byte(root.section("bits_per_byte"));
  if (root.has("dialogues")) suite.dialogues = read_dialogues(root.section("dialogues"));
  if (root.has("recall")) suite.recall = read_recall(root.section("recall"));
  if (root.has("fill_in_the_middle"))
    suite.fill_in_the_middle = read_fill_in_the_middle(root.section("fill_in_the_middle"));
  root.finish();
  return suite;
}

}  // namespace fathom
