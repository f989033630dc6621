#include "fathom/tokenizer/vocabulary.h"

#include <algorithm>

#include "fathom/base/error.h"
#include "fathom/tokenizer/byte_alphabet.h"
#include "fathom/tokenizer/token_index.h"
#include "fathom/tokenizer/utf8.h"

namespace fathom {
namespace {

std::int64_t largest_id(const TokenizerJson& json) {
  std::int32_t largest = -1;
  for (const auto& token : json.vocab) largest = std::max(largest, token.second);
  for (const AddedToken& token : json.added) largest = std::max(largest, token.id);
  return largest;
}

// Finds the tokens that merges name.
class MergeReader {
 public:
  MergeReader(const TokenizerJson& json, const TokenIndex& index, std::string_view place)
      : json_(&json), index_(&index), place_(place) {}

  std::vector<Merge> read() {
    std::vector<Merge> merges;
    merges.reserve(json_->merges.size());
    std::string product;
    for (const auto& [left, right] : json_->merges) {
      product.assign(left).append(right);
      merges.push_back({token(left), token(right), next_token(product)});
      ++rank_;
    }
    return merges;
  }

 private:
  std::int32_t token(std::string_view spelled) {
    const std::int32_t found = index_->find(spelled);
    if (found == TokenIndex::kNone)
      throw InputError("[tokenizer] {}: model.merges[{}]: found \"{}\", expected a token of model.vocab", place_, rank_,
                       spelled);
    last_ = static_cast<std::size_t>(found);
    return json_->vocab[last_].second;
  }
  // Vocabularies mostly list the products of the merges in their order: try the token behind the product before.
  std::int32_t next_token(std::string_view spelled) {
    last_ = product_ + 1;
    const auto& vocab = json_->vocab;
    const bool guessed = last_ < vocab.size() && vocab[last_].first == spelled;
    const std::int32_t id = guessed ? vocab[last_].second : token(spelled);
    product_ = last_;
    return id;
  }

  const TokenizerJson* json_;
  const TokenIndex* index_;
  std::string_view place_;
  std::size_t rank_ = 0;
  std::size_t last_ = 0;     // in vocab, of the token found last
  std::size_t product_ = 0;  // of the last merge's product
};

}  // namespace

Vocabulary::Vocabulary(const TokenizerJson& json, std::string_view place)
    : pieces_(static_cast<std::size_t>(largest_id(json) + 1)) {
  const ByteAlphabet alphabet;
  const TokenIndex index(json.vocab);
  if (index.repeated() != TokenIndex::kNone)
    throw InputError("[tokenizer] {}: model.vocab: found \"{}\" twice, expected it once", place,
                     json.vocab[static_cast<std::size_t>(index.repeated())].first);
  for (const auto& [spelled, id] : json.vocab) {
    if (pieces_[static_cast<std::size_t>(id)].state != State::kNone)
      throw InputError("[tokenizer] {}: model.vocab: found id {} for \"{}\" and \"{}\", expected one token an id",
                       place, id, piece(id), spelled);
    Piece& added = pieces_[static_cast<std::size_t>(id)];
    added = {static_cast<std::uint32_t>(bytes_.size()), 0, State::kBytes};
    alphabet.append_bytes(spelled, bytes_);
    added.length = static_cast<std::uint32_t>(bytes_.size()) - added.begin;
  }
  for (const AddedToken& token : json.added) {
    const std::int32_t entry = index.find(token.content);
    const std::int32_t known = entry == TokenIndex::kNone ? -1 : json.vocab[static_cast<std::size_t>(entry)].second;
    const bool taken = pieces_[static_cast<std::size_t>(token.id)].state != State::kNone;
    if (taken && known == token.id && piece(token.id) != token.content)
      throw InputError("[tokenizer] {}: added_tokens: found \"{}\", which spells other bytes in model.vocab", place,
                       token.content);
    if (taken ? known != token.id : known >= 0)
      throw InputError("[tokenizer] {}: added_tokens: found \"{}\" with id {}, but model.vocab gives {}", place,
                       token.content, token.id,
                       taken ? fmt::format("that id to \"{}\"", piece(token.id)) : fmt::format("it id {}", known));
    pieces_[static_cast<std::size_t>(token.id)] = {static_cast<std::uint32_t>(bytes_.size()),
                                                   static_cast<std::uint32_t>(token.content.size()), State::kAdded};
    bytes_.append(token.content);
    added_.emplace_back(token.content, token.id);
  }
  std::sort(added_.begin(), added_.end());
  for (std::size_t next = 1; next < added_.size(); ++next)
    if (added_[next - 1].first == added_[next].first)
      throw InputError("[tokenizer] {}: added_tokens: found \"{}\" twice, expected it once", place, added_[next].first);
  for (int byte = 0; byte < 256; ++byte) {
    const std::string spelled = utf8_encode(alphabet.spelling(static_cast<unsigned char>(byte)));
    const std::int32_t entry = index.find(spelled);
    if (entry == TokenIndex::kNone)
      throw InputError("[tokenizer] {}: model.vocab: found no \"{}\" for byte {}, expected a token for every byte",
                       place, spelled, byte);
    byte_ids_[static_cast<std::size_t>(byte)] = json.vocab[static_cast<std::size_t>(entry)].second;
  }
  merges_ = MergeReader(json, index, place).read();
}

void Vocabulary::refuse(std::int32_t id) const {
  throw InputError("[tokenizer] found id {}, expected one of the vocabulary's 0 to {}{}", id, size() - 1,
                   id >= 0 && id < size() ? ", some of which, this one too, are no token" : "");
}

std::optional<std::int32_t> Vocabulary::added(std::string_view content) const {
  const auto place = std::lower_bound(added_.begin(), added_.end(), content,
                                      [](const auto& token, std::string_view text) { return token.first < text; });
  if (place == added_.end() || place->first != content) return std::nullopt;
  return place->second;
}

}  // namespace fathom
