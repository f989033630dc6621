#include "fathom/corpus/row_order.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <map>
#include <numeric>

#include "fathom/base/error.h"
#include "tests/base/file_support.h"
#include "tests/corpus/corpus_support.h"

namespace fathom {
namespace {

using testing::TemporaryDirectory;
using Lengths = std::vector<std::int64_t>;

// Shards of documents of given lengths, and the order over them.
struct Mixture {
  Mixture(const std::vector<Lengths>& parts, const std::vector<double>& weights, std::int64_t length,
          std::uint64_t seed)
      : order(open(parts, weights), length, seed) {}

  std::vector<OrderPart> open(const std::vector<Lengths>& parts, const std::vector<double>& weights) {
    for (std::size_t part = 0; part < parts.size(); ++part)
      shards.emplace_back(
          testing::write_shard(directory / std::to_string(part), testing::counted_documents(parts[part]), 1 << 20));
    std::vector<OrderPart> opened;
    for (std::size_t part = 0; part < parts.size(); ++part)
      opened.push_back({.shard = &shards[part], .weight = weights[part]});
    return opened;
  }

  TemporaryDirectory directory;
  std::vector<TokenShard> shards;
  RowOrder order;
};

std::int64_t tokens_of(const std::vector<RowPiece>& row) {
  return std::accumulate(row.begin(), row.end(), std::int64_t{0},
                         [](std::int64_t sum, const RowPiece& piece) { return sum + piece.count; });
}

rc::Gen<Lengths> lengths(std::int64_t longest) {
  return rc::gen::nonEmpty(rc::gen::container<Lengths>(rc::gen::inRange<std::int64_t>(1, longest)));
}

// How often each token of each document came in the rows and in what still waits.
RC_GTEST_PROP(RowOrder, GivesEveryDocumentOnceAnEpochWhole, ()) {
  const Lengths documents = *lengths(40);
  const std::int64_t length = *rc::gen::inRange<std::int64_t>(1, 30);
  Mixture mixture({documents}, {1.0}, length, *rc::gen::arbitrary<std::uint64_t>());
  std::map<std::int64_t, std::vector<std::int64_t>> seen;  // document -> how often each token came
  for (std::size_t document = 0; document < documents.size(); ++document)
    seen[static_cast<std::int64_t>(document)].resize(static_cast<std::size_t>(documents[document]));
  const auto see = [&](const RowPiece& piece) {
    RC_ASSERT(piece.count <= length);
    for (std::int64_t token = piece.first; token < piece.first + piece.count; ++token)
      ++seen[piece.document].at(static_cast<std::size_t>(token));
  };
  for (int row = 0; row < 40; ++row) {
    const std::vector<RowPiece> pieces = mixture.order.next();
    RC_ASSERT(!pieces.empty() && tokens_of(pieces) <= length);
    for (const RowPiece& piece : pieces) see(piece);
  }
  for (const RowPiece& piece : mixture.order.place().waiting) see(piece);
  // Whatever has been drawn is `epoch` times everything, and a beginning of the next epoch.
  const PartPlace& place = mixture.order.place().parts[0];
  std::int64_t begun = 0;
  for (const auto& [document, tokens] : seen) {
    const bool partly = tokens.front() != tokens.back();
    begun += tokens.front() == place.epoch + 1 ? 1 : 0;
    for (std::size_t token = 0; token < tokens.size(); ++token)
      RC_ASSERT(tokens[token] == place.epoch ||
                (tokens[token] == place.epoch + 1 && (!partly || static_cast<std::int64_t>(token) < place.first)));
  }
  RC_ASSERT(begun == place.next + (place.first > 0 ? 1 : 0));
}

RC_GTEST_PROP(RowOrder, GoesOnFromAnyPlace, ()) {
  const std::vector<Lengths> parts = {*lengths(20), *lengths(50)};
  const std::vector<double> weights = {1.0, *rc::gen::element(0.1, 1.0, 3.7)};
  const std::uint64_t seed = *rc::gen::arbitrary<std::uint64_t>();
  Mixture mixture(parts, weights, 16, seed);
  const int before = *rc::gen::inRange(0, 30);
  for (int row = 0; row < before; ++row) mixture.order.next();
  Mixture other(parts, weights, 16, seed);
  other.order.seek(mixture.order.place());
  for (int row = 0; row < 30; ++row) RC_ASSERT(other.order.next() == mixture.order.next());
  RC_ASSERT(other.order.place() == mixture.order.place());
}

RC_GTEST_PROP(RowOrder, KeepsTheSharesAtEveryMoment, ()) {
  const auto weight = rc::gen::map(rc::gen::inRange(1, 50), [](int tenths) { return tenths / 10.0; });
  const std::vector<double> weights = *rc::gen::container<std::vector<double>>(3, weight);
  Mixture mixture({*lengths(30), *lengths(60), *lengths(5)}, weights, 20, 1);
  const double all = weights[0] + weights[1] + weights[2];
  for (int row = 0; row < 50; ++row) {
    mixture.order.next();
    double drawn = 0.0;
    for (const PartPlace& part : mixture.order.place().parts) drawn += static_cast<double>(part.drawn);
    // No part is a piece ahead of its share, so none is the others' pieces behind.
    for (std::size_t part = 0; part < weights.size(); ++part)
      RC_ASSERT(std::abs(static_cast<double>(mixture.order.place().parts[part].drawn) - drawn * weights[part] / all) <=
                2 * 20.0);
  }
}

TEST(RowOrder, PacksTightly) {
  Lengths documents;
  for (std::uint64_t document = 0; document < 2000; ++document)
    documents.push_back(20 + static_cast<std::int64_t>(mixed(document) % 600));
  Mixture mixture({documents}, {1.0}, 512, 9);
  std::int64_t tokens = 0;
  for (int row = 0; row < 500; ++row) tokens += tokens_of(mixture.order.next());
  EXPECT_GT(static_cast<double>(tokens) / (500 * 512), 0.98);
}

// What waits longest goes first: nothing stays behind for ever.
TEST(RowOrder, LeavesNothingWaiting) {
  Mixture mixture({{9}, {2, 3, 1}}, {1.0, 20.0}, 10, 4);
  const auto limit = static_cast<int>(RowOrder::kWaiting) + 1;
  int since = 0;
  for (int row = 0; row < 2000; ++row) {
    ++since;
    for (const RowPiece& piece : mixture.order.next())
      if (piece.part == 0) since = 0;
    ASSERT_LE(since, limit);
  }
}

TEST(RowOrder, SeedsAndEpochsHaveOrdersOfTheirOwn) {
  const Lengths documents(100, 10);
  const auto epochs = [&](std::uint64_t seed) {
    Mixture mixture({documents}, {1.0}, 10, seed);
    std::vector<std::int64_t> order;
    for (int row = 0; row < 200; ++row) order.push_back(mixture.order.next().at(0).document);
    return order;
  };
  const std::vector<std::int64_t> order = epochs(1);
  EXPECT_NE(order, epochs(2));
  EXPECT_NE(std::vector(order.begin(), order.begin() + 100), std::vector(order.begin() + 100, order.end()));
}

TEST(RowOrder, RefusesAPlaceOutsideTheShards) {
  Mixture mixture({{5, 30}}, {1.0}, 10, 1);
  mixture.order.next();
  const OrderPlace good = mixture.order.place();
  const auto refused = [&](auto change) {
    OrderPlace bad = good;
    change(bad);
    EXPECT_THROW(mixture.order.seek(bad), InputError);
    EXPECT_EQ(mixture.order.place(), good);
  };
  refused([](OrderPlace& place) { place.row = -1; });
  refused([](OrderPlace& place) { place.parts.clear(); });
  refused([](OrderPlace& place) { place.parts[0].next = 2; });
  refused([](OrderPlace& place) { place.parts[0].first = 30; });
  refused([](OrderPlace& place) { place.parts[0].drawn = -1; });
  refused([](OrderPlace& place) { place.waiting[0].part = 1; });
  refused([](OrderPlace& place) { place.waiting[0].document = 2; });
  refused([](OrderPlace& place) { place.waiting[0].count = 11; });
  refused([](OrderPlace& place) { place.waiting[0].first = 30; });
  refused([](OrderPlace& place) { place.waiting.resize(200); });
  mixture.order.seek(good);
}

}  // namespace
}  // namespace fathom
