// What is known of one request once it is over: a line of the log, and a step of the figures. Never its text.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace fathom::server {

struct RequestRecord {
  std::string trace_id = {};
  std::string client = {};   // address
  std::string account = {};  // of the key, shortened; empty without keys
  std::string method = {};
  std::string path = {};
  std::string surface = {};  // chat, completions, anthropic, responses; another endpoint's name
  std::string model = {};    // that is served; empty where none is
  int status = 0;
  bool stream = false;
  std::int64_t prompt_tokens = 0;
  std::int64_t cached_tokens = 0;
  std::int64_t drafted_tokens = 0;
  std::int64_t accepted_tokens = 0;
  std::int64_t output_tokens = 0;
  std::int64_t reasoning_tokens = 0;
  double queue_seconds = -1.0;        // from acceptance to the first step; -1: it never began
  double first_token_seconds = -1.0;  // from the request's last byte; -1: none came
  double seconds = 0.0;               // until the answer was whole
  double token_seconds = 0.0;         // from the first token to the last
  std::string finish = {};            // stop, length, tool_calls, overloaded, gone, error; empty: no answer of a model
  std::string error = {};             // of the server, when it is one
};

}  // namespace fathom::server
