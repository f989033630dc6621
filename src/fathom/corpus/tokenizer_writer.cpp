#include "fathom/corpus/tokenizer_writer.h"

#include <nlohmann/json.hpp>

#include "fathom/base/error.h"
#include "fathom/tokenizer/byte_alphabet.h"
#include "fathom/tokenizer/split_patterns.h"
#include "fathom/tokenizer/utf8.h"

namespace fathom {
namespace {

using Json = nlohmann::ordered_json;

std::string spelled(const ByteAlphabet& alphabet, std::string_view bytes) {
  std::string text;
  for (const char byte : bytes) text += utf8_encode(alphabet.spelling(static_cast<unsigned char>(byte)));
  return text;
}

Json byte_level() {
  return {{"type", "ByteLevel"}, {"add_prefix_space", false}, {"trim_offsets", true}, {"use_regex", false}};
}

Json pre_tokenizer() {
  Json steps = Json::array();
  for (const std::string_view pattern : split_patterns())
    steps.push_back(
        {{"type", "Split"}, {"pattern", {{"Regex", pattern}}}, {"behavior", "Isolated"}, {"invert", false}});
  steps.push_back(byte_level());
  return {{"type", "Sequence"}, {"pretokenizers", std::move(steps)}};
}

Json added_json(std::span<const AddedToken> added) {
  Json tokens = Json::array();
  for (const AddedToken& token : added)
    tokens.push_back({{"id", token.id},
                      {"content", token.content},
                      {"single_word", token.single_word},
                      {"lstrip", token.lstrip},
                      {"rstrip", token.rstrip},
                      {"normalized", token.normalized},
                      {"special", token.special}});
  return tokens;
}

Json model_json(const BpeVocabulary& vocabulary, std::span<const AddedToken> added) {
  const ByteAlphabet alphabet;
  Json vocab = Json::object();
  for (const AddedToken& token : added) vocab[token.content] = token.id;
  std::vector<std::string> spellings;
  for (const std::string& token : vocabulary.tokens) {
    spellings.push_back(spelled(alphabet, token));
    vocab[spellings.back()] =
        static_cast<std::int64_t>(vocabulary.first_id) + static_cast<std::int64_t>(spellings.size()) - 1;
  }
  const auto spelling = [&](std::int32_t id) -> const std::string& {
    return spellings.at(static_cast<std::size_t>(id - vocabulary.first_id));
  };
  Json merges = Json::array();
  for (const Merge& merge : vocabulary.merges) merges.push_back(spelling(merge.left) + " " + spelling(merge.right));
  return {{"type", "BPE"},
          {"dropout", nullptr},
          {"unk_token", nullptr},
          {"continuing_subword_prefix", nullptr},
          {"end_of_word_suffix", nullptr},
          {"fuse_unk", false},
          {"byte_fallback", false},
          {"vocab", std::move(vocab)},
          {"merges", std::move(merges)}};
}

}  // namespace

std::string write_tokenizer_json(const BpeVocabulary& vocabulary, std::span<const AddedToken> added) {
  check_equal(vocabulary.first_id, static_cast<std::int32_t>(added.size()), "ids before the vocabulary");
  const Json json = {{"version", "1.0"},
                     {"truncation", nullptr},
                     {"padding", nullptr},
                     {"added_tokens", added_json(added)},
                     {"normalizer", {{"type", "Sequence"}, {"normalizers", Json::array()}}},
                     {"pre_tokenizer", pre_tokenizer()},
                     {"post_processor", byte_level()},
                     {"decoder", byte_level()},
                     {"model", model_json(vocabulary, added)}};
  return json.dump(0) + "\n";
}

}  // namespace fathom
