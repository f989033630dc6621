// What an evaluation asks, in one TOML file (models/minnow/eval.toml explains every key). A part without its table is
// not run; paths are relative to the file.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace fathom {

struct NamedText {
  std::string name;
  std::filesystem::path file;  // documents as fathom corpus reads them
};

struct BitsPerByteSuite {
  std::int64_t window = 4096;  // tokens; longer documents are cut
  std::vector<NamedText> texts;
};

struct DialogueSuite {
  // Samples that have the note are counted by its values, within a family.
  struct Breakdown {
    std::string family;
    std::string note;
  };
  std::filesystem::path file;     // JSON lines of tools/dialogues --split test
  std::int64_t max_tokens = 400;  // of an answer
  std::vector<Breakdown> by;
};

struct RecallSuite {
  struct Length {
    std::int64_t tokens = 0;  // of a prompt
    std::int64_t texts = 1;   // each asked for every fact planted in it
  };
  std::filesystem::path facts;                 // JSON lines, the facts of a text each
  std::vector<std::filesystem::path> carrier;  // prose to plant them in
  std::int64_t max_tokens = 48;
  std::vector<Length> lengths;
};

struct FillInTheMiddleSuite {
  std::filesystem::path file;   // code
  std::int64_t samples = 100;   // of each kind of gap
  std::int64_t longest = 4096;  // bytes of code around a gap
  std::int64_t max_tokens = 64;
};

struct Suite {
  std::filesystem::path file;
  std::optional<BitsPerByteSuite> bits_per_byte;
  std::optional<DialogueSuite> dialogues;
  std::optional<RecallSuite> recall;
  std::optional<FillInTheMiddleSuite> fill_in_the_middle;
};

// InputError names the file, the line, the key and what was expected.
Suite load_suite(const std::filesystem::path& file);

}  // namespace fathom
