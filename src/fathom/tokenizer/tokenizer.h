// Bytes to token ids and back: Hugging Face's tokenizer.json as the DeepSeek family writes it. Byte-level BPE behind
// three split patterns; added tokens are matched first. Nothing here knows about chat. docs/tokenizer.md says how.
//
// A Tokenizer never changes, and any number of threads may use one at once. Ids equal those of Hugging Face's own
// engine for every text. Where that cannot be asked, for bytes that are no UTF-8, a broken byte splits like the U+FFFD
// it would be shown as and is encoded as itself, so decode(encode(text)) == text for all bytes (a tokenizer.json whose
// added tokens have lstrip or rstrip aside: those tokens take the white space beside them).
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace fathom {

class Tokenizer {
 public:
  // InputError names the file and what is wrong: not JSON, not byte-level BPE, an unknown pattern, a merge of no token.
  static Tokenizer load(const std::filesystem::path& tokenizer_json);
  static Tokenizer parse(std::string_view json, std::string_view place);
  // DeepSeek-V4's own 128K vocabulary with all its special tokens, carried by the program. vocab() is 129280.
  static Tokenizer deepseek_v4();
  ~Tokenizer();
  Tokenizer(Tokenizer&&) noexcept;
  Tokenizer& operator=(Tokenizer&&) noexcept;

  // Any bytes, valid UTF-8 or not. Adds no BOS: the chat encoding writes it as text.
  std::vector<std::int32_t> encode(std::string_view text) const;
  // Exact bytes of the ids; an id outside the vocabulary is an InputError.
  std::string decode(std::span<const std::int32_t> ids) const;
  // The bytes one id stands for.
  std::string_view piece(std::int32_t id) const;
  // The id of an added token such as "<think>", or none.
  std::optional<std::int32_t> added_token(std::string_view text) const;
  bool is_added(std::int32_t id) const;
  // Largest id + 1.
  std::int64_t vocab() const;

 private:
  struct Tables;
  explicit Tokenizer(std::unique_ptr<const Tables> tables);
  std::unique_ptr<const Tables> tables_;
};

// Ids one at a time to text that never ends inside a UTF-8 character; broken bytes become U+FFFD, one for each maximal
// subpart, so that all pushes and finish() together equal the lossy reading of the whole. An id outside the vocabulary
// is an InputError and changes nothing.
class StreamDecoder {
 public:
  explicit StreamDecoder(const Tokenizer& tokenizer) : tokenizer_(&tokenizer) {}
  std::string push(std::int32_t id);
  std::string finish();  // what still waits for its character's other bytes

 private:
  const Tokenizer* tokenizer_;
  std::string pending_;
};

}  // namespace fathom
