// A client that speaks a surface, and the server's way between its JSON and tokens, without sockets and without a
// model: what it is told is what the surface's writer writes, and what it sends back is made of that.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "fathom/server/answer_memory.h"
#include "fathom/server/dialects.h"
#include "fathom/server/preparation.h"

namespace fathom::testing {

using Json = nlohmann::ordered_json;
using Ids = std::vector<std::int32_t>;

// As a model may sample it, and an encoder never would: every letter outside of markers is a token.
Ids spelled(std::string_view text);
// Calls in DSML as no renderer writes it: values as JSON without spaces, one line break before the block.
std::string odd_calls(std::string_view name, std::string_view text, std::string_view json);

struct Asker {
  std::string account = {};
  std::string user_agent = {};
};

class ReplayServer {
 public:
  // chat, anthropic, responses; with what an earlier one left on disk.
  explicit ReplayServer(std::string surface, std::shared_ptr<server::AnswerDisk> disk = nullptr);

  struct Answered {
    Ids prompt;
    Ids sampled;  // with the end of sentence, if the answer ended by itself
    Json told;    // the body
    Ids all() const;
  };
  // The request's prompt, answered with these ids.
  Answered answer(const Json& request, const Ids& sampled, const Asker& asker = {});
  // The same by a client that leaves behind them. `told` is chat's message of what it had by then.
  Answered leave(const Json& request, const Ids& sampled, const Asker& asker = {});
  // The prompt alone.
  Ids prompt(const Json& request, const Asker& asker = {});
  Ids prompt_of(const std::string& body, const Asker& asker = {});
  // Whose prefixes it may find.
  std::string scope(const Json& request, const Asker& asker = {});
  std::int64_t count(const Json& request, const Asker& asker = {});
  static std::string text(const Ids& ids);

  // A conversation with a tool: its first request, the answer sent back unchanged, the result of the tool.
  Json first_request(bool tools = true) const;
  // What a client has after an answer: the request with the answer's messages behind it.
  Json with_answer(Json request, const Json& told) const;
  Json with_result(Json request, const Json& told, const std::string& result) const;
  Json with_words(Json request, const std::string& words) const;

  server::AnswerMemory& memory() { return memory_; }

 private:
  api::Call read(const std::string& body, const Asker& asker) const;
  server::Preparation preparation(const Asker& asker) {
    return {.policy = policy_, .owner = asker.account, .memory = &memory_};
  }

  std::string surface_;
  server::Dialect dialect_;
  server::HostedModel model_;
  api::Policy policy_;
  server::AnswerMemory memory_;
  std::int64_t answers_ = 0;
};

// "": `longer` begins with `shorter`; else where they part, as text.
std::string parting(const Ids& shorter, const Ids& longer);

}  // namespace fathom::testing
