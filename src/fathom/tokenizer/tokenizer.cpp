#include "fathom/tokenizer/tokenizer.h"

#include <zstd.h>

#include "fathom/base/error.h"
#include "fathom/base/mapped_file.h"
#include "fathom/tokenizer/added_tokens.h"
#include "fathom/tokenizer/deepseek_v4_data.h"
#include "fathom/tokenizer/merge_table.h"
#include "fathom/tokenizer/merger.h"
#include "fathom/tokenizer/piece_cache.h"
#include "fathom/tokenizer/scratch_pool.h"
#include "fathom/tokenizer/splitter.h"
#include "fathom/tokenizer/utf8.h"
#include "fathom/tokenizer/vocabulary.h"

namespace fathom {
namespace {

struct Scratch {
  explicit Scratch(const MergeTable& merges) : merger(merges) {}
  Merger merger;
  PieceCache cache;
};

std::vector<AddedToken> those_normalized(const TokenizerJson& json, bool normalized) {
  std::vector<AddedToken> result;
  for (const AddedToken& token : json.added)
    if (token.normalized == normalized) result.push_back(token);
  return result;
}

std::string unpack_zst(std::string_view packed) {
  const unsigned long long size = ZSTD_getFrameContentSize(packed.data(), packed.size());
  check(size != ZSTD_CONTENTSIZE_ERROR && size != ZSTD_CONTENTSIZE_UNKNOWN, "the built-in tokenizer's size is known");
  std::string text(size, '\0');
  const std::size_t found = ZSTD_decompress(text.data(), text.size(), packed.data(), packed.size());
  check(ZSTD_isError(found) == 0 && found == size, "the built-in tokenizer unpacks");
  return text;
}

}  // namespace

struct Tokenizer::Tables {
  Tables(const TokenizerJson& json, std::string_view place)
      : vocabulary(json, place),
        merges(vocabulary.merges(), vocabulary.byte_ids()),
        raw_tokens(those_normalized(json, false)),
        normalized_tokens(those_normalized(json, true)) {}

  void encode_raw(std::string_view text, Scratch& scratch, std::vector<std::int32_t>& ids) const;
  void encode_normalized(std::string_view text, Scratch& scratch, std::vector<std::int32_t>& ids) const;
  void encode_plain(std::string_view text, Scratch& scratch, std::vector<std::int32_t>& ids) const;

  Splitter splitter;
  Vocabulary vocabulary;
  MergeTable merges;
  AddedTokens raw_tokens;         // matched first, over the whole text
  AddedTokens normalized_tokens;  // then these, in each stretch that is left
  mutable ScratchPool<Scratch> scratches;
};

void Tokenizer::Tables::encode_raw(std::string_view text, Scratch& scratch, std::vector<std::int32_t>& ids) const {
  std::size_t from = 0;
  while (const auto match = raw_tokens.next(text, from, splitter.classes())) {
    encode_normalized(text.substr(from, match->begin - from), scratch, ids);
    ids.push_back(match->id);
    from = match->end;
  }
  encode_normalized(text.substr(from), scratch, ids);
}

void Tokenizer::Tables::encode_normalized(std::string_view text, Scratch& scratch,
                                          std::vector<std::int32_t>& ids) const {
  std::size_t from = 0;
  while (const auto match = normalized_tokens.next(text, from, splitter.classes())) {
    encode_plain(text.substr(from, match->begin - from), scratch, ids);
    ids.push_back(match->id);
    from = match->end;
  }
  encode_plain(text.substr(from), scratch, ids);
}

void Tokenizer::Tables::encode_plain(std::string_view text, Scratch& scratch, std::vector<std::int32_t>& ids) const {
  for (std::size_t start = 0; start < text.size();) {
    const std::size_t end = splitter.piece_end(text, start);
    const std::size_t length = end - start;
    if (length > PieceCache::kBytes) {
      scratch.merger.append(text.substr(start, length), ids);
    } else {
      const PieceCache::Key key = PieceCache::key(text, start, length);
      if (const PieceCache::Entry* known = scratch.cache.find(key)) {
        ids.insert(ids.end(), known->ids.begin(), known->ids.begin() + known->count);
      } else {
        const std::size_t before = ids.size();
        scratch.merger.append(text.substr(start, length), ids);
        scratch.cache.put(key, ids.data() + before, ids.size() - before);
      }
    }
    start = end;
  }
}

Tokenizer::Tokenizer(std::unique_ptr<const Tables> tables) : tables_(std::move(tables)) {}
Tokenizer::~Tokenizer() = default;
Tokenizer::Tokenizer(Tokenizer&&) noexcept = default;
Tokenizer& Tokenizer::operator=(Tokenizer&&) noexcept = default;

Tokenizer Tokenizer::load(const std::filesystem::path& tokenizer_json) {
  return parse(read_text_file(tokenizer_json), tokenizer_json.string());
}

Tokenizer Tokenizer::parse(std::string_view json, std::string_view place) {
  return Tokenizer(std::make_unique<const Tables>(read_tokenizer_json(json, place), place));
}

Tokenizer Tokenizer::deepseek_v4() {
  return parse(unpack_zst(deepseek_v4_tokenizer_zst()), "DeepSeek-V4's built-in tokenizer");
}

std::vector<std::int32_t> Tokenizer::encode(std::string_view text) const {
  std::vector<std::int32_t> ids;
  if (text.empty()) return ids;
  ids.reserve(text.size() / 4 + 8);
  const auto scratch = tables_->scratches.borrow(tables_->merges);
  tables_->encode_raw(text, *scratch, ids);
  return ids;
}

std::string Tokenizer::decode(std::span<const std::int32_t> ids) const {
  std::string text;
  text.reserve(ids.size() * 4);
  for (const std::int32_t id : ids) text.append(piece(id));
  return text;
}

std::string_view Tokenizer::piece(std::int32_t id) const { return tables_->vocabulary.piece(id); }

std::optional<std::int32_t> Tokenizer::added_token(std::string_view text) const {
  return tables_->vocabulary.added(text);
}

bool Tokenizer::is_added(std::int32_t id) const { return tables_->vocabulary.is_added(id); }

std::int64_t Tokenizer::vocab() const { return tables_->vocabulary.size(); }

std::string StreamDecoder::push(std::int32_t id) {
  pending_.append(tokenizer_->piece(id));
  const std::size_t whole = pending_.size() - utf8_cut_tail(pending_);
  std::string text = utf8_lossy(std::string_view(pending_).substr(0, whole));
  pending_.erase(0, whole);
  return text;
}

std::string StreamDecoder::finish() {
  std::string text = utf8_lossy(pending_);
  pending_.clear();
  return text;
}

}  // namespace fathom
