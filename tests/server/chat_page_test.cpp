#include "fathom/server/chat_page.h"

#include <gtest/gtest.h>

#include <string>

#include "fathom/base/mapped_file.h"

namespace fathom::server {
namespace {

TEST(ChatPage, IsTheFileAndNeedsNothingElse) {
  EXPECT_EQ(chat_page(), read_text_file(FATHOM_SOURCE "/data/chat_page.html"));
  for (const char* outside : {"http://", "https://", "<link", "src=", "@import", "innerHTML"})
    EXPECT_EQ(chat_page().find(outside), std::string_view::npos) << outside;
  EXPECT_NE(chat_page_policy().find("default-src 'none'"), std::string_view::npos);
}

}  // namespace
}  // namespace fathom::server
