// The surfaces as the server calls them: functions of the api room. All of them are pure and may be called on any
// thread; a reader throws api::ApiError.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "fathom/api/answer_writer.h"
#include "fathom/api/call.h"
#include "fathom/api/policy.h"

namespace fathom::server {

struct Dialect {
  std::function<api::Call(std::string_view body, const api::Policy& policy, const api::RequestContext& context)> read;
  std::function<std::unique_ptr<api::AnswerWriter>(const api::Call& call, const api::AnswerIdentity& identity)> writer;
};

// What is served, as a list and one by one.
struct ModelLists {
  std::function<std::string(const api::Policy& policy)> all;
  // None: no such model.
  std::function<std::optional<std::string>(const api::Policy& policy, std::string_view id)> one;
};

struct Dialects {
  Dialect chat;
  Dialect completions;
  Dialect anthropic;
  Dialect responses;

  ModelLists models;
  ModelLists anthropic_models;
  std::function<std::string()> balance;
  // A request to /messages as a Call whose prompt is to be counted, and the answer.
  std::function<std::string(std::int64_t tokens)> token_count;
};

// All that the api room has.
Dialects api_dialects();

}  // namespace fathom::server
