// Any bytes as a JSON schema: it compiles or is an InputError; random tokens that its masks allow come to an answer,
// which as AnswerParser reads it fits the schema by a validator that knows nothing of the compiler. The first byte says
// whether the schema is an answer's or a strict tool's, and seeds the walk.
#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "fathom/base/error.h"
#include "fathom/chat/answer_parser.h"
#include "fathom/chat/json_text.h"
#include "fathom/grammar/constraint.h"
#include "tests/grammar/schema_check_support.h"

namespace {

using namespace fathom;           // NOLINT(google-build-using-namespace): one program
using namespace fathom::grammar;  // NOLINT(google-build-using-namespace)

constexpr std::int32_t kEnd = 1;
constexpr int kHurry = 60;
constexpr int kMostTokens = 600;

const Tokenizer& tokenizer() {
  static const Tokenizer one = Tokenizer::load(FATHOM_SOURCE "/models/minnow/tokenizer.json");
  return one;
}

// The bytes as choices; at their end all are the first.
class Choices {
 public:
  explicit Choices(std::string_view bytes) : bytes_(bytes) {}

  std::size_t of(std::size_t count) {
    if (at_ == bytes_.size()) return 0;
    return static_cast<unsigned char>(bytes_[at_++]) % count;
  }
  template <std::size_t count>
  std::string_view of(const std::string_view (&all)[count]) {
    return all[of(count)];
  }

 private:
  std::string_view bytes_;
  std::size_t at_ = 0;
};

constexpr std::string_view kNames[] = {"a", "b",         "ab",       "a b", "\\n\\\"", "é",
                                       "",  "arguments", "｜DSML｜", "<",   "a\\u0000"};
constexpr std::string_view kNumbers[] = {"0",   "1",  "-1",  "2",     "3",   "7",     "10",
                                         "-25", "99", "0.5", "-0.25", "1e2", "100000"};
constexpr std::string_view kCounts[] = {"0", "1", "2", "3", "5", "40"};
constexpr std::string_view kPatterns[] = {"^a+$",       "b|c",       "^[a-c]{2,4}$", "^(ab|a)*$", "x.?y",
                                          "^\\\\d{3}-", "[^\\\\w]$", "^$",           "(a|aa)+b?", "\\\\.\\\\s*"};
constexpr std::string_view kValues[] = {
    "null",          "true",         "1",      "-0.5",          "\"\"", "\"a\"",   "\"ab\"", "[]", "[1, 2]", "{}",
    "{\"a\": null}", "\"</think>\"", "\"｜\"", "\"<｜DSML｜\"", "1e5",  "\"\\n\"", "[[]]"};

std::string schema_of(Choices& choices, int depth);

std::string list_of(Choices& choices, int depth) {
  std::string out = "[";
  for (std::size_t count = choices.of(3) + 1; count > 0; --count)
    out += schema_of(choices, depth + 1) + (count > 1 ? ", " : "");
  return out + "]";
}

std::string values_of(Choices& choices) {
  std::string out = "[";
  for (std::size_t count = choices.of(4) + 1; count > 0; --count)
    out += std::string(choices.of(kValues)) + (count > 1 ? ", " : "");
  return out + "]";
}

std::string number_schema(Choices& choices) {
  std::string out = choices.of(2) == 0 ? R"({"type": "integer")" : R"({"type": "number")";
  for (const char* keyword : {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"})
    if (choices.of(3) == 1) out += ", \"" + std::string(keyword) + "\": " + std::string(choices.of(kNumbers));
  if (choices.of(4) == 1) out += ", \"multipleOf\": " + std::string(choices.of(kNumbers));
  return out + "}";
}

std::string string_schema(Choices& choices) {
  std::string out = R"({"type": "string")";
  switch (choices.of(4)) {
    case 1: out += ", \"pattern\": \"" + std::string(choices.of(kPatterns)) + "\""; break;
    case 2: out += ", \"minLength\": " + std::string(choices.of(kCounts)); break;
    case 3: out += ", \"maxLength\": " + std::string(choices.of(kCounts)); break;
    default: break;
  }
  return out + "}";
}

std::string array_schema(Choices& choices, int depth) {
  std::string out = R"({"type": "array", "items": )" + schema_of(choices, depth + 1);
  if (choices.of(3) == 1) out += ", \"minItems\": " + std::string(choices.of(kCounts));
  if (choices.of(3) == 1) out += ", \"maxItems\": " + std::string(choices.of(kCounts));
  return out + "}";
}

std::string object_schema(Choices& choices, int depth) {
  std::string properties, required;
  std::vector<std::string_view> names;
  for (std::size_t count = choices.of(4); count > 0; --count) {
    const std::string_view name = choices.of(kNames);
    if (std::find(names.begin(), names.end(), name) != names.end()) continue;
    names.push_back(name);
    properties += (properties.empty() ? "\"" : ", \"") + std::string(name) + "\": " + schema_of(choices, depth + 1);
    if (choices.of(2) == 1) required += (required.empty() ? "\"" : ", \"") + std::string(name) + "\"";
  }
  std::string out = R"({"type": "object", "properties": {)" + properties + R"(}, "required": [)" + required + "]";
  switch (choices.of(3)) {
    case 1: out += R"(, "additionalProperties": false)"; break;
    case 2: out += ", \"additionalProperties\": " + schema_of(choices, depth + 1); break;
    default: break;
  }
  return out + "}";
}

std::string schema_of(Choices& choices, int depth) {
  switch (choices.of(depth > 4 ? 6 : 12)) {
    case 0: return "{}";
    case 1: return R"({"type": ["null", "boolean", "string"]})";
    case 2: return number_schema(choices);
    case 3: return string_schema(choices);
    case 4: return "{\"enum\": " + values_of(choices) + "}";
    case 5: return "{\"const\": " + std::string(choices.of(kValues)) + "}";
    case 6:
    case 7: return object_schema(choices, depth);
    case 8: return array_schema(choices, depth);
    case 9: return "{\"anyOf\": " + list_of(choices, depth) + "}";
    case 10: return "{\"oneOf\": " + list_of(choices, depth) + "}";
    default: return R"({"$ref": "#"})";
  }
}

// Past `kHurry` tokens what closes something is taken where it may come.
std::int32_t choose(const std::vector<std::int32_t>& tokens, int count, std::mt19937& random) {
  if (count > kHurry || random() % 3 == 0) {
    if (std::binary_search(tokens.begin(), tokens.end(), kEnd)) return kEnd;
    const bool in_text = std::binary_search(tokens.begin(), tokens.end(), tokenizer().encode("q").front());
    for (const std::string_view close : {"}", "]", "\"", "</", ">"}) {
      if (in_text && close != "\"" && close != "</") continue;
      const std::int32_t token = tokenizer().encode(close).front();
      if (std::binary_search(tokens.begin(), tokens.end(), token)) return token;
    }
    const auto dsml = tokenizer().added_token("｜DSML｜");
    if (std::binary_search(tokens.begin(), tokens.end(), *dsml)) return *dsml;
  }
  return tokens[random() % tokens.size()];
}

std::optional<std::string> random_answer(TokenConstraint& constraint, std::mt19937& random) {
  std::string text;
  std::vector<std::uint32_t> mask(static_cast<std::size_t>(tokenizer().vocab() + 31) / 32);
  std::vector<std::int32_t> tokens;
  for (int count = 0; count < kMostTokens; ++count) {
    constraint.allowed(mask);
    tokens.clear();
    for (std::int32_t token = 0; token < tokenizer().vocab(); ++token)
      if (mask[static_cast<std::size_t>(token) / 32] >> (token % 32) & 1) tokens.push_back(token);
    check(!tokens.empty(), "some token may come");
    const std::int32_t token = choose(tokens, count, random);
    constraint.accept(token);
    if (token == kEnd) return text;
    text += tokenizer().piece(token);
  }
  return std::nullopt;
}

void check_fit(const std::string& json, const std::string& schema) {
  check(is_json(json), "an answer is JSON: " + json);
  const JsonValue root = read_json(schema, "schema");
  const std::string why = misfit(read_json(json, "answer"), root, root);
  check(why.empty(), "an answer fits its schema: " + why + " in " + json + " of " + schema);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static ConstraintMaker maker(tokenizer());
  if (size == 0) return 0;
  Choices choices(std::string_view(reinterpret_cast<const char*>(data) + 1, size - 1));
  const bool tool = (data[0] & 1) != 0;
  const std::string schema = tool ? object_schema(choices, 0) : schema_of(choices, 0);
  ConstraintPlan plan{.answer = ConstraintPlan::Answer::json_schema, .schema = schema};
  if (tool) plan = {.tools = {{"f", schema, true}}, .choice = ConstraintPlan::Choice::required};
  std::shared_ptr<TokenConstraint> constraint;
  try {
    constraint = maker.make(plan);
  } catch (const InputError&) {
    return 0;
  }
  std::mt19937 random(data[0]);
  const std::optional<std::string> text = random_answer(*constraint, random);
  if (!text) return 0;
  Tool offered;
  offered.name = "f";
  if (const JsonValue root = read_json(schema, "schema"); tool && root.find("properties"))
    for (const JsonMember& property : root.find("properties")->members) offered.parameters.push_back(property.key);
  AnswerParser parser(
      {.thinking_mode = ThinkingMode::chat, .tools_offered = tool, .calls_in_thinking = false, .tools = {offered}});
  parser.feed(*text);
  parser.finish();
  if (!tool) {
    check_fit(parser.answer().content, schema);
    return 0;
  }
  check(!parser.answer().calls.empty(), "a call: " + *text);
  for (const AnswerCall& call : parser.answer().calls) check_fit(call.arguments, schema);
  return 0;
}
