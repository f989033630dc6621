// Facts to be recalled: sentences that are planted in a text, and the question that each of them answers.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "fathom/evaluation/check.h"

namespace fathom {

struct PlantedFact {
  std::string sentence;
  std::string question;
  Check check;
  std::string expected;  // of the check, as JSON
};

// The facts of one text.
using FactGroup = std::vector<PlantedFact>;

// Lines {"facts": [{"sentence": ..., "question": ..., "check": {...}}]}. InputError names file and line.
std::vector<FactGroup> read_fact_groups(const std::filesystem::path& file);

struct PlantedText {
  std::string text;
  std::vector<double> depths;  // of each fact: the share of the text that stands before it
};

// The facts in their order, each at a sentence's end, near the middle of its equal share of the prose.
PlantedText plant(const std::string& prose, const FactGroup& facts);

}  // namespace fathom
