#include "fathom/corpus/shard_layout.h"

#include <gtest/gtest.h>
#include <xxhash.h>

#include <vector>

#include "tests/base/file_support.h"
#include "tests/corpus/corpus_support.h"

namespace fathom {
namespace {

using testing::error_of;

std::string whole_shard(std::int64_t vocab = 100) {
  const testing::TemporaryDirectory directory;
  return testing::read_text(testing::write_shard(directory / "a", testing::counted_documents({3, 1, 4}), vocab));
}

// Makes the checksum that of the contents again, as a file made to deceive would have it.
std::string sealed(std::string file) {
  const std::uint64_t checksum = XXH3_64bits(file.data() + sizeof(ShardHeader), file.size() - sizeof(ShardHeader));
  std::memcpy(file.data() + offsetof(ShardHeader, checksum), &checksum, sizeof(checksum));
  return file;
}

std::string refusal(std::string_view file) {
  return error_of([&] { read_shard_layout(std::as_bytes(std::span(file.data(), file.size())), "x.shard"); });
}

void set_word(std::string& file, std::size_t at, std::uint64_t value) {
  std::memcpy(file.data() + at, &value, sizeof(value));
}

TEST(ShardLayout, FindsEveryPart) {
  const std::string file = whole_shard();
  const ShardLayout layout = read_shard_layout(std::as_bytes(std::span(file.data(), file.size())), "x");
  EXPECT_EQ(layout.header.documents, 3U);
  EXPECT_EQ(layout.header.tokens, 8U);
  EXPECT_EQ(layout.header.id_bytes, 2U);
  EXPECT_EQ(layout.first_token(2), 4U);
  for (std::uint64_t token = 0; token < 8; ++token) {
    EXPECT_EQ(layout.id(token), static_cast<std::int32_t>(token));
    EXPECT_TRUE(layout.learned(token));
  }
}

TEST(ShardLayout, RefusesEveryCutAndEveryChangedByte) {
  const std::string file = whole_shard();
  EXPECT_EQ(refusal(file), "");
  for (std::size_t size = 0; size < file.size(); ++size)
    EXPECT_NE(refusal(std::string_view(file).substr(0, size)), "") << size;
  EXPECT_NE(refusal(file + "x").find("bytes, expected"), std::string::npos);
  for (std::size_t at = 0; at < file.size(); ++at) {
    std::string changed = file;
    changed[at] = static_cast<char>(changed[at] ^ 0x10);
    EXPECT_NE(refusal(changed), "") << at;
  }
}

TEST(ShardLayout, SaysWhatIsWrong) {
  const std::string file = whole_shard();
  EXPECT_EQ(refusal("GGUF"), "[shard] x.shard is no token shard: it does not begin with \"FATHOMSH\"");
  EXPECT_EQ(refusal(file.substr(0, 20)), "[shard] x.shard is truncated: 20 bytes, its header alone has 40");
  std::string changed = file;
  changed[8] = 2;
  EXPECT_EQ(refusal(changed), "[shard] x.shard has version 2, expected 1");
  changed = file;
  changed[12] = 3;
  EXPECT_EQ(refusal(changed), "[shard] x.shard has ids of 3 bytes, expected 2 or 4");
  changed = file;
  changed.back() = 0;
  EXPECT_NE(refusal(changed).find("is damaged: checksum"), std::string::npos);
  changed = file;
  set_word(changed, 16, ~std::uint64_t{0});
  EXPECT_NE(refusal(changed).find("expected more for 18446744073709551615 documents"), std::string::npos);
  changed = file;
  set_word(changed, 24, std::uint64_t{1} << 63);
  EXPECT_NE(refusal(changed).find("expected more"), std::string::npos);
}

TEST(ShardLayout, BelievesNoTableForItsChecksum) {
  std::string changed = whole_shard();
  set_word(changed, 40, 1);
  EXPECT_EQ(refusal(sealed(changed)), "[shard] x.shard begins at token 1, expected 0");
  changed = whole_shard();
  set_word(changed, 48, 4);
  EXPECT_EQ(refusal(sealed(changed)), "[shard] x.shard: document 1 begins at token 4 and ends at 4");
  changed = whole_shard();
  set_word(changed, 64, 9);
  EXPECT_EQ(refusal(sealed(changed)), "[shard] x.shard: the documents end at token 9, the header says 8");
  changed = whole_shard(70'000);
  changed[40 + 32 + 3] = '\x80';
  EXPECT_EQ(refusal(sealed(changed)), "[shard] x.shard: token 0 has the id -2147483648");
}

}  // namespace
}  // namespace fathom
