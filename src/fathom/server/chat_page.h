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
  std::string_view gzip;  // the same compressed; empty: it would be no smaller
};

struct PageRequest {
  std::string_view asset = {};  // of "/assets/ASSET"; empty: of "/"
  std::string_view if_none_match = {};
  std::string_view accept_encoding = {};
};

// tools/embed_page.cmake writes it.
std::span<const PageFile> page_files();

// The answer to GET; 404 without a body where there is no such file.
HttpResponse page_response(const PageRequest& request, std::vector<HttpHeader> headers);

}  // namespace fathom::server
