#include "fathom/corpus/token_shard.h"

#include <xxhash.h>

#include <algorithm>
#include <array>
#include <limits>
#include <utility>

#include "fathom/base/error.h"
#include "fathom/base/mapped_file.h"
#include "fathom/base/output_file.h"
#include "fathom/corpus/shard_layout.h"

namespace fathom {
namespace {

std::uint64_t checksum_of(std::span<const std::span<const std::byte>> parts) {
  const std::unique_ptr<XXH3_state_t, decltype(&XXH3_freeState)> state(XXH3_createState(), &XXH3_freeState);
  check(state != nullptr && XXH3_64bits_reset(state.get()) == XXH_OK, "a checksum has a state");
  for (const std::span<const std::byte> part : parts) XXH3_64bits_update(state.get(), part.data(), part.size());
  return XXH3_64bits_digest(state.get());
}

}  // namespace

// The tables lie in memory until finish(): the first of them is complete only when the last document is known. That is
// some two bytes a token.
struct TokenShardWriter::Contents {
  explicit Contents(std::filesystem::path path) : file(std::move(path)) {}

  OutputFile file;
  std::int64_t vocab = 0;
  std::uint32_t id_bytes = 0;
  std::vector<std::uint64_t> first{0};
  std::vector<std::byte> ids;
  std::vector<std::uint8_t> loss;
  std::uint64_t tokens = 0;
  bool finished = false;
};

TokenShardWriter::TokenShardWriter(std::filesystem::path path, std::int64_t vocab) {
  if (vocab < 1 || vocab > std::numeric_limits<std::int32_t>::max())
    throw InputError("[shard] {}: a vocabulary of {} tokens, expected 1 to 2^31 - 1", path.string(), vocab);
  contents_ = std::make_unique<Contents>(std::move(path));
  contents_->vocab = vocab;
  contents_->id_bytes = vocab <= 65'536 ? 2 : 4;
}

TokenShardWriter::~TokenShardWriter() = default;
TokenShardWriter::TokenShardWriter(TokenShardWriter&&) noexcept = default;

void TokenShardWriter::add(std::span<const std::int32_t> ids, std::span<const std::uint8_t> loss) {
  Contents& out = *contents_;
  check(!out.finished, "a shard takes documents before it is finished");
  check(!ids.empty(), "a document has a token");
  if (!loss.empty()) check_equal(loss.size(), ids.size(), "loss flags of a document");
  for (const std::int32_t id : ids)
    if (id < 0 || id >= out.vocab)
      throw InternalError("[shard] a token has the id {}, the vocabulary has {} tokens", id, out.vocab);
  out.loss.resize((out.tokens + ids.size() + 7) / 8, 0);
  for (std::size_t token = 0; token < ids.size(); ++token) {
    const auto id = static_cast<std::uint32_t>(ids[token]);
    const auto* bytes = reinterpret_cast<const std::byte*>(&id);
    out.ids.insert(out.ids.end(), bytes, bytes + out.id_bytes);
    const bool learned = loss.empty() || loss[token] != 0;
    if (learned) out.loss[out.tokens / 8] |= static_cast<std::uint8_t>(1U << (out.tokens % 8));
    ++out.tokens;
  }
  out.first.push_back(out.tokens);
}

std::int64_t TokenShardWriter::tokens() const { return static_cast<std::int64_t>(contents_->tokens); }

void TokenShardWriter::finish() {
  Contents& out = *contents_;
  check(!out.finished, "a shard is finished once");
  out.finished = true;
  out.ids.resize(padded_id_bytes(out.tokens, out.id_bytes), std::byte{0});
  const auto first = std::as_bytes(std::span(out.first));
  const auto loss = std::as_bytes(std::span(out.loss));
  const std::array<std::span<const std::byte>, 3> parts = {first, out.ids, loss};
  ShardHeader header{.id_bytes = out.id_bytes,
                     .documents = out.first.size() - 1,
                     .tokens = out.tokens,
                     .checksum = checksum_of(parts)};
  std::copy(ShardHeader::kMagic.begin(), ShardHeader::kMagic.end(), header.magic);
  out.file.write(std::as_bytes(std::span(&header, 1)));
  for (const std::span<const std::byte> part : parts) out.file.write(part);
  out.file.close();
  out.file.publish();
}

struct TokenShard::Contents {
  MappedFile file;
  ShardLayout layout;
};

TokenShard::TokenShard(const std::filesystem::path& path) {
  MappedFile file(path);
  const ShardLayout layout = read_shard_layout(file.bytes(), path.string());
  contents_ = std::make_unique<Contents>(Contents{.file = std::move(file), .layout = layout});
}

TokenShard::~TokenShard() = default;
TokenShard::TokenShard(TokenShard&&) noexcept = default;

std::int64_t TokenShard::documents() const { return static_cast<std::int64_t>(contents_->layout.header.documents); }
std::int64_t TokenShard::tokens() const { return static_cast<std::int64_t>(contents_->layout.header.tokens); }
std::uint64_t TokenShard::checksum() const { return contents_->layout.header.checksum; }

std::int64_t TokenShard::document_tokens(std::int64_t document) const {
  if (document < 0 || document >= documents())
    throw InternalError("[shard] document {} was asked for, there are {}", document, documents());
  const ShardLayout& layout = contents_->layout;
  return static_cast<std::int64_t>(layout.first_token(document + 1) - layout.first_token(document));
}

void TokenShard::read(std::int64_t document, std::int64_t first, std::span<std::int32_t> ids,
                      std::span<std::uint8_t> loss) const {
  check_equal(loss.size(), ids.size(), "loss flags to read");
  const std::int64_t tokens = document_tokens(document);
  const auto count = static_cast<std::int64_t>(ids.size());
  if (first < 0 || count > tokens || first > tokens - count)
    throw InternalError("[shard] tokens {} to {} of document {} were asked for, it has {}", first, first + count,
                        document, tokens);
  const ShardLayout& layout = contents_->layout;
  const std::uint64_t begin = layout.first_token(document) + static_cast<std::uint64_t>(first);
  for (std::size_t token = 0; token < ids.size(); ++token) {
    ids[token] = layout.id(begin + token);
    loss[token] = layout.learned(begin + token) ? 1 : 0;
  }
}

}  // namespace fathom
