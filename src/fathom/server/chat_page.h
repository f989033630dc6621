// The page at "/": a small chat, one self-contained HTML file inside the program.
#pragma once

#include <string_view>

namespace fathom::server {

std::string_view chat_page();
// What the page may load and whom it may ask: itself alone.
std::string_view chat_page_policy();

}  // namespace fathom::server
