#include "fathom/tokenizer/merger.h"

#include <gtest/gtest.h>

#include <numeric>
#include <random>

#include "tests/tokenizer/tokenizer_support.h"

namespace fathom {
namespace {

// Merges of random tokens over a few letters, in any order: products of products, and halves that come late.
std::vector<Merge> random_merges(std::mt19937& generator, int letters, int count) {
  std::vector<std::string> tokens;
  for (int byte = 0; byte < 256; ++byte) tokens.emplace_back(1, static_cast<char>(byte));
  std::vector<Merge> merges;
  std::vector<std::int32_t> usable;
  for (int letter = 0; letter < letters; ++letter) usable.push_back('a' + letter);
  for (int taken = 0; taken < count; ++taken) {
    const std::int32_t left = usable[generator() % usable.size()];
    const std::int32_t right = usable[generator() % usable.size()];
    const std::string product = tokens[static_cast<std::size_t>(left)] + tokens[static_cast<std::size_t>(right)];
    const auto place = std::find(tokens.begin(), tokens.end(), product);
    const auto id = static_cast<std::int32_t>(place - tokens.begin());
    if (place == tokens.end()) {
      tokens.push_back(product);
      usable.push_back(id);
    }
    const bool known = std::any_of(merges.begin(), merges.end(),
                                   [&](const Merge& merge) { return merge.left == left && merge.right == right; });
    if (!known) merges.push_back({left, right, id});
  }
  std::shuffle(merges.begin(), merges.end(), generator);
  return merges;
}

// The definition, in no hurry.
std::vector<std::int32_t> merged(const MergeTable& table, std::string_view piece) {
  std::vector<std::int32_t> ids;
  for (const char byte : piece) ids.push_back(table.byte_id(static_cast<unsigned char>(byte)));
  for (;;) {
    std::uint32_t best = MergeTable::kNone;
    std::size_t at = 0;
    for (std::size_t place = 0; place + 1 < ids.size(); ++place) {
      const std::uint32_t rank = table.rank(ids[place], ids[place + 1]);
      if (rank >= best) continue;
      best = rank;
      at = place;
    }
    if (best == MergeTable::kNone) return ids;
    ids[at] = table.product(best);
    ids.erase(ids.begin() + static_cast<std::ptrdiff_t>(at) + 1);
  }
}

std::array<std::int32_t, 256> bytes() {
  std::array<std::int32_t, 256> ids{};
  std::iota(ids.begin(), ids.end(), 0);
  return ids;
}

TEST(Merger, AgreesWithTheDefinitionAtEveryLength) {
  std::mt19937 generator(17);
  for (int round = 0; round < 40; ++round) {
    const int letters = 1 + static_cast<int>(generator() % 4);
    const MergeTable table(random_merges(generator, letters, 60), bytes());
    Merger merger(table);
    for (std::size_t length = 0; length < 300; length += 1 + generator() % 3) {
      std::string piece;
      while (piece.size() < length) piece += static_cast<char>('a' + generator() % static_cast<unsigned>(letters));
      std::vector<std::int32_t> ids{-7};
      merger.append(piece, ids);
      EXPECT_EQ(ids.front(), -7);
      ids.erase(ids.begin());
      ASSERT_EQ(ids, merged(table, piece)) << piece;
    }
  }
}

TEST(Merger, LongPiecesOfOneLetterStayNearLinear) {
  std::vector<Merge> merges;  // a+a, then each product with itself
  std::int32_t token = 'a';
  for (std::int32_t product = 256; product < 266; ++product) {
    merges.push_back({token, token, product});
    token = product;
  }
  const MergeTable table(merges, bytes());
  Merger merger(table);
  std::vector<std::int32_t> ids;
  merger.append(std::string((std::size_t{1} << 20) + 3, 'a'), ids);
  ASSERT_EQ(ids.size(), (std::size_t{1} << 10) + 2);
  EXPECT_EQ(ids.front(), 265);
  EXPECT_EQ(ids[ids.size() - 2], 256);
  EXPECT_EQ(ids.back(), 'a');
}

}  // namespace
}  // namespace fathom
