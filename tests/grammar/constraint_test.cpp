#include "fathom/grammar/constraint.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <thread>

#include "fathom/base/error.h"
#include "tests/grammar/grammar_support.h"

namespace fathom::grammar {
namespace {

constexpr std::string_view kSchemas[] = {
    R"({"type": "object"})",
    R"({})",
    R"({"type": "object", "properties": {"name": {"type": "string"}, "age": {"type": "integer"}},
        "required": ["name", "age"], "additionalProperties": false})",
    R"({"type": "object", "properties": {"a": {"type": "boolean"}, "b": {"type": "null"}, "a b\"\n": {"type": "number"},
        "é": {"enum": [1, "x", null, [1, {"k": "}\n"}], {}]}}, "required": ["b"]})",
    R"({"type": ["array", "null"], "items": {"type": ["string", "integer"]}, "minItems": 2, "maxItems": 4})",
    R"({"type": "array", "items": {"type": "array", "items": {"type": "boolean"}, "minItems": 1}})",
    R"({"type": "string", "pattern": "^[a-c]{2,4}(x|\\d+\\.)?$"})",
    R"({"type": "string", "pattern": "b\"+\\\\"})",
    R"({"type": "string", "minLength": 3, "maxLength": 5})",
    R"({"type": "string", "minLength": 2})",
    R"({"type": "integer", "minimum": -12, "maximum": 105})",
    R"({"type": "integer", "exclusiveMinimum": 8, "multipleOf": 7})",
    R"({"type": "number", "minimum": 0.25, "exclusiveMaximum": 10})",
    R"({"type": "number", "multipleOf": 0.05, "maximum": 3})",
    R"({"type": "object", "properties": {"aa": {"type": "integer"}, "ab": {"type": "integer"}},
        "additionalProperties": {"type": "string"}})",
    R"({"type": "object", "additionalProperties": {"type": "array", "items": {"type": "null"}}})",
    R"({"$defs": {"node": {"type": "object", "properties": {"value": {"type": "integer"},
        "next": {"anyOf": [{"type": "null"}, {"$ref": "#/$defs/node"}]}}, "required": ["value", "next"]}},
        "$ref": "#/$defs/node"})",
    R"({"type": "object", "properties": {"children": {"type": "array", "items": {"$ref": "#"}}}})",
    R"({"anyOf": [{"type": "string", "format": "date"}, {"const": {"a": [1, 2]}}, {"type": "integer"}]})",
    R"({"oneOf": [{"type": "object", "properties": {"kind": {"const": "a"}, "x": {"type": "integer"}}, "required": ["kind", "x"]},
        {"type": "object", "properties": {"kind": {"const": "ab"}, "y": {"type": "string"}}, "required": ["kind", "y"]}]})"};

TEST(Constraint, RandomAnswersFitTheirSchema) {
  std::mt19937 random(1);
  for (const std::string_view text : kSchemas) {
    if (text == kSchemas[7]) continue;  // chance does not find what it must hold
    const JsonValue schema = read_json(text, "schema");
    for (int round = 0; round < 25; ++round) {
      const auto constraint = small_maker().make(schema_plan(text));
      const std::string answer = random_answer(*constraint, small_tokenizer(), random);
      ASSERT_TRUE(is_json(answer)) << text << "\n" << answer;
      ASSERT_EQ(misfit(read_json(answer, "answer"), schema, schema), "") << text << "\n" << answer;
      // However it is cut into tokens.
      EXPECT_TRUE(takes(*small_maker().make(schema_plan(text)), small_tokenizer(), answer, Cut::tokens)) << answer;
      const bool bytes =
          round >= 3 || takes(*small_maker().make(schema_plan(text)), small_tokenizer(), answer, Cut::bytes);
      EXPECT_TRUE(bytes) << answer;
    }
  }
}

TEST(Constraint, RandomAnswersOfTheLargeVocabulary) {
  std::mt19937 random(2);
  for (const std::string_view text : {kSchemas[0], kSchemas[3], kSchemas[14], kSchemas[16]}) {
    const JsonValue schema = read_json(text, "schema");
    for (int round = 0; round < 4; ++round) {
      const auto constraint = large_maker().make(schema_plan(text));
      const std::string answer = random_answer(*constraint, large_tokenizer(), random, 60);
      ASSERT_TRUE(is_json(answer)) << text << "\n" << answer;
      ASSERT_EQ(misfit(read_json(answer, "answer"), schema, schema), "") << text << "\n" << answer;
    }
  }
}

// What the masks keep for reuse must say what a fresh walk says of every token.
TEST(Constraint, MasksAgreeWithWhatIsAccepted) {
  std::mt19937 random(3);
  for (const std::string_view text : kSchemas) {
    const auto constraint = small_maker().make(schema_plan(text));
    std::vector<std::int32_t> prefix;
    for (int step = 0; step < 12; ++step) {
      const std::vector<std::int32_t> tokens = allowed_tokens(*constraint, small_tokenizer());
      for (int probe = 0; probe < 40; ++probe) {
        const std::int32_t token = probe % 2 == 0 ? tokens[random() % tokens.size()]
                                                  : static_cast<std::int32_t>(random() % small_tokenizer().vocab());
        const auto fresh = small_maker().make(schema_plan(text));
        for (const std::int32_t before : prefix) fresh->accept(before);
        bool accepted = true;
        try {
          fresh->accept(token);
        } catch (const InternalError&) {
          accepted = false;
        }
        ASSERT_EQ(accepted, std::binary_search(tokens.begin(), tokens.end(), token))
            << text << "\n"
            << small_tokenizer().decode(prefix) << " then " << small_tokenizer().piece(token);
      }
      prefix.push_back(tokens[random() % tokens.size()]);
      if (prefix.back() == kEnd) break;
      constraint->accept(prefix.back());
    }
  }
}

TEST(Constraint, TakesEveryDocumentThatFits) {
  const std::vector<std::pair<std::string_view, std::vector<std::string_view>>> documents = {
      {"{}",
       {"null", " true", "\"\\ud83d\\ude00 \\u00e9 \\/ é 😀 ｜\"", "-0.5e+10", "[[[]],{}]",
        "{\"a\":{\"a\":[1 , 2]}}\n"}},
      {kSchemas[2],
       {R"({"name":"x","age":3})", "{\n  \"name\": \"\\\"}\\n\",\n  \"age\": -12\n}", R"({ "name": "", "age": 0 })"}},
      {kSchemas[3], {R"({"b":null})", R"({"a": true, "b": null, "a b\"\n": 1.5e3, "é": [1,{"k":"}\n"}]})"}},
      {kSchemas[4], {"null", R"(["a", 1])", R"([1,2,3,"4"])"}},
      {kSchemas[6], {"\"ab\"", "\"abcax\"", "\"cc007.\""}},
      {kSchemas[7], {R"("b\"\\")", R"("ab\"\"\\é")"}},
      {kSchemas[8], {"\"abc\"", "\"é😀\\n\"", "\"12345\""}},
      {kSchemas[10], {"-12", "0", "105", "99", "-1", "100"}},
      {kSchemas[11], {"14", "700", "21"}},
      {kSchemas[12], {"0.25", "9.999", "1", "0.3"}},
      {kSchemas[13], {"-4.15", "0.05", "3", "3.0", "0"}},
      {kSchemas[14], {R"({"aa":1,"ac":"x","a":"y","aab":"","":""})", R"({"ab":2})"}},
      {kSchemas[16], {R"({"value":1,"next":{"value":2,"next":null}})"}},
      {kSchemas[17], {"{}", R"({"children":[{},{"children":[]}]})"}},
      {kSchemas[18], {"\"2024-02-29\"", R"({ "a" : [1,2]})", "7"}},
      {kSchemas[19], {R"({"kind":"a","x":1})", R"({"kind":"ab","y":""})"}}};
  for (const auto& [schema, values] : documents)
    for (const std::string_view value : values)
      EXPECT_TRUE(takes(small_maker(), schema_plan(schema), small_tokenizer(), value)) << schema << "\n" << value;
}

TEST(Constraint, RefusesWhatDoesNotFit) {
  const std::vector<std::pair<std::string_view, std::vector<std::string_view>>> documents = {
      {"{}",
       {"", "nul", "tru e", "\"a\nb\"", "\"\\x\"", "\"\\ud83d\"", "\"\\ude00\"", "01", "1.", "[1,]", "{,}", "{\"a\"}",
        "NaN", "{} {}", "\"\xff\"", "\"\xed\xa0\x80\"", "\"\xc0\xaf\""}},
      {kSchemas[2],
       {R"({"name":"x"})", R"({"age":1,"name":"x"})", R"({"name":"x","age":1.0})", R"({"name":"x","age":1,})",
        R"({"name":"x","age":1,"z":1})"}},
      {kSchemas[4], {"[]", "[1]", "[1,2,3,4,5]", "[1,true]"}},
      {kSchemas[6], {"\"a\"", "\"abcabc\"", "\"aby\""}},
      {kSchemas[8], {"\"é😀\"", "\"123456\"", "3"}},
      {kSchemas[10], {"-13", "106", "1000", "-0", "00", "1.0", "1e1"}},
      {kSchemas[11], {"7", "0", "15", "-14"}},
      {kSchemas[12], {"0.2", "10", "10.0", "-1", "0.24999"}},
      {kSchemas[13], {"3.05", "0.01", "0.051"}},
      {kSchemas[14], {R"({"aa":"x"})", R"({"ab":1,"aa":1})", R"({"\u0061a":"x"})"}},
      {kSchemas[18], {"\"2023-02-29\"", "\"2024-13-01\"", R"({"a":[1,3]})"}}};
  for (const auto& [schema, values] : documents)
    for (const std::string_view value : values)
      EXPECT_FALSE(takes(small_maker(), schema_plan(schema), small_tokenizer(), value)) << schema << "\n" << value;
}

TEST(Constraint, JsonObjectIsOneObject) {
  const ConstraintPlan plan{.answer = ConstraintPlan::Answer::json_object};
  for (const std::string_view text : {"{}", "\n{\"a\": [1, \"b\"]}", "{\"a\":{}}\n"})
    EXPECT_TRUE(takes(small_maker(), plan, small_tokenizer(), text)) << text;
  for (const std::string_view text : {"[]", "1", "", "{}{}", "```json\n{}\n```"})
    EXPECT_FALSE(takes(small_maker(), plan, small_tokenizer(), text)) << text;
}

TEST(Constraint, ReasoningIsFreeButMustEnd) {
  const ConstraintPlan plan{.answer = ConstraintPlan::Answer::json_object, .thinking = true};
  EXPECT_TRUE(takes(small_maker(), plan, small_tokenizer(), "Let me see: {{{ <</think>{\"a\": 1}"));
  EXPECT_FALSE(takes(small_maker(), plan, small_tokenizer(), "no end"));
  EXPECT_FALSE(takes(small_maker(), plan, small_tokenizer(), "a</think>b"));
}

TEST(Constraint, NestingHasALimitAndAWayOut) {
  const auto constraint = small_maker().make(schema_plan("{}"));
  const std::int32_t open = small_tokenizer().encode("[").front(), shut = small_tokenizer().encode("]").front();
  int depth = 0;
  for (; allows(*constraint, small_tokenizer(), open) && depth < 2000; ++depth) constraint->accept(open);
  EXPECT_GT(depth, 60);
  EXPECT_LT(depth, 900);
  for (; depth > 0; --depth) {
    ASSERT_TRUE(allows(*constraint, small_tokenizer(), shut)) << depth;
    constraint->accept(shut);
  }
  EXPECT_TRUE(allows(*constraint, small_tokenizer(), kEnd));
}

TEST(Constraint, AlikeAlternativesStayWithinBounds) {
  const ConstraintPlan plan = schema_plan(
      R"({"anyOf": [{"type": "object", "properties": {"a": {"$ref": "#"}}, "required": ["a"]},
                    {"type": "object", "properties": {"a": {"$ref": "#"}, "b": {"type": "null"}}, "required": ["a"]},
                    {"type": "null"}]})");
  const auto constraint = small_maker().make(plan);
  std::string text;
  for (int depth = 0; depth < 40; ++depth) text += "{\"a\":";
  text += "null" + std::string(40, '}');
  EXPECT_TRUE(takes(*constraint, small_tokenizer(), text, Cut::tokens));
}

TEST(Constraint, OneMakerServesManyThreads) {
  ConstraintMaker maker(small_tokenizer());
  std::vector<std::thread> threads;
  std::atomic<int> taken{0};
  for (int thread = 0; thread < 4; ++thread)
    threads.emplace_back([&, thread] {
      for (int round = 0; round < 40; ++round) {
        const int size = (thread + round) % 35 + 1;
        const auto constraint = maker.make(schema_plan(
            "{\"type\": \"array\", \"items\": {\"type\": \"string\"}, \"maxItems\": " + std::to_string(size) + "}"));
        taken += takes(*constraint, small_tokenizer(), R"(["a thread"])", Cut::tokens);
      }
    });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(taken, 160);
}

// Long answers pass what a walk keeps of sets and masks.
TEST(Constraint, ForgettingChangesNothing) {
  std::string text = "[";
  for (int item = 0; item < 300; ++item)
    text += (item > 0 ? ",\n " : "") + std::string("{\"a") + std::to_string(item) + "\": [" +
            std::to_string(item * 37) + ", \"x\"]}";
  std::string deep;
  for (int depth = 0; depth < 60; ++depth) deep += "{\"k\": [ 1.5, ";
  text += "," + deep + "{}";
  for (int depth = 0; depth < 60; ++depth) text += "]}";
  text += "]";
  const auto constraint = small_maker().make(schema_plan("{}"));
  EXPECT_TRUE(takes(*constraint, small_tokenizer(), text, Cut::tokens));
}

TEST(Constraint, SaysWhatItCannotObey) {
  const std::vector<std::pair<std::string, std::string_view>> faults = {
      {R"({"not": {}})", "\"not\""},
      {R"({"type": "object", "properties": {"a": {"type": "text"}}})", "schema/properties/a/type"},
      {R"({"type": "string", "pattern": "(?=a)b"})", "look-around"},
      {R"({"type": "string", "pattern": "a\\1"})", "\\1"},
      {R"#({"type": "string", "pattern": "(((a{5000}){5000}){5000}){5000}"})#", "states"},
      {R"({"type": "string", "pattern": "[z-a]"})", "backwards"},
      {R"({"type": "string", "pattern": "("})", "')'"},
      {R"({"type": "string", "format": "uri"})", "\"uri\""},
      {R"({"$ref": "#"})", "lead on"},
      {R"({"anyOf": [{"$ref": "#"}, {"type": "null"}]})", "refers to itself"},
      {R"({"$ref": "#/nowhere"})", "leads nowhere"},
      {R"({"$ref": "http://example.com"})", "a place in this schema"},
      {R"({"type": "array", "minItems": 1, "items": {"$ref": "#"}})", "no value"},
      {R"({"enum": []})", "no value"},
      {R"(false)", "no value"},
      {R"({"type": "integer", "minimum": 5, "maximum": 4})", "no value"},
      {R"({"type": "integer", "multipleOf": 99999})", "multipleOf"},
      {R"({"type": "array", "maxItems": 1000000000})", "states"},
      {R"({"type": "array", "minItems": -1})", "a count"},
      {R"({"type": "object", "required": "a"})", "required"},
      {R"({"anyOf": [{}], "type": "string"})", "beside"},
      {R"([])", "a schema"},
      {R"({"type": )", "schema"},
      {"{\"enum\": [NaN]}", "NaN"}};
  for (const auto& [schema, part] : faults) {
    try {
      small_maker().make(schema_plan(schema));
      ADD_FAILURE() << "taken: " << schema;
    } catch (const InputError& error) {
      EXPECT_NE(std::string(error.what()).find(part), std::string::npos) << schema << "\n" << error.what();
    }
  }
  std::string nested;
  for (int depth = 0; depth < 500; ++depth) nested += R"({"type":"array","minItems":1,"items":)";
  nested += "{}" + std::string(500, '}');
  EXPECT_THROW(small_maker().make(schema_plan(nested)), InputError);
  EXPECT_THROW(small_maker().make(schema_plan("{\"title\": \"" + std::string(2 << 20, 'x') + "\"}")), InputError);
}

}  // namespace
}  // namespace fathom::grammar
