// What previous_response_id goes on from: conversations in memory, each for a while, all within a budget. The hosted
// API has no such thing; OpenAI's keeps its own.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "fathom/api/answer_writer.h"
#include "fathom/api/api_error.h"
#include "fathom/api/call.h"
#include "fathom/chat/answer.h"

namespace fathom::api {

// A finished conversation. Instructions, tools and formats are not part of it: every request brings its own.
struct StoredResponse {
  std::string input_system;  // Call::input_system
  std::vector<ChatMessage> turns;
};

// `call` as it was answered, and the answer; `response_id` is its AnswerIdentity::id. Calls that were cut off are left
// out: nothing can answer them.
StoredResponse stored_response(const Call& call, const Answer& answer, std::string_view response_id);

// Puts the earlier turns before the call's own. ApiError if then a call has no result, or a result no call.
void continue_response(Call& call, const StoredResponse& earlier);

// 400: there is none of that id, any more, or for that user.
ApiError response_not_found(std::string_view id);

class ResponseStore {
 public:
  using Time = std::chrono::steady_clock::time_point;
  struct Limits {
    std::chrono::seconds time_to_live{3600};
    std::int64_t bytes = 256 << 20;  // of all conversations
  };

  explicit ResponseStore(Limits limits) : limits_(limits) {}

  // Any thread may call. The oldest make room; what is larger than the budget is not kept. `user` is whoever may see it
  // again.
  void put(std::string_view user, std::string_view id, StoredResponse response, Time now);
  // Null: none of that id, any more, or for that user.
  std::shared_ptr<const StoredResponse> find(std::string_view user, std::string_view id, Time now);

  std::int64_t bytes() const;
  std::size_t size() const;

 private:
  struct Entry {
    std::string user;
    std::string id;
    std::shared_ptr<const StoredResponse> response;
    std::int64_t bytes = 0;
    Time until;
  };

  void drop_oldest();
  void drop_expired(Time now);

  const Limits limits_;
  mutable std::mutex mutex_;
  std::list<Entry> entries_;  // oldest first
  std::unordered_map<std::string, std::list<Entry>::iterator> by_id_;
  std::int64_t bytes_ = 0;
};

}  // namespace fathom::api
