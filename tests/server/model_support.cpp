#include "tests/server/model_support.h"

#include "fathom/base/mapped_file.h"

namespace fathom::testing {
namespace {

constexpr const char* kTokenizer = FATHOM_SOURCE "/models/minnow/tokenizer.json";

}  // namespace

std::shared_ptr<const Tokenizer> minnow_tokenizer() {
  static const auto tokenizer = std::make_shared<const Tokenizer>(Tokenizer::load(kTokenizer));
  return tokenizer;
}

std::shared_ptr<const Tokenizer> tokenizer_without(const std::string& added_token) {
  std::string json = read_text_file(kTokenizer);
  for (std::size_t at = 0; (at = json.find(added_token, at)) != std::string::npos;) json.replace(at, 1, "[");
  return std::make_shared<const Tokenizer>(Tokenizer::parse(json, "changed tokenizer"));
}

std::shared_ptr<grammar::ConstraintMaker> minnow_constraints() {
  static const auto constraints = std::make_shared<grammar::ConstraintMaker>(*minnow_tokenizer());
  return constraints;
}

server::HostedModel hosted_model() {
  return {.id = "deepseek-v4-flash",
          .generator = nullptr,
          .tokenizer = minnow_tokenizer(),
          .constraints = minnow_constraints(),
          .end_of_sentence = 1,
          .context_tokens = 4096,
          .max_output_tokens = 4096,
          .created = 1'777'000'000,
          .fingerprint = "fp_test"};
}

api::Policy policy_of(const server::HostedModel& model) {
  api::Policy policy;
  policy.models.push_back({.id = model.id,
                           .context_tokens = model.context_tokens,
                           .max_output_tokens = model.max_output_tokens,
                           .created = model.created});
  return policy;
}

api::Call chat_call(const std::string& content) {
  api::Call call;
  call.model = "deepseek-v4-flash";
  ChatMessage message;
  message.content = content;
  call.messages.push_back(message);
  return call;
}

}  // namespace fathom::testing
