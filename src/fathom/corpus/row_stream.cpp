#include "fathom/corpus/row_stream.h"

#include <cmath>
#include <span>
#include <utility>

#include "fathom/base/error.h"
#include "fathom/corpus/row_order.h"
#include "fathom/corpus/row_place.h"
#include "fathom/corpus/token_shard.h"

namespace fathom {
namespace {

void require_options(const RowStreamOptions& options) {
  if (options.parts.empty()) throw InputError("[rows] 0 shards, expected at least 1");
  if (options.length < 1) throw InputError("[rows] rows of {} tokens, expected at least 1", options.length);
  if (options.ranks < 1 || options.rank < 0 || options.rank >= options.ranks)
    throw InputError("[rows] rank {} of {}, expected 0 to {}", options.rank, options.ranks, options.ranks - 1);
  for (const MixturePart& part : options.parts)
    if (!std::isfinite(part.weight) || part.weight <= 0.0)
      throw InputError("[rows] {} has the weight {}, expected more than 0", part.shard.string(), part.weight);
}

std::vector<TokenShard> open_shards(const RowStreamOptions& options) {
  require_options(options);
  std::vector<TokenShard> shards;
  for (const MixturePart& part : options.parts) {
    shards.emplace_back(part.shard);
    if (shards.back().documents() == 0)
      throw InputError("[rows] {} has 0 documents, expected at least 1", part.shard.string());
  }
  return shards;
}

std::vector<OrderPart> order_parts(const RowStreamOptions& options, const std::vector<TokenShard>& shards) {
  std::vector<OrderPart> parts;
  for (std::size_t part = 0; part < shards.size(); ++part)
    parts.push_back({.shard = &shards[part], .weight = options.parts[part].weight});
  return parts;
}

RowIdentity identity_of(const RowStreamOptions& options, const std::vector<TokenShard>& shards) {
  RowIdentity identity{.length = options.length, .seed = options.seed, .checksums = {}, .weights = {}};
  for (std::size_t part = 0; part < shards.size(); ++part) {
    identity.checksums.push_back(shards[part].checksum());
    identity.weights.push_back(options.parts[part].weight);
  }
  return identity;
}

PackedRow packed(const std::vector<RowPiece>& pieces, const std::vector<TokenShard>& shards, std::int64_t length) {
  const auto size = static_cast<std::size_t>(length);
  PackedRow row{.ids = std::vector<std::int32_t>(size, 0),
                .targets = std::vector<std::int32_t>(size, -1),
                .documents = std::vector<std::int32_t>(size, -1),
                .positions = std::vector<std::int32_t>(size, 0)};
  std::vector<std::uint8_t> loss(size, 0);
  std::size_t begin = 0;
  for (std::size_t document = 0; document < pieces.size(); ++document) {
    const RowPiece& piece = pieces[document];
    const auto count = static_cast<std::size_t>(piece.count);
    shards[static_cast<std::size_t>(piece.part)].read(
        piece.document, piece.first, std::span(row.ids).subspan(begin, count), std::span(loss).subspan(begin, count));
    for (std::size_t token = 0; token < count; ++token) {
      row.documents[begin + token] = static_cast<std::int32_t>(document);
      row.positions[begin + token] = static_cast<std::int32_t>(token);
      if (token > 0 && loss[begin + token] != 0) row.targets[begin + token - 1] = row.ids[begin + token];
    }
    begin += count;
  }
  return row;
}

}  // namespace

struct RowStream::Contents {
  explicit Contents(RowStreamOptions given)
      : options(std::move(given)),
        shards(open_shards(options)),
        identity(identity_of(options, shards)),
        order(order_parts(options, shards), options.length, options.seed) {}

  RowStreamOptions options;
  std::vector<TokenShard> shards;
  RowIdentity identity;
  RowOrder order;  // stands at the row of rank 0
};

RowStream::RowStream(RowStreamOptions options) : contents_(std::make_unique<Contents>(std::move(options))) {}
RowStream::~RowStream() = default;
RowStream::RowStream(RowStream&&) noexcept = default;

// Every rank works out the pieces of all rows, which costs little, and reads the tokens of its own.
PackedRow RowStream::next() {
  std::vector<RowPiece> own;
  for (std::int64_t rank = 0; rank < contents_->options.ranks; ++rank) {
    std::vector<RowPiece> pieces = contents_->order.next();
    if (rank == contents_->options.rank) own = std::move(pieces);
  }
  return packed(own, contents_->shards, contents_->options.length);
}

std::string RowStream::place() const { return write_row_place(contents_->order.place(), contents_->identity); }

void RowStream::seek(const std::string& place) { contents_->order.seek(read_row_place(place, contents_->identity)); }

}  // namespace fathom
