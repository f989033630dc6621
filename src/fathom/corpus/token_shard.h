// Token shards: documents as token ids with a loss flag each, in one memory-mapped file.
//
//   "FATHOMSH" | u32 version | u32 bytes per id (2 or 4) | u64 documents | u64 tokens | u64 xxh3 of all that follows
//   u64 first[documents + 1]                    token at which a document begins; the last is `tokens`
//   u16 or u32 ids[tokens], padded to 8 bytes
//   u8 loss[ceil(tokens / 8)]                   bit t % 8 of byte t / 8: token t is one to learn
//   (all little-endian)
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <vector>

namespace fathom {

class TokenShardWriter {
 public:
  // `vocab` chooses the width of an id. The file stands under its name after finish() alone.
  TokenShardWriter(std::filesystem::path path, std::int64_t vocab);
  ~TokenShardWriter();
  TokenShardWriter(TokenShardWriter&&) noexcept;

  // A document of at least one token. `loss` is empty when every token is to be learned, else one flag a token.
  void add(std::span<const std::int32_t> ids, std::span<const std::uint8_t> loss = {});
  std::int64_t tokens() const;
  void finish();

 private:
  struct Contents;
  std::unique_ptr<Contents> contents_;
};

class TokenShard {
 public:
  // InputError names the file and what is wrong: no shard, another version, truncated, a checksum that differs.
  explicit TokenShard(const std::filesystem::path& path);
  ~TokenShard();
  TokenShard(TokenShard&&) noexcept;

  std::int64_t documents() const;
  std::int64_t tokens() const;
  std::int64_t document_tokens(std::int64_t document) const;
  std::uint64_t checksum() const;  // what the header says and the contents have
  // ids and loss flags of tokens [first, first + count) of a document.
  void read(std::int64_t document, std::int64_t first, std::span<std::int32_t> ids, std::span<std::uint8_t> loss) const;

 private:
  struct Contents;
  std::unique_ptr<Contents> contents_;
};

}  // namespace fathom
