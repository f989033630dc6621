#include "fathom/api/shown_prompt.h"

#include "fathom/api/body_fields.h"
#include "fathom/api/chat_body.h"
#include "fathom/api/completion_body.h"
#include "fathom/api/json_object.h"
#include "fathom/api/token_logprobs.h"

namespace fathom::api {

PromptWish read_prompt_wish(std::string_view body, const Policy& policy, const RequestContext& context) {
  PromptWish wish;
  bool is_chat = false;
  read_body(body, [&](const JsonField& request) {
    is_chat = !request.member("messages").is_none() || request.member("prompt").is_none();
    wish.token_texts = request.member("return_token_strs").truth_or(false);
  });
  wish.call = is_chat ? read_chat(body, policy, context) : read_completion(body, policy, context);
  return wish;
}

std::string tokenized_body(const ShownPrompt& prompt) {
  std::string ids;
  for (const std::int32_t id : prompt.ids) {
    if (!ids.empty()) ids += ',';
    ids += std::to_string(id);
  }
  std::string texts;
  for (const std::string_view piece : prompt.pieces) {
    if (!texts.empty()) texts += ',';
    append_json_string(texts, token_name(piece));
  }
  return JsonObject()
      .number("count", std::ssize(prompt.ids))
      .number("max_model_len", prompt.context_tokens)
      .json("tokens", "[" + ids + "]")
      .json("token_strs", prompt.pieces.empty() ? "null" : "[" + texts + "]")
      .text("prompt", whole_characters(prompt.text))
      .close();
}

std::string templated_body(const ShownPrompt& prompt) {
  return JsonObject().text("prompt", whole_characters(prompt.text)).close();
}

}  // namespace fathom::api
