// What a client asks for, whatever surface it came by: the API's JSON ends here on its way in.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "fathom/chat/message.h"

namespace fathom::api {

enum class Surface : std::uint8_t { chat, completions, anthropic, responses };

struct ToolChoice {
  enum class Kind : std::uint8_t { none, automatic, required, named };
  Kind kind = Kind::automatic;
  std::string name;  // of a named one
};

struct ResponseFormat {
  enum class Kind : std::uint8_t { text, json_object, json_schema };
  Kind kind = Kind::text;
  std::string schema;  // JSON text
};

// A tool whose arguments must obey its schema.
struct ToolSchema {
  std::string name;
  std::string parameters;  // JSON schema as text; "{}" when the client gave none
  bool strict = false;
  // Responses alone: how the client knows the tool, where that is not `name`.
  std::string name_space = {};   // of the namespace it came in; empty: none
  std::string client_name = {};  // inside the namespace; empty: `name`
  bool custom = false;           // takes text, which travels as the one parameter "input"
};

struct Completion {
  std::string prompt;
  std::optional<std::string> suffix;  // none: the prompt goes on as it is
  bool echo = false;
};

// As the client set them; what it left open the server settles with its model and limits.
struct CallSampling {
  double temperature = 1.0;
  double top_p = 1.0;
  std::int64_t top_k = 0;
  double min_p = 0.0;
  std::optional<std::uint64_t> seed;       // none: one is drawn
  std::optional<std::int64_t> max_tokens;  // none: by mode (api.md 2)
  std::int64_t top_logprobs = -1;          // -1: none; n: the chosen token's and the n best tokens'
  std::vector<std::string> stop;
};

struct Call {
  Surface surface = Surface::chat;
  bool beta = false;                  // came by /beta
  std::string requested_model;        // as the client wrote it
  std::string model;                  // the id that is served: deepseek-v4-flash or deepseek-v4-pro
  std::vector<ChatMessage> messages;  // tools and response format hang where the encoding wants them
  PromptOptions prompt;
  std::vector<ToolSchema> tools;
  ToolChoice tool_choice;
  bool parallel_calls = true;  // false: at most one call in this answer
  ResponseFormat response_format;
  std::optional<Completion> completion;  // of Surface::completions alone
  CallSampling sampling;
  bool stream = false;
  bool include_usage = false;
  std::string user;          // isolates caches, shares the machine; empty: none given
  std::string agent_effort;  // why the effort is what it is, for a response header; empty: nothing was changed
  // Responses alone.
  std::optional<std::string> previous_response;
  bool store = true;
  std::string input_system;  // what the input said before its first turn; stands in the system message too
  std::string echo;          // members of the request that the response repeats: JSON, "tools":[],...
};

}  // namespace fathom::api
