// A request whose prompt is to be shown and not answered: POST /tokenize, as vLLM's users know it, and
// POST /apply-template, as llama.cpp's do.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "fathom/api/call.h"
#include "fathom/api/policy.h"

namespace fathom::api {

struct PromptWish {
  Call call;                 // as if it came to /chat/completions if it has messages, else to /completions
  bool token_texts = false;  // return_token_strs
};

// ApiError for what those surfaces refuse.
PromptWish read_prompt_wish(std::string_view body, const Policy& policy, const RequestContext& context);

// What the model would read.
struct ShownPrompt {
  std::string text;
  std::span<const std::int32_t> ids;
  std::vector<std::string_view> pieces;  // each id's bytes; empty: they are not wanted
  std::int64_t context_tokens = 0;       // that the model has, prompt and answer together
};

// {"count","max_model_len","tokens","token_strs","prompt"}; a token that is no text by itself is "bytes:\xe6\xb1".
std::string tokenized_body(const ShownPrompt& prompt);
// {"prompt"}
std::string templated_body(const ShownPrompt& prompt);

}  // namespace fathom::api
