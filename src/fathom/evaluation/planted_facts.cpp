#include "fathom/evaluation/planted_facts.h"

#include <fmt/format.h>

#include <algorithm>

#include "fathom/base/error.h"
#include "fathom/corpus/text_documents.h"
#include "fathom/evaluation/carrier.h"

namespace fathom {
namespace {

std::string text_of(const JsonField& field) {
  field.expect(JsonValue::Kind::string);
  if (field.value().text.empty()) field.fail("a text that is not empty");
  return field.value().text;
}

FactGroup read_fact_group(std::string_view line, std::string_view place) {
  const JsonValue json = read_json(line, place);
  const JsonField facts = JsonField(&json, "").member("facts");
  facts.expect(JsonValue::Kind::array);
  FactGroup group;
  for (const JsonField& fact : facts.elements()) {
    fact.expect(JsonValue::Kind::object);
    const JsonField check = fact.member("check");
    group.push_back(
        {.sentence = text_of(fact.member("sentence")),
         .question = text_of(fact.member("question")),
         .check = read_check(check),
         .expected = check.member("expected").is_absent() ? "" : write_json(check.member("expected").value())});
  }
  if (group.empty()) facts.fail("one fact or more");
  return group;
}

// The place nearest to `wanted` among those from `least` on.
std::size_t nearest(const std::vector<std::size_t>& places, std::size_t wanted, std::size_t least) {
  std::size_t best = least;
  bool found = false;
  for (const std::size_t place : places) {
    if (place < least) continue;
    const auto distance = [&](std::size_t one) { return one > wanted ? one - wanted : wanted - one; };
    if (!found || distance(place) < distance(best)) best = place;
    found = true;
  }
  return best;
}

}  // namespace

std::vector<FactGroup> read_fact_groups(const std::filesystem::path& file) {
  std::vector<FactGroup> groups;
  TextLines lines(file);
  std::int64_t number = 0;
  for (std::string line; lines.next(line);) {
    ++number;
    if (line.find_first_not_of(" \t\r") == std::string::npos) continue;
    const std::string place = fmt::format("{}:{}", file.string(), number);
    try {
      groups.push_back(read_fact_group(line, place));
    } catch (const InputError& error) {
      throw InputError("[evaluation] {}: {}", place, error.what());
    }
  }
  if (groups.empty()) throw InputError("[evaluation] {} holds no facts", file.string());
  return groups;
}

PlantedText plant(const std::string& prose, const FactGroup& facts) {
  std::vector<std::size_t> places = sentence_ends(prose);
  places.push_back(prose.size());
  PlantedText planted;
  std::vector<std::size_t> begins;
  std::size_t copied = 0;
  for (std::size_t fact = 0; fact < facts.size(); ++fact) {
    const std::size_t wanted = prose.size() * (2 * fact + 1) / (2 * facts.size());
    const std::size_t place = nearest(places, wanted, copied);
    planted.text.append(prose, copied, place - copied);
    copied = place;
    const bool joined = !planted.text.empty() && planted.text.back() != ' ' && planted.text.back() != '\n';
    if (joined) planted.text += ' ';
    begins.push_back(planted.text.size());
    planted.text += facts[fact].sentence;
    if (place < prose.size()) planted.text += ' ';
  }
  planted.text.append(prose, copied, prose.size() - copied);
  for (const std::size_t begin : begins)
    planted.depths.push_back(static_cast<double>(begin) / static_cast<double>(planted.text.size()));
  return planted;
}

}  // namespace fathom
