#include "tests/grammar/grammar_support.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace fathom::grammar {
namespace {

int rank(std::string_view piece) {
  static constexpr std::string_view closers[] = {"}", "]", "\"", ">", "</", "<"};
  for (std::size_t index = 0; index < std::size(closers); ++index)
    if (piece == closers[index]) return static_cast<int>(index);
  return 100;
}

}  // namespace

const Tokenizer& small_tokenizer() {
  static const Tokenizer tokenizer = Tokenizer::load(FATHOM_SOURCE "/models/minnow/tokenizer.json");
  return tokenizer;
}
const Tokenizer& large_tokenizer() {
  static const Tokenizer tokenizer = Tokenizer::deepseek_v4();
  return tokenizer;
}
ConstraintMaker& small_maker() {
  static ConstraintMaker maker(small_tokenizer());
  return maker;
}
ConstraintMaker& large_maker() {
  static ConstraintMaker maker(large_tokenizer());
  return maker;
}

ConstraintPlan schema_plan(std::string_view schema) {
  return {.answer = ConstraintPlan::Answer::json_schema, .schema = std::string(schema)};
}

std::vector<std::int32_t> allowed_tokens(TokenConstraint& constraint, const Tokenizer& tokenizer) {
  std::vector<std::uint32_t> mask(static_cast<std::size_t>(tokenizer.vocab() + 31) / 32, 0xA5A5A5A5u);
  constraint.allowed(mask);
  std::vector<std::int32_t> tokens;
  for (std::int32_t token = 0; token < static_cast<std::int32_t>(mask.size() * 32); ++token)
    if (mask[token / 32] >> (token % 32) & 1) tokens.push_back(token);
  return tokens;
}

bool allows(TokenConstraint& constraint, const Tokenizer& tokenizer, std::int32_t token) {
  const std::vector<std::int32_t> tokens = allowed_tokens(constraint, tokenizer);
  return std::binary_search(tokens.begin(), tokens.end(), token);
}

std::string random_answer(TokenConstraint& constraint, const Tokenizer& tokenizer, std::mt19937& random, int hurry) {
  std::string text;
  for (int count = 0; count < 5000; ++count) {
    const std::vector<std::int32_t> tokens = allowed_tokens(constraint, tokenizer);
    if (tokens.empty()) {
      ADD_FAILURE() << "nothing may follow " << text;
      return text;
    }
    std::int32_t token = tokens[random() % tokens.size()];
    if (count > hurry || random() % 2 == 0) {
      int best = 99;
      for (const std::int32_t candidate : tokens) {
        const int order = candidate == kEnd ? -1 : rank(tokenizer.piece(candidate));
        if (order < best) best = order, token = candidate;
      }
      // Where letters may come, a bracket closes nothing.
      const auto has = [&](std::string_view piece) {
        return std::binary_search(tokens.begin(), tokens.end(), tokenizer.encode(piece).front());
      };
      if (has("｜DSML｜"))
        token = tokenizer.encode("｜DSML｜").front();
      else if (has("q") && has("\n") && has("</"))
        token = tokenizer.encode("</").front();
      else if (has("q") && has("\""))
        token = tokenizer.encode("\"").front();
    }
    constraint.accept(token);
    if (token == kEnd) return text;
    text += tokenizer.piece(token);
  }
  ADD_FAILURE() << "no end to " << text;
  return text;
}

bool takes(TokenConstraint& constraint, const Tokenizer& tokenizer, std::string_view text, Cut cut) {
  std::vector<std::int32_t> tokens = tokenizer.encode(text);
  if (cut == Cut::bytes) {
    std::vector<std::int32_t> bytes;
    for (const std::int32_t token : tokens) {
      if (tokenizer.is_added(token))
        bytes.push_back(token);
      else
        for (const char byte : tokenizer.piece(token))
          for (std::int32_t candidate = 0; candidate < tokenizer.vocab(); ++candidate)
            if (tokenizer.piece(candidate) == std::string_view(&byte, 1)) {
              bytes.push_back(candidate);
              break;
            }
    }
    tokens = bytes;
  }
  tokens.push_back(kEnd);
  for (const std::int32_t token : tokens) {
    if (constraint.narrows() && !allows(constraint, tokenizer, token)) return false;
    constraint.accept(token);
  }
  return true;
}

bool takes(ConstraintMaker& maker, const ConstraintPlan& plan, const Tokenizer& tokenizer, std::string_view text) {
  const bool whole = takes(*maker.make(plan), tokenizer, text, Cut::tokens);
  const bool pieces = takes(*maker.make(plan), tokenizer, text, Cut::bytes);
  EXPECT_EQ(whole, pieces) << text;
  return whole;
}

}  // namespace fathom::grammar
