#include "fathom/server/chat_page.h"

#include <algorithm>
#include <string>

namespace fathom::server {
namespace {

// The page loads its own files and asks its own server, and nobody else; no markup becomes script, by no way.
constexpr std::string_view kPolicy =
    "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; img-src 'self' data:; connect-src "
    "'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types "
    "'none'";

const PageFile* find_file(std::string_view asset) {
  const std::string path = asset.empty() ? "index.html" : "assets/" + std::string(asset);
  const auto files = page_files();
  const auto found = std::ranges::find(files, path, &PageFile::path);
  return found == files.end() ? nullptr : &*found;
}

// Vite writes a hash of the content before the ending, "page-B2xq81fZ.js": such a file never changes.
bool is_named_by_content(std::string_view path) {
  constexpr std::size_t kHash = 8;
  const std::size_t dot = path.rfind('.');
  return dot != std::string_view::npos && dot > kHash && path[dot - kHash - 1] == '-';
}

}  // namespace

HttpResponse page_response(std::string_view asset, std::string_view if_none_match, std::vector<HttpHeader> headers) {
  HttpResponse response{.status = 404, .headers = std::move(headers), .body = {}};
  const PageFile* file = find_file(asset);
  if (file == nullptr) return response;
  response.status = if_none_match.find(file->tag) == std::string_view::npos ? 200 : 304;
  const bool lasts = is_named_by_content(file->path);
  response.headers.push_back({"content-type", std::string(file->type)});
  response.headers.push_back({"etag", std::string(file->tag)});
  response.headers.push_back({"cache-control", lasts ? "public, max-age=31536000, immutable" : "no-cache"});
  response.headers.push_back({"content-security-policy", std::string(kPolicy)});
  response.headers.push_back({"x-content-type-options", "nosniff"});
  response.headers.push_back({"referrer-policy", "no-referrer"});
  if (response.status == 200) response.body = file->bytes;
  return response;
}

}  // namespace fathom::server
