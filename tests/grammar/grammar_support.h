// Walks through constraints.
#pragma once

#include <cstdint>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "fathom/grammar/constraint.h"
#include "tests/grammar/schema_check_support.h"

namespace fathom::grammar {

constexpr std::int32_t kEnd = 1;  // end of sentence, in both vocabularies

// minnow's 8,192 tokens, and DeepSeek-V4's 129,280.
const Tokenizer& small_tokenizer();
const Tokenizer& large_tokenizer();
ConstraintMaker& small_maker();
ConstraintMaker& large_maker();

ConstraintPlan schema_plan(std::string_view schema);

std::vector<std::int32_t> allowed_tokens(TokenConstraint& constraint, const Tokenizer& tokenizer);
bool allows(TokenConstraint& constraint, const Tokenizer& tokenizer, std::int32_t token);

// The text of random tokens that the constraint allows, up to the end of sentence. Past `hurry` tokens it takes those
// that close something where it can. Reports a failure, and ends, where nothing is allowed.
std::string random_answer(TokenConstraint& constraint, const Tokenizer& tokenizer, std::mt19937& random,
                          int hurry = 120);

// Whether every token of the text, and the end behind it, is allowed; canonical tokens or single bytes (markers whole).
enum class Cut { tokens, bytes };
bool takes(TokenConstraint& constraint, const Tokenizer& tokenizer, std::string_view text, Cut cut);
bool takes(ConstraintMaker& maker, const ConstraintPlan& plan, const Tokenizer& tokenizer, std::string_view text);

}  // namespace fathom::grammar
