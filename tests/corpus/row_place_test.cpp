#include "fathom/corpus/row_place.h"

#include <gtest/gtest.h>

#include "tests/base/file_support.h"

namespace fathom {
namespace {

const RowIdentity kIdentity{
    .length = 512, .seed = ~std::uint64_t{0}, .checksums = {1, ~std::uint64_t{1}}, .weights = {0.1, 1.0 / 3.0}};
const OrderPlace kPlace{.row = 12,
                        .parts = {{.epoch = 1, .next = 2, .first = 3, .drawn = 4}, {}},
                        .waiting = {{.part = 1, .document = 2, .first = 3, .count = 4}}};

std::string refusal(const std::string& text, const RowIdentity& identity) {
  return testing::error_of([&] { read_row_place(text, identity); });
}

TEST(RowPlace, ComesBack) { EXPECT_EQ(read_row_place(write_row_place(kPlace, kIdentity), kIdentity), kPlace); }

TEST(RowPlace, BelongsToItsShardsAndOptions) {
  const std::string text = write_row_place(kPlace, kIdentity);
  RowIdentity other = kIdentity;
  other.length = 1024;
  EXPECT_EQ(refusal(text, other), "[rows] the place to go on from has the length 512, expected 1024");
  other = kIdentity;
  other.seed = 3;
  EXPECT_EQ(refusal(text, other), "[rows] the place to go on from has the seed 18446744073709551615, expected 3");
  other = kIdentity;
  other.checksums[1] = 5;
  EXPECT_EQ(refusal(text, other),
            "[rows] the place to go on from has as checksum of part 1 fffffffffffffffe, expected 0000000000000005");
  other = kIdentity;
  other.weights[0] = 0.2;
  EXPECT_EQ(refusal(text, other), "[rows] the place to go on from has as weight of part 0 0.1, expected 0.2");
  other = kIdentity;
  other.checksums.push_back(1);
  other.weights.push_back(1.0);
  EXPECT_EQ(refusal(text, other), "[rows] the place to go on from has as number of parts 2, expected 3");
}

TEST(RowPlace, RefusesWhatIsNone) {
  const std::string text = write_row_place(kPlace, kIdentity);
  for (std::size_t size = 0; size < text.size(); ++size)
    EXPECT_NE(refusal(text.substr(0, size), kIdentity).find("cannot be read"), std::string::npos);
  EXPECT_NE(refusal("{}", kIdentity).find("cannot be read"), std::string::npos);
  EXPECT_NE(refusal("[1]", kIdentity).find("cannot be read"), std::string::npos);
}

}  // namespace
}  // namespace fathom
