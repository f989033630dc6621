// One line of tools/dialogues --split test: a prompt, the check of its answer, and what the line says of itself.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "fathom/chat/message.h"
#include "fathom/evaluation/check.h"

namespace fathom {

struct DialogueSample {
  ChatRequest request;
  std::vector<Tool> tools;  // offered
  std::string family;
  Check check;
  std::string expected;                      // of the check, as JSON
  std::map<std::string, std::string> notes;  // values as text
};

// InputError opens with `place`.
DialogueSample read_dialogue_sample(std::string_view json, std::string_view place);
// The first `limit` samples; 0: all. Empty lines are passed over. InputError names file and line.
std::vector<DialogueSample> read_dialogue_samples(const std::filesystem::path& file, std::int64_t limit);

}  // namespace fathom
