#include "fathom/checkpoint/safetensors_header.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <random>

#include "fathom/base/error.h"
#include "tests/checkpoint/checkpoint_support.h"

namespace fathom {
namespace {

using testing::error_of;
using testing::file_text;

std::span<const std::byte> bytes_of(const std::string& text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

std::string parse_error(const std::string& text) {
  return error_of([&] { parse_safetensors(bytes_of(text), "x.safetensors"); });
}

void expect_error(const std::string& text, std::string_view said) {
  const std::string error = parse_error(text);
  EXPECT_NE(error.find(said), std::string::npos) << "expected: " << said << "\nfound: " << error;
  EXPECT_NE(error.find("x.safetensors"), std::string::npos) << error;
}

TEST(SafetensorsHeader, ReadsTensorsInTheOrderOfTheirBytes) {
  const std::string text =
      file_text(R"({"__metadata__":{"format":"pt"},"late":{"dtype":"BF16","shape":[3],"data_offsets":[8,14]},)"
                R"("empty":{"dtype":"I64","shape":[0,5],"data_offsets":[8,8]},)"
                R"("early":{"dtype":"F32","shape":[2,1],"data_offsets":[0,8]}})",
                "abcdefghijklmn");
  const SafetensorsHeader header = parse_safetensors(bytes_of(text), "x");
  ASSERT_EQ(header.tensors.size(), 3U);
  EXPECT_EQ(header.tensors[0].name, "early");
  EXPECT_EQ(header.tensors[0].shape, (std::vector<std::int64_t>{2, 1}));
  EXPECT_EQ(header.tensors[1].name, "empty");
  EXPECT_EQ(header.tensors[1].elements(), 0);
  EXPECT_EQ(header.tensors[2].name, "late");
  EXPECT_EQ(header.tensors[2].dtype, DType::bf16);
  EXPECT_EQ(header.tensors[2].elements(), 3);
  EXPECT_EQ(std::to_integer<char>(header.tensors[2].bytes[0]), 'i');
  EXPECT_EQ(header.metadata.at("format"), "pt");
}

TEST(SafetensorsHeader, NoTensorsIsAFile) {
  const std::string text = file_text("{}   ");
  EXPECT_TRUE(parse_safetensors(bytes_of(text), "x").tensors.empty());
}

TEST(SafetensorsHeader, ScalarsHaveNoDimensions) {
  const std::string text = file_text(R"({"a":{"dtype":"F8_E8M0","shape":[],"data_offsets":[0,1]}})", "a");
  EXPECT_EQ(parse_safetensors(bytes_of(text), "x").tensors[0].elements(), 1);
}

TEST(SafetensorsHeader, LengthsThatLie) {
  expect_error("", "the file has 0 bytes, expected at least 8");
  expect_error("1234567", "the file has 7 bytes");
  expect_error(std::string(8, '\0'), "the header begins with nothing");
  expect_error(std::string("\x03\0\0\0\0\0\0\0{}", 10), "the header's length is 3, expected at most the 2 bytes");
  expect_error(std::string(8, '\xff'), "the header's length is 18446744073709551615, expected at most 100000000");
  expect_error(std::string("\xff\xff\xff\xff\xff\xff\xff\x7f{}", 10), "the header's length is 9223372036854775807");
  std::string large("\x01\xe1\xf5\x05\0\0\0\0", 8);  // 100,000,001
  expect_error(large, "the header's length is 100000001");
}

TEST(SafetensorsHeader, TextThatIsNoHeader) {
  expect_error(file_text(" {}"), "the header begins with byte 0x20");
  expect_error(file_text("[]"), "the header begins with byte 0x5b");
  expect_error(file_text("{"), "not JSON");
  expect_error(file_text("{}{}"), "not JSON");
  expect_error(file_text("{\"a\":}"), "not JSON");
  expect_error(file_text("{\"a\":1}"), "tensor a is no object");
  expect_error(file_text("{\"a\":[]}"), "tensor a is no object");
  expect_error(file_text("{\"\xff\":{}}"), "not JSON");
  std::string deep = "{\"a\":";
  for (int depth = 0; depth < 100000; ++depth) deep += "{\"a\":";
  expect_error(file_text(deep), "not JSON");
  expect_error(file_text("{\"a\":" + std::string(2000, '[')), "not JSON");
}

TEST(SafetensorsHeader, OneHundredMegabytesOfGarbage) {
  std::mt19937_64 random(3);
  std::string garbage(kSafetensorsHeaderLimit, '{');
  for (std::size_t index = 1; index < garbage.size(); index += 8) {
    const std::uint64_t word = random();
    garbage.replace(index, std::min<std::size_t>(8, garbage.size() - index), reinterpret_cast<const char*>(&word),
                    std::min<std::size_t>(8, garbage.size() - index));
  }
  expect_error(file_text(garbage), "not JSON");
}

TEST(SafetensorsHeader, MetadataIsTexts) {
  expect_error(file_text(R"({"__metadata__":[]})"), "__metadata__ is no object");
  expect_error(file_text(R"({"__metadata__":{"step":3}})"), "__metadata__ step is no text");
  expect_error(file_text(R"({"__metadata__":{},"__metadata__":{}})"), "__metadata__ stands in the header twice");
}

// The one entry of a file with eight bytes of data.
void expect_entry_error(const std::string& entry, std::string_view said) {
  expect_error(file_text("{\"a\":" + entry + "}", "12345678"), said);
}

TEST(SafetensorsHeader, EntriesThatLackSense) {
  expect_entry_error(R"({"dtype":"F32","shape":[2]})", "tensor a lacks a field");
  expect_entry_error(R"({"dtype":"F32","data_offsets":[0,8]})", "tensor a lacks a field");
  expect_entry_error(R"({"shape":[2],"data_offsets":[0,8]})", "tensor a lacks a field");
  expect_entry_error(R"({"dtype":"F32","dtype":"F32","shape":[2],"data_offsets":[0,8]})", "tensor a has dtype twice");
  expect_entry_error(R"({"dtype":"F32","shape":[2],"shape":[2],"data_offsets":[0,8]})", "tensor a has shape twice");
  expect_entry_error(R"({"dtype":"F32","shape":[2],"data_offsets":[0,8],"data_offsets":[0,8]})", "data_offsets twice");
  expect_entry_error(R"({"dtype":"F32","shape":[2],"data_offsets":[0,8],"stride":1})", "tensor a has the field stride");
  expect_entry_error(R"({"dtype":"F33","shape":[2],"data_offsets":[0,8]})",
                     "tensor a has dtype F33, expected one of F32");
  expect_entry_error(R"({"dtype":3,"shape":[2],"data_offsets":[0,8]})", "a dtype that is no text");
  expect_entry_error(R"({"dtype":"F32","shape":2,"data_offsets":[0,8]})", "a shape that is no list");
  expect_entry_error(R"({"dtype":"F32","shape":[-2],"data_offsets":[0,8]})", "has -2 in shape");
  expect_entry_error(R"({"dtype":"F32","shape":[2.0],"data_offsets":[0,8]})", "has 2.0 in shape");
  expect_entry_error(R"({"dtype":"F32","shape":["2"],"data_offsets":[0,8]})", "has \"2\" in shape");
  expect_entry_error(R"({"dtype":"F32","shape":[18446744073709551615],"data_offsets":[0,8]})", "in shape");
  expect_entry_error(R"({"dtype":"F32","shape":[1,1,1,1,1,1,1,1,2],"data_offsets":[0,8]})", "more than 8 numbers");
  expect_entry_error(R"({"dtype":"F32","shape":[2],"data_offsets":[0]})", "has 1 data_offsets, expected 2");
  expect_entry_error(R"({"dtype":"F32","shape":[2],"data_offsets":[0,4,8]})", "more than 2 numbers in data_offsets");
  expect_entry_error(R"({"dtype":"F32","shape":[2],"data_offsets":[8,0]})", "begins at 8 and ends at 0");
  expect_entry_error(R"({"dtype":"F32","shape":[2],"data_offsets":[0,-8]})", "has -8 in data_offsets");
  expect_entry_error(R"({"dtype":"F32","shape":[3],"data_offsets":[0,8]})", "has 8 bytes from 0 to 8, expected 12");
  expect_entry_error(R"({"dtype":"BF16","shape":[2],"data_offsets":[0,8]})", "expected 4 for BF16 [2]");
}

TEST(SafetensorsHeader, ShapesThatOverflow) {
  expect_entry_error(R"({"dtype":"F32","shape":[4611686018427387904],"data_offsets":[0,0]})", "fewer than 2^63 bytes");
  expect_entry_error(R"({"dtype":"I8","shape":[4294967296,4294967296],"data_offsets":[0,0]})", "fewer than 2^63 bytes");
  expect_entry_error(R"({"dtype":"I8","shape":[9223372036854775807,2],"data_offsets":[0,8]})", "fewer than 2^63 bytes");
  expect_entry_error(R"({"dtype":"F32","shape":[3037000500,3037000500,0],"data_offsets":[0,0]})", "fewer than 2^63");
  expect_entry_error(R"({"dtype":"I8","shape":[9223372036854775807],"data_offsets":[0,9223372036854775807]})",
                     "ends at byte 9223372036854775807 of the data, expected at most 8");
  expect_entry_error(R"({"dtype":"I8","shape":[8],"data_offsets":[9223372036854775799,9223372036854775807]})",
                     "ends at byte 9223372036854775807");
}

TEST(SafetensorsHeader, BytesBelongToOneTensorEach) {
  const auto two = [](const char* one, const char* other, const char* data) {
    return file_text(fmt::format(R"({{"a":{{"dtype":"I8","shape":[4],"data_offsets":{}}},)"
                                 R"("b":{{"dtype":"I8","shape":[4],"data_offsets":{}}}}})",
                                 one, other),
                     data);
  };
  EXPECT_EQ(parse_error(two("[0,4]", "[4,8]", "12345678")), "");
  expect_error(two("[0,4]", "[3,7]", "1234567"), "tensor b begins at byte 3 of the data, expected 4: it overlaps a");
  expect_error(two("[0,4]", "[0,4]", "1234"), "tensor b begins at byte 0 of the data, expected 4: it overlaps a");
  expect_error(two("[0,4]", "[5,9]", "123456789"),
               "tensor b begins at byte 5 of the data, expected 4: 1 bytes before it");
  expect_error(two("[1,5]", "[5,9]", "123456789"), "tensor a begins at byte 1 of the data, expected 0");
  expect_error(two("[0,4]", "[4,8]", "1234567"),
               "tensor b ends at byte 8 of the data, expected at most 7: the file is truncated");
  expect_error(two("[0,4]", "[4,8]", "123456789"), "the data has 9 bytes, expected 8: the last 1 belong to no tensor");
  expect_error(file_text("{}", "1"), "the data has 1 bytes, expected 0");
}

TEST(SafetensorsHeader, NamesComeOnce) {
  expect_error(file_text(R"({"a":{"dtype":"I8","shape":[0],"data_offsets":[0,0]},)"
                         R"("a":{"dtype":"I8","shape":[0],"data_offsets":[0,0]}})"),
               "a stands in the header twice");
  // The same name by another spelling in JSON.
  expect_error(file_text(R"({"a":{"dtype":"I8","shape":[0],"data_offsets":[0,0]},)"
                         R"("\u0061":{"dtype":"I8","shape":[0],"data_offsets":[0,0]}})"),
               "a stands in the header twice");
}

TEST(SafetensorsHeader, HostileNamesArePrintedShort) {
  const std::string error = parse_error(file_text("{\"" + std::string(100000, 'n') + "\\u0007\":{\"dtype\":\"X\"}}"));
  EXPECT_LT(error.size(), 600U);
  EXPECT_EQ(parse_error(file_text("{\"a\\nb\":3}")).find('\n'), std::string::npos);
}

TEST(SafetensorsHeader, RandomDamageNeverDoesMoreThanRefuse) {
  std::mt19937 random(2);
  const std::string whole =
      file_text(R"({"__metadata__":{"format":"pt"},"b":{"dtype":"BF16","shape":[3],"data_offsets":[8,14]},)"
                R"("a":{"dtype":"F32","shape":[2,1],"data_offsets":[0,8]}})",
                "abcdefghijklmn");
  for (int round = 0; round < 20000; ++round) {
    std::string text = whole;
    for (int change = 0; change < 3; ++change) {
      const std::size_t place = random() % text.size();
      switch (random() % 3) {
        case 0: text[place] = static_cast<char>(random()); break;
        case 1: text.resize(1 + place); break;
        default: text.insert(place, 1, "0123456789-.,e\"[]{}"[random() % 19]); break;
      }
    }
    parse_error(text);
  }
}

TEST(SafetensorsHeader, EveryTruncationIsRefused) {
  const std::string whole = file_text(testing::oracle_tensors("tiny-flash"));
  for (std::size_t size = 0; size < 2000; ++size) EXPECT_NE(parse_error(whole.substr(0, size)), "") << size;
  for (std::size_t size = whole.size() - 300; size < whole.size(); ++size)
    EXPECT_NE(parse_error(whole.substr(0, size)), "") << size;
}

}  // namespace
}  // namespace fathom
