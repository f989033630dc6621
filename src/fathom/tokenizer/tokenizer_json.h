// What a Hugging Face tokenizer.json says, read and checked but not yet built into tables.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace fathom {

struct AddedToken {
  std::int32_t id = 0;
  std::string content;
  bool single_word = false;  // matches only between characters that are no letters, digits or "_"
  bool lstrip = false;       // takes the white space before it as well
  bool rstrip = false;       // and after it
  bool normalized = false;   // matched in a second pass, in what the others left
  bool special = false;
};

struct TokenizerJson {
  std::shared_ptr<const void> document;                               // the views look into it
  std::vector<std::pair<std::string_view, std::int32_t>> vocab;       // spelled token and id
  std::vector<std::pair<std::string_view, std::string_view>> merges;  // spelled halves, by rank
  std::vector<AddedToken> added;
};

// Ids and merges are packed into 21 bits each.
constexpr std::int64_t kTokenLimit = std::int64_t{1} << 21;
constexpr std::size_t kAddedTokenBytes = 1024;  // longest content of an added token

// `place` names the source in messages. InputError: not JSON; not byte-level BPE without dropout, affixes or
// normalizer; a split pattern other than the DeepSeek family's three (the message quotes it); a field of the wrong
// type; an id out of range. Settings that change no id (post_processor, truncation, padding) are not looked at.
TokenizerJson read_tokenizer_json(std::string_view json, std::string_view place);

}  // namespace fathom
