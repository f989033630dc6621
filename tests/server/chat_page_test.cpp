#include "fathom/server/chat_page.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "fathom/base/mapped_file.h"

namespace fathom::server {
namespace {

std::string header_of(const HttpResponse& response, std::string_view name) {
  for (const HttpHeader& header : response.headers)
    if (header.name == name) return header.value;
  return {};
}

const PageFile& script_file() {
  for (const PageFile& file : page_files())
    if (file.path.ends_with(".js")) return file;
  throw std::runtime_error("the page has no script");
}

// The folder that this program was built with, and every byte of it.
TEST(ChatPage, FilesAreThoseOfTheFolder) {
  const std::filesystem::path built = std::filesystem::path(FATHOM_PROGRAM).parent_path() / "page";
  const bool is_built = std::filesystem::exists(built / "index.html");
  const std::filesystem::path folder = is_built ? built : std::filesystem::path(FATHOM_SOURCE "/web/plain");
  std::size_t count = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) count += entry.is_regular_file();
  EXPECT_EQ(page_files().size(), count);
  for (const PageFile& file : page_files()) EXPECT_EQ(file.bytes, read_text_file(folder / file.path)) << file.path;
}

TEST(ChatPage, NothingInTheHtmlIsScriptOrStyleOrOfAnotherHost) {
  const HttpResponse response = page_response({}, {});
  ASSERT_EQ(response.status, 200);
  for (const char* forbidden : {"http://", "https://", "<style", "style=", "onclick=", "<script>"})
    EXPECT_EQ(response.body.find(forbidden), std::string::npos) << forbidden;
}

TEST(ChatPage, PolicyAllowsItsOwnFilesAlone) {
  const std::string policy = header_of(page_response({}, {}), "content-security-policy");
  EXPECT_TRUE(policy.starts_with("default-src 'none';"));
  for (const char* forbidden : {"unsafe", "*", "http:", "https:", "blob:"})
    EXPECT_EQ(policy.find(forbidden), std::string::npos) << forbidden;
  EXPECT_NE(policy.find("require-trusted-types-for 'script'"), std::string::npos);
}

TEST(ChatPage, FileThatIsKnownIsNotSentAgain) {
  const HttpResponse first = page_response({}, {});
  const std::string tag = header_of(first, "etag");
  EXPECT_EQ(header_of(first, "cache-control"), "no-cache");
  const HttpResponse again = page_response({.if_none_match = tag}, {});
  EXPECT_EQ(again.status, 304);
  EXPECT_EQ(again.body, "");
  EXPECT_EQ(header_of(again, "etag"), tag);
  EXPECT_EQ(page_response({.if_none_match = "\"another\""}, {}).status, 200);
}

TEST(ChatPage, ScriptHasItsTypeAndNoOtherNameIsAnswered) {
  const PageFile& script = script_file();
  const std::string name(script.path.substr(std::string_view("assets/").size()));
  const HttpResponse response = page_response({.asset = name}, {});
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(header_of(response, "content-type"), "text/javascript; charset=utf-8");
  EXPECT_EQ(header_of(response, "x-content-type-options"), "nosniff");
  EXPECT_EQ(response.body, script.bytes);
  for (const char* other : {"nothing.js", "../index.html", "..", "."})
    EXPECT_EQ(page_response({.asset = other}, {}).status, 404) << other;
}

TEST(ChatPage, WhoTakesGzipGetsItWhereItIsSmaller) {
  const PageFile& script = script_file();
  ASSERT_FALSE(script.gzip.empty());
  EXPECT_LT(script.gzip.size(), script.bytes.size());
  const std::string_view name = script.path.substr(std::string_view("assets/").size());
  const HttpResponse plain = page_response({.asset = name}, {});
  const HttpResponse small = page_response({.asset = name, .accept_encoding = "gzip, deflate, br"}, {});
  EXPECT_EQ(header_of(plain, "content-encoding"), "");
  EXPECT_EQ(header_of(small, "content-encoding"), "gzip");
  EXPECT_EQ(header_of(small, "content-type"), header_of(plain, "content-type"));
  EXPECT_EQ(small.body, script.gzip);
  for (const HttpResponse* either : {&plain, &small}) EXPECT_EQ(header_of(*either, "vary"), "accept-encoding");
  EXPECT_EQ(header_of(page_response({.asset = name}, {{"vary", "origin"}}), "vary"), "origin, accept-encoding");
  EXPECT_NE(header_of(small, "etag"), header_of(plain, "etag")) << "other bytes";
  const auto again = [&](const std::string& tag, std::string_view accepted) {
    return page_response({.asset = name, .if_none_match = tag, .accept_encoding = accepted}, {}).status;
  };
  EXPECT_EQ(again(header_of(small, "etag"), "gzip"), 304);
  EXPECT_EQ(again(header_of(plain, "etag"), ""), 304);
  EXPECT_EQ(again(header_of(small, "etag"), ""), 200) << "it cannot be read";
}

// By another program's reckoning: what gzip gives back is the file.
TEST(ChatPage, WhatWasCompressedIsTheFile) {
  const std::filesystem::path unpacked =
      std::filesystem::temp_directory_path() / ("fathom_page_file_" + std::to_string(::getpid()));
  const std::filesystem::path packed = unpacked.string() + ".gz";
  int compressed = 0;
  for (const PageFile& file : page_files()) {
    EXPECT_EQ(file.gzip.empty(), file.type.starts_with("font/")) << file.path << ": woff2 is compressed already";
    if (file.gzip.empty()) continue;
    ++compressed;
    std::ofstream(packed, std::ios::binary) << file.gzip;
    ASSERT_EQ(std::system(("gzip -dc " + packed.string() + " > " + unpacked.string()).c_str()), 0) << file.path;
    EXPECT_EQ(read_text_file(unpacked), file.bytes) << file.path;
  }
  EXPECT_GT(compressed, 1);
  std::filesystem::remove(packed);
  std::filesystem::remove(unpacked);
}

}  // namespace
}  // namespace fathom::server
