// Plays a conversation over HTTP, written as text, against a server of its own in this process; the language is in
// tests/conversations/README.md.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace fathom::testing {

struct ConversationSection {
  std::string kind;      // server, script, request, answer, ...
  std::string argument;  // what stands behind it in the brackets
  std::string text;      // its lines, each with its line break
  int line = 0;
};

// std::runtime_error for lines before the first section that are no comments.
std::vector<ConversationSection> read_conversation(std::string_view text);

// Empty: all went as written; otherwise the line, what was expected and what came.
std::string play_conversation(const std::filesystem::path& file);

}  // namespace fathom::testing
