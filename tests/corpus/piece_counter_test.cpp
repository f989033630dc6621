#include "fathom/corpus/piece_counter.h"

#include <gtest/gtest.h>

#include <map>

#include "fathom/corpus/special_tokens.h"

namespace fathom {
namespace {

std::map<std::string, std::uint64_t> counts(const PieceCounter& counter) {
  std::map<std::string, std::uint64_t> counts;
  for (const CountedPiece& piece : counter.counted()) counts[piece.bytes] = piece.count;
  return counts;
}

TEST(PieceCounter, CountsPiecesOfTwoBytesAndMore) {
  PieceCounter counter(small_vocabulary_tokens());
  counter.add("the cat, the hat\n\n");
  counter.add("the", 5);
  EXPECT_EQ(counts(counter),
            (std::map<std::string, std::uint64_t>{{"the", 6}, {" the", 1}, {" cat", 1}, {" hat", 1}, {"\n\n", 1}}));
  EXPECT_EQ(counter.bytes(), 21U);
}

TEST(PieceCounter, NumbersAreSingleCharacters) {
  PieceCounter counter({});
  counter.add("x 12345 ²² ٣");
  EXPECT_EQ(counts(counter), (std::map<std::string, std::uint64_t>{{"²", 2}, {"٣", 1}}));
}

TEST(PieceCounter, AddedTokensAreNoText) {
  PieceCounter counter(small_vocabulary_tokens());
  counter.add("ab<think>cd</think><｜User｜>ef<thin");
  EXPECT_EQ(counts(counter), (std::map<std::string, std::uint64_t>{{"ab", 1}, {"cd", 1}, {"ef", 1}, {"<thin", 1}}));
}

TEST(PieceCounter, LeavesOutWhatIsVeryLong) {
  PieceCounter counter({});
  counter.add(std::string(PieceCounter::kLongest, '-') + " " + std::string(PieceCounter::kLongest + 1, 'x'));
  EXPECT_EQ(counts(counter).size(), 1U);
}

TEST(PieceCounter, AddsUp) {
  PieceCounter left({});
  PieceCounter right({});
  left.add("one two");
  right.add("one three");
  left.merge(std::move(right));
  EXPECT_EQ(counts(left), (std::map<std::string, std::uint64_t>{{"one", 2}, {" two", 1}, {" three", 1}}));
  EXPECT_EQ(left.bytes(), 16U);
}

}  // namespace
}  // namespace fathom
