// A chat request, typed. JSON stays in message_json.h; what hangs on a message as JSON (a tool's schema, a response
// format) is already the text that the prompt will carry.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace fathom {

enum class Role { system, developer, user, assistant, tool, latest_reminder };

// Quick instructions: a user turn that ends in one of these asks a side question of the model.
enum class Task { action, query, authority, domain, title, read_url };

enum class ThinkingMode { chat, thinking };

// `high` writes nothing into the prompt; `max` opens it with a paragraph.
enum class ReasoningEffort { high, max };

struct Tool {
  std::string name;
  std::vector<std::string> parameters;  // names of its schema's properties
  std::string schema;                   // the function object as one line of JSON
};

struct ToolCall {
  std::string id;  // may be empty
  std::string name;
  std::string arguments;  // as the client sent them: JSON text of an object, it is hoped
};

struct ChatMessage {
  Role role = Role::user;
  std::optional<std::string> content;  // none: JSON null, or no such key. Parts are joined by "\n\n"
  std::optional<std::string> reasoning_content;
  std::vector<ToolCall> tool_calls;            // assistant
  std::string tool_call_id;                    // tool
  std::vector<Tool> tools;                     // system, developer
  std::optional<std::string> response_format;  // system, developer: JSON text
  std::optional<Task> task;
  bool open_end = false;  // assistant: no end-of-sentence, so that the answer goes on from here
};

struct PromptOptions {
  ThinkingMode thinking_mode = ThinkingMode::thinking;
  ReasoningEffort reasoning_effort = ReasoningEffort::high;
  // Leave out the reasoning of turns before the last user turn. Ignored where any message brings tools.
  bool drop_thinking = true;
  bool begin_of_sentence = true;
};

struct ChatRequest {
  std::vector<ChatMessage> messages;
  PromptOptions options;
};

}  // namespace fathom
