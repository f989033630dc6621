#include "fathom/tokenizer/tokenizer_json.h"

#include <simdjson.h>

#include <array>

#include "fathom/base/error.h"
#include "fathom/tokenizer/split_patterns.h"

namespace fathom {
namespace {

using simdjson::dom::element;

// A value with its place in the file, so that every message can say where it stands.
class Field {
 public:
  Field(element value, std::string path, std::string_view place)
      : value_(value), path_(std::move(path)), place_(place) {}

  Field at(std::string_view key) const {
    element found;
    if (object().at_key(key).get(found) != simdjson::SUCCESS)
      throw InputError("[tokenizer] {}: {} is missing", place_, child(key));
    return {found, child(key), place_};
  }
  bool has(std::string_view key) const {
    element found;
    return object().at_key(key).get(found) == simdjson::SUCCESS && !found.is_null();
  }
  bool flag(std::string_view key, bool otherwise) const {
    if (!has(key)) return otherwise;
    bool found = false;
    const Field field = at(key);
    if (field.value_.get(found) != simdjson::SUCCESS) field.wrong("true or false");
    return found;
  }
  std::string_view text() const {
    std::string_view found;
    if (value_.get(found) != simdjson::SUCCESS) wrong("a string");
    return found;
  }
  simdjson::dom::array list() const {
    simdjson::dom::array found;
    if (value_.get(found) != simdjson::SUCCESS) wrong("a list");
    return found;
  }
  simdjson::dom::object object() const {
    simdjson::dom::object found;
    if (value_.get(found) != simdjson::SUCCESS) wrong("an object");
    return found;
  }
  std::int32_t id() const {
    std::int64_t found = 0;
    if (value_.get(found) != simdjson::SUCCESS || found < 0 || found >= kTokenLimit)
      wrong(fmt::format("an id from 0 to {}", kTokenLimit - 1));
    return static_cast<std::int32_t>(found);
  }
  Field item(element value, std::size_t index) const { return {value, fmt::format("{}[{}]", path_, index), place_}; }
  Field entry(simdjson::dom::key_value_pair pair) const { return {pair.value, child(pair.key), place_}; }

  void expect(std::string_view expected) const {
    if (text() != expected) wrong(fmt::format("\"{}\"", expected));
  }
  [[noreturn]] void wrong(std::string_view expected) const {
    std::string found = simdjson::minify(value_);
    constexpr std::size_t kShown = 300;
    if (found.size() > kShown) found = found.substr(0, kShown) + "...";
    throw InputError("[tokenizer] {}: {}: found {}, expected {}", place_, path_, found, expected);
  }

 private:
  std::string child(std::string_view key) const {
    return path_.empty() ? std::string(key) : fmt::format("{}.{}", path_, key);
  }

  element value_;
  std::string path_;
  std::string_view place_;
};

void check_normalizer(const Field& root) {
  if (!root.has("normalizer")) return;
  const Field normalizer = root.at("normalizer");
  if (!normalizer.has("type") || normalizer.at("type").text() != "Sequence" || !normalizer.has("normalizers") ||
      normalizer.at("normalizers").list().size() != 0)
    normalizer.wrong("none, or an empty Sequence");
}

void check_split(const Field& split, std::string_view expected) {
  split.at("type").expect("Split");
  const Field pattern = split.at("pattern").at("Regex");
  if (!same_split_pattern(pattern.text(), expected)) pattern.wrong(fmt::format("the pattern {}", expected));
  split.at("behavior").expect("Isolated");
  if (split.flag("invert", false)) split.at("invert").wrong("false");
}

void check_pre_tokenizer(const Field& root) {
  const Field sequence = root.at("pre_tokenizer");
  sequence.at("type").expect("Sequence");
  const Field steps = sequence.at("pretokenizers");
  const auto patterns = split_patterns();
  if (steps.list().size() != patterns.size() + 1)
    steps.wrong(fmt::format("the DeepSeek family's {} steps: its split patterns and ByteLevel", patterns.size() + 1));
  std::size_t index = 0;
  for (const element value : steps.list()) {
    const Field step = steps.item(value, index);
    if (index < patterns.size()) {
      check_split(step, patterns[index]);
    } else {
      step.at("type").expect("ByteLevel");
      for (const std::string_view key : {"add_prefix_space", "use_regex"})
        if (step.flag(key, true)) step.wrong(fmt::format("{} false", key));
    }
    ++index;
  }
}

void check_model(const Field& model) {
  model.at("type").expect("BPE");
  for (const std::string_view key : {"continuing_subword_prefix", "end_of_word_suffix"})
    if (model.has(key) && !model.at(key).text().empty()) model.at(key).wrong("none");
  if (model.has("dropout")) model.at("dropout").wrong("none");
  if (model.flag("ignore_merges", false)) model.at("ignore_merges").wrong("false");
}

// A Field is made only for a message: there are 128,000 merges, and as many tokens.
std::pair<std::string_view, std::string_view> read_merge(const Field& merges, element value, std::size_t index) {
  std::string_view text;
  if (value.get(text) == simdjson::SUCCESS) {
    const std::size_t space = text.find(' ');
    if (space == text.npos || text.find(' ', space + 1) != text.npos)
      merges.item(value, index).wrong("two tokens with one space between");
    return {text.substr(0, space), text.substr(space + 1)};
  }
  simdjson::dom::array halves;
  std::string_view left;
  std::string_view right;
  if (value.get(halves) != simdjson::SUCCESS || halves.size() != 2 || halves.at(0).get(left) != simdjson::SUCCESS ||
      halves.at(1).get(right) != simdjson::SUCCESS)
    merges.item(value, index).wrong("a string or a list of two tokens");
  return {left, right};
}

void read_vocab(const Field& vocab, TokenizerJson& result) {
  for (const auto pair : vocab.object()) {
    std::int64_t id = 0;
    if (pair.value.get(id) != simdjson::SUCCESS || id < 0 || id >= kTokenLimit) id = vocab.entry(pair).id();
    result.vocab.emplace_back(pair.key, static_cast<std::int32_t>(id));
  }
}

void read_model(const Field& model, TokenizerJson& result) {
  check_model(model);
  read_vocab(model.at("vocab"), result);
  const Field merges = model.at("merges");
  const simdjson::dom::array list = merges.list();
  std::size_t index = 0;
  for (const element value : list) {
    if (static_cast<std::int64_t>(index) >= kTokenLimit)
      merges.item(value, index).wrong(fmt::format("{} merges at most", kTokenLimit));
    result.merges.push_back(read_merge(merges, value, index));
    ++index;
  }
}

AddedToken read_added(const Field& field) {
  AddedToken token;
  token.id = field.at("id").id();
  token.content = field.at("content").text();
  if (token.content.empty() || token.content.size() > kAddedTokenBytes)
    field.at("content").wrong(fmt::format("1 to {} bytes", kAddedTokenBytes));
  token.single_word = field.flag("single_word", false);
  token.lstrip = field.flag("lstrip", false);
  token.rstrip = field.flag("rstrip", false);
  token.special = field.flag("special", false);
  token.normalized = field.flag("normalized", !token.special);
  return token;
}

}  // namespace

TokenizerJson read_tokenizer_json(std::string_view json, std::string_view place) {
  const auto parser = std::make_shared<simdjson::dom::parser>();
  element document;
  if (const auto error = parser->parse(simdjson::padded_string(json)).get(document); error != simdjson::SUCCESS)
    throw InputError("[tokenizer] {}: not JSON: {}", place, simdjson::error_message(error));
  const Field root(document, "", place);
  check_normalizer(root);
  check_pre_tokenizer(root);
  root.at("decoder").at("type").expect("ByteLevel");
  TokenizerJson result;
  result.document = parser;
  read_model(root.at("model"), result);
  if (root.has("added_tokens")) {
    const Field added = root.at("added_tokens");
    std::size_t index = 0;
    for (const element value : added.list()) result.added.push_back(read_added(added.item(value, index++)));
  }
  return result;
}

}  // namespace fathom
