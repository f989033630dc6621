#include "fathom/server/chat_page.h"

#include <gtest/gtest.h>

#include <filesystem>
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
  const HttpResponse response = page_response("", "", {});
  ASSERT_EQ(response.status, 200);
  for (const char* forbidden : {"http://", "https://", "<style", "style=", "onclick=", "<script>"})
    EXPECT_EQ(response.body.find(forbidden), std::string::npos) << forbidden;
}

TEST(ChatPage, PolicyAllowsItsOwnFilesAlone) {
  const std::string policy = header_of(page_response("", "", {}), "content-security-policy");
  EXPECT_TRUE(policy.starts_with("default-src 'none';"));
  for (const char* forbidden : {"unsafe", "*", "http:", "https:", "blob:"})
    EXPECT_EQ(policy.find(forbidden), std::string::npos) << forbidden;
  EXPECT_NE(policy.find("require-trusted-types-for 'script'"), std::string::npos);
}

TEST(ChatPage, FileThatIsKnownIsNotSentAgain) {
  const HttpResponse first = page_response("", "", {});
  const std::string tag = header_of(first, "etag");
  EXPECT_EQ(header_of(first, "cache-control"), "no-cache");
  const HttpResponse again = page_response("", tag, {});
  EXPECT_EQ(again.status, 304);
  EXPECT_EQ(again.body, "");
  EXPECT_EQ(header_of(again, "etag"), tag);
  EXPECT_EQ(page_response("", "\"another\"", {}).status, 200);
}

TEST(ChatPage, ScriptHasItsTypeAndNoOtherNameIsAnswered) {
  const PageFile& script = script_file();
  const std::string name(script.path.substr(std::string_view("assets/").size()));
  const HttpResponse response = page_response(name, "", {});
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(header_of(response, "content-type"), "text/javascript; charset=utf-8");
  EXPECT_EQ(header_of(response, "x-content-type-options"), "nosniff");
  EXPECT_EQ(response.body, script.bytes);
  for (const char* other : {"nothing.js", "../index.html", "..", "."})
    EXPECT_EQ(page_response(other, "", {}).status, 404) << other;
}

}  // namespace
}  // namespace fathom::server
