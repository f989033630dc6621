// The page at "/": the files of web/ as they were built, inside the program. A client of the public API like any other.
#pragma once

#include <array>
#include <span>
#include <string_view>
#include <vector>

#include "fathom/server/http_message.h"

namespace fathom::server {

struct PageFile {
  std::string_view path;  // "index.html", "assets/page.js"
  std::string_view type;  // content-type
  std::string_view tag;   // etag, quotes included
  std::string_view bytes;
};

// tools/embed_page.cmake writes it.
std::span<const PageFile> page_files();

// The answer to GET of "/" (asset is empty) or of "/assets/ASSET"; 404 without a body where there is no such file.
HttpResponse page_response(std::string_view asset, std::string_view if_none_match, std::vector<HttpHeader> headers);

}  // namespace fathom::server
