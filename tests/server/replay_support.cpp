#include "tests/server/replay_support.h"

#include <fmt/format.h>

#include <algorithm>

#include "fathom/api/api_error.h"
#include "fathom/server/answer_assembly.h"
#include "tests/server/model_support.h"

namespace fathom::testing {
namespace {

constexpr std::int64_t kNow = 1'780'000'000;
constexpr std::int64_t kLimit = 4000;

const Json kSchema =
    Json::parse(R"({"type": "object", "properties": {"text": {"type": "string"}, "limits": {"type": "object"}}})");

server::Dialect dialect_of(const std::string& surface) {
  server::Dialects all = server::api_dialects();
  return surface == "chat" ? all.chat : surface == "anthropic" ? all.anthropic : all.responses;
}

Json tool_of(const std::string& surface) {
  if (surface == "anthropic") return {{"name", "find"}, {"description", "Finds."}, {"input_schema", kSchema}};
  const Json function = {{"name", "find"}, {"description", "Finds."}, {"parameters", kSchema}};
  if (surface == "chat") return {{"type", "function"}, {"function", function}};
  Json tool = function;
  tool["type"] = "function";
  return tool;
}

}  // namespace

Ids spelled(std::string_view text) {
  const Tokenizer& tokenizer = *minnow_tokenizer();
  Ids ids;
  for (const std::int32_t id : tokenizer.encode(text)) {
    const std::string_view piece = tokenizer.piece(id);
    const bool letters = std::all_of(piece.begin(), piece.end(), [](char letter) { return letter >= 0; });
    if (tokenizer.is_added(id) || !letters) {
      ids.push_back(id);
      continue;
    }
    for (const char letter : piece) ids.push_back(tokenizer.encode(std::string(1, letter)).front());
  }
  return ids;
}

std::string odd_calls(std::string_view name, std::string_view text, std::string_view json) {
  return fmt::format(
      "\n<｜DSML｜tool_calls>\n<｜DSML｜invoke name=\"{}\">\n<｜DSML｜parameter name=\"text\" "
      "string=\"true\">{}</｜DSML｜parameter>\n<｜DSML｜parameter name=\"limits\" "
      "string=\"false\">{}</｜DSML｜parameter>\n</｜DSML｜invoke>\n</｜DSML｜tool_calls>",
      name, text, json);
}

Ids ReplayServer::Answered::all() const {
  Ids ids = prompt;
  ids.insert(ids.end(), sampled.begin(), sampled.end());
  return ids;
}

ReplayServer::ReplayServer(std::string surface, std::shared_ptr<server::AnswerDisk> disk)
    : surface_(std::move(surface)),
      dialect_(dialect_of(surface_)),
      model_(hosted_model()),
      memory_({}, std::move(disk)) {
  model_.context_tokens = 100'000;
  policy_ = policy_of(model_);
}

api::Call ReplayServer::read(const std::string& body, const Asker& asker) const {
  api::RequestContext context;
  context.now = kNow;
  context.user_agent = asker.user_agent;
  return dialect_.read(body, policy_, context);
}

ReplayServer::Answered ReplayServer::answer(const Json& request, const Ids& sampled, const Asker& asker) {
  const api::Call call = read(request.dump(), asker);
  const server::PreparedCall prepared = server::prepare(call, model_, preparation(asker));
  Answered answered{.prompt = prepared.request.prompt, .sampled = sampled, .told = {}};
  const std::string id = fmt::format("00000000-0000-0000-0000-{:012}", ++answers_);
  server::AnswerAssembly assembly(
      call, model_, {.in_thinking = prepared.in_thinking, .prompt_tokens = std::ssize(prepared.request.prompt)},
      dialect_.writer(call, {.id = id, .model = model_.id, .fingerprint = model_.fingerprint, .created = kNow}));
  answered.sampled.push_back(model_.end_of_sentence);
  std::string body;
  for (const std::int32_t token : answered.sampled) {
    TokenEvent event{.sequence = 1};
    event.token.token = token;
    if (token == model_.end_of_sentence) event.finish = FinishReason::stop;
    body += assembly.push(event);
  }
  answered.told = Json::parse(body);
  server::remember_answer(call, assembly.told(id), *model_.tokenizer,
                          server::replay_of(call, model_, preparation(asker)));
  return answered;
}

ReplayServer::Answered ReplayServer::leave(const Json& request, const Ids& sampled, const Asker& asker) {
  const api::Call call = read(request.dump(), asker);
  const server::PreparedCall prepared = server::prepare(call, model_, preparation(asker));
  const std::string id = fmt::format("00000000-0000-0000-0000-{:012}", ++answers_);
  server::AnswerAssembly assembly(
      call, model_, {.in_thinking = prepared.in_thinking, .prompt_tokens = std::ssize(prepared.request.prompt)},
      dialect_.writer(call, {.id = id, .model = model_.id, .fingerprint = model_.fingerprint, .created = kNow}));
  for (const std::int32_t token : sampled) {
    if (assembly.over()) break;
    TokenEvent event{.sequence = 1};
    event.token.token = token;
    assembly.push(event);
  }
  const server::ToldAnswer told = assembly.told(id);
  server::remember_answer(call, told, *model_.tokenizer, server::replay_of(call, model_, preparation(asker)));
  const auto ids = server::told_ids(told, *model_.tokenizer);
  return {.prompt = prepared.request.prompt,
          .sampled = {ids.begin(), ids.end()},
          .told = {{"role", "assistant"},
                   {"reasoning_content", told.answer.reasoning_content},
                   {"content", told.answer.content.substr(0, told.content)}}};
}

Ids ReplayServer::prompt(const Json& request, const Asker& asker) { return prompt_of(request.dump(), asker); }

Ids ReplayServer::prompt_of(const std::string& body, const Asker& asker) {
  return server::prepare(read(body, asker), model_, preparation(asker)).request.prompt;
}

std::string ReplayServer::scope(const Json& request, const Asker& asker) {
  return server::prepare(read(request.dump(), asker), model_, preparation(asker)).request.cache_scope;
}

std::int64_t ReplayServer::count(const Json& request, const Asker& asker) {
  return server::count_tokens(read(request.dump(), asker), model_, preparation(asker));
}

std::string ReplayServer::text(const Ids& ids) { return minnow_tokenizer()->decode(ids); }

Json ReplayServer::first_request(bool tools) const {
  Json request = {{"model", "deepseek-v4-flash"}};
  const std::string words = "Where is the rope? Look for it, please.";
  if (surface_ == "responses") {
    request["instructions"] = "You are brief.";
    request["input"] = Json::array({{{"role", "user"}, {"content", words}}});
  } else {
    request["max_tokens"] = kLimit;
    request["messages"] = Json::array({{{"role", "user"}, {"content", words}}});
    if (surface_ == "anthropic") {
      request["system"] = "You are brief.";
    } else {
      request["messages"].insert(request["messages"].begin(),
                                 Json({{"role", "system"}, {"content", "You are brief."}}));
    }
  }
  if (tools) request["tools"] = Json::array({tool_of(surface_)});
  return request;
}

Json ReplayServer::with_answer(Json request, const Json& told) const {
  if (surface_ == "chat") {
    request["messages"].push_back(told["choices"][0]["message"]);
  } else if (surface_ == "anthropic") {
    request["messages"].push_back({{"role", "assistant"}, {"content", told["content"]}});
  } else {
    for (const Json& item : told["output"]) request["input"].push_back(item);
  }
  return request;
}

Json ReplayServer::with_result(Json request, const Json& told, const std::string& result) const {
  request = with_answer(std::move(request), told);
  if (surface_ == "chat") {
    for (const Json& call : told["choices"][0]["message"]["tool_calls"])
      request["messages"].push_back({{"role", "tool"}, {"tool_call_id", call["id"]}, {"content", result}});
  } else if (surface_ == "anthropic") {
    Json results = Json::array();
    for (const Json& block : told["content"])
      if (block["type"] == "tool_use")
        results.push_back({{"type", "tool_result"}, {"tool_use_id", block["id"]}, {"content", result}});
    request["messages"].push_back({{"role", "user"}, {"content", results}});
  } else {
    for (const Json& item : told["output"])
      if (item["type"] == "function_call")
        request["input"].push_back(
            {{"type", "function_call_output"}, {"call_id", item["call_id"]}, {"output", result}});
  }
  return request;
}

Json ReplayServer::with_words(Json request, const std::string& words) const {
  request[surface_ == "responses" ? "input" : "messages"].push_back({{"role", "user"}, {"content", words}});
  return request;
}

std::string parting(const Ids& shorter, const Ids& longer) {
  const auto [one, other] = std::mismatch(shorter.begin(), shorter.end(), longer.begin(), longer.end());
  if (one == shorter.end()) return "";
  const auto place = one - shorter.begin();
  const auto tail = [&](const Ids& ids) {
    return minnow_tokenizer()->decode(Ids(ids.begin() + place, ids.begin() + std::min(std::ssize(ids), place + 30)));
  };
  return fmt::format("they part at {} of {}: {:?} and {:?}", place, shorter.size(), tail(shorter), tail(longer));
}

}  // namespace fathom::testing
