#include "fathom/base/digest.h"

#include <gtest/gtest.h>

namespace fathom {
namespace {

std::string hex_of(std::string_view text) { return to_hex(Hasher().add(std::as_bytes(std::span(text))).finish()); }

// FIPS 180-4's examples.
TEST(Digest, IsSha256) {
  EXPECT_EQ(hex_of(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(hex_of("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(hex_of("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
}

TEST(Digest, PartsAndNewBeginnings) {
  Hasher hasher;
  hasher.add(std::as_bytes(std::span(std::string_view("a")))).add(std::as_bytes(std::span(std::string_view("bc"))));
  EXPECT_EQ(to_hex(hasher.finish()), hex_of("abc"));
  EXPECT_EQ(to_hex(hasher.finish()), hex_of("")) << "begun anew";
  EXPECT_NE(Hasher().add("ab").add("c").finish(), Hasher().add("a").add("bc").finish());
  EXPECT_NE(Hasher().add(std::int64_t{1}).finish(), Hasher().add(std::int64_t{2}).finish());
}

}  // namespace
}  // namespace fathom
