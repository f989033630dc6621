// What the tokenizer tests share: tokenizers, the fixtures of tools/tokenizer_oracle, small tokenizer.json texts.
#pragma once

#include <cstdint>
#include <functional>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "fathom/tokenizer/tokenizer.h"

namespace fathom {

const Tokenizer& deepseek_v4();
const Tokenizer& sprat();

// The lines of tests/data/tokenizer/NAME, unpacked.
std::vector<std::string> fixture_lines(std::string_view name);

// A tokenizer.json with the 256 bytes as ids 0 to 255, the given further tokens behind them, and the DeepSeek patterns.
struct SmallTokenizer {
  std::vector<std::string> tokens = {};  // spelled, byte-level
  std::vector<std::string> merges = {};  // "a b"
  std::string added = "[]";              // JSON
  std::string normalizer = "null";
  std::string model_extra = "";    // such as "\"dropout\": 0.1,"
  std::string pre_tokenizer = "";  // empty: DeepSeek's
  std::string decoder = R"({"type": "ByteLevel"})";
  bool merges_as_pairs = false;

  std::string json() const;
};
std::string deepseek_pre_tokenizer();
std::string json_quoted(std::string_view text);  // as a JSON string

std::string random_bytes(std::mt19937& generator, std::size_t length);
// Code points of every class the patterns know, mixed.
std::string random_text(std::mt19937& generator, std::size_t code_points);

}  // namespace fathom
