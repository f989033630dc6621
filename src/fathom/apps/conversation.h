// One conversation at a terminal: the messages so far, what the slash commands set, and the next answer.
#pragma once

#include <string>
#include <vector>

#include "fathom/apps/generation.h"
#include "fathom/chat/message.h"

namespace fathom {

struct ConversationOptions {
  std::string system;  // system prompt, may be empty
  PromptOptions prompt;
  GenerationOptions generation;
  bool color = false;  // thinking dimmed
  bool stats = false;
};

class Conversation {
 public:
  Conversation(ModelSession& session, ConversationOptions options);

  // Answers on standard output while it is made. An answer that Ctrl-C stopped stays, as far as it came. After an
  // InputError (a conversation too long, say) the conversation is what it was before, whether it was to grow by an
  // answer or to have one regenerated.
  void answer(const std::string& user, Interrupt& interrupt);
  // "/reset" and the like; false when the program should end. Says what it did on standard output.
  bool command(const std::string& line, Interrupt& interrupt);

  const std::vector<ChatMessage>& messages() const { return messages_; }
  const ConversationOptions& options() const { return options_; }

 private:
  void reset();
  void set_thinking(const std::string& argument);
  void set_effort(const std::string& argument);
  void regenerate(Interrupt& interrupt);
  // Answers the last of `messages`, a question; with the answer they become the conversation's.
  void answer_last(std::vector<ChatMessage> messages, Interrupt& interrupt);

  ModelSession& session_;
  ConversationOptions options_;
  std::vector<ChatMessage> messages_;
};

}  // namespace fathom
