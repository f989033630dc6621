#include "fathom/evaluation/dialogue_sample.h"

#include <fmt/format.h>

#include "fathom/base/error.h"
#include "fathom/chat/message_json.h"
#include "fathom/corpus/text_documents.h"

namespace fathom {
namespace {

using Kind = JsonValue::Kind;

// Words, numbers and truths; lists and objects are written out.
std::string note_text(const JsonValue& value) {
  return value.is(Kind::string) || value.is(Kind::number) ? value.text : write_json(value);
}

}  // namespace

DialogueSample read_dialogue_sample(std::string_view json, std::string_view place) {
  const JsonValue line = read_json(json, place);
  DialogueSample sample;
  sample.request = read_chat_request(line);
  sample.tools = offered_tools(sample.request);
  const JsonField root(&line, "");
  const JsonField family = root.member("family");
  family.expect(Kind::string);
  sample.family = family.value().text;
  sample.check = read_check(root.member("check"));
  if (const JsonField expected = root.member("check").member("expected"); !expected.is_absent())
    sample.expected = write_json(expected.value());
  if (const JsonField note = root.member("note"); !note.is_none()) {
    note.expect(Kind::object);
    for (const JsonMember& member : note.value().members) sample.notes[member.key] = note_text(member.value);
  }
  return sample;
}

std::vector<DialogueSample> read_dialogue_samples(const std::filesystem::path& file, std::int64_t limit) {
  std::vector<DialogueSample> samples;
  TextLines lines(file);
  std::int64_t number = 0;
  for (std::string line; (limit == 0 || std::ssize(samples) < limit) && lines.next(line);) {
    ++number;
    if (line.find_first_not_of(" \t\r") == std::string::npos) continue;
    const std::string place = fmt::format("{}:{}", file.string(), number);
    try {
      samples.push_back(read_dialogue_sample(line, place));
    } catch (const InputError& error) {
      throw InputError("[evaluation] {}: {}", place, error.what());
    }
  }
  if (samples.empty()) throw InputError("[evaluation] {} holds no dialogue", file.string());
  return samples;
}

}  // namespace fathom
