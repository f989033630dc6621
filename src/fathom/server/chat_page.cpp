#include "fathom/server/chat_page.h"

#include <algorithm>
#include <string>

#include "fathom/server/accept_encoding.h"

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

// What one etag names is one sequence of bytes.
std::string tag_of(const PageFile& file, bool compressed) {
  std::string tag(file.tag);
  if (compressed) tag.insert(tag.size() - 1, "-gzip");
  return tag;
}

// Caches keep answers apart by that header of the request too.
void depend_on(std::vector<HttpHeader>& headers, const std::string& header) {
  const auto vary = std::ranges::find(headers, "vary", &HttpHeader::name);
  if (vary == headers.end()) {
    headers.push_back({"vary", header});
  } else {
    vary->value += ", " + header;
  }
}

}  // namespace

HttpResponse page_response(const PageRequest& request, std::vector<HttpHeader> headers) {
  HttpResponse response{.status = 404, .headers = std::move(headers), .body = {}};
  const PageFile* file = find_file(request.asset);
  if (file == nullptr) return response;
  const bool compressed = !file->gzip.empty() && accepts_gzip(request.accept_encoding);
  const std::string tag = tag_of(*file, compressed);
  response.status = request.if_none_match.find(tag) == std::string_view::npos ? 200 : 304;
  const bool lasts = is_named_by_content(file->path);
  response.headers.push_back({"content-type", std::string(file->type)});
  response.headers.push_back({"etag", tag});
  response.headers.push_back({"cache-control", lasts ? "public, max-age=31536000, immutable" : "no-cache"});
  if (!file->gzip.empty()) depend_on(response.headers, "accept-encoding");
  response.headers.push_back({"content-security-policy", std::string(kPolicy)});
  response.headers.push_back({"x-content-type-options", "nosniff"});
  response.headers.push_back({"referrer-policy", "no-referrer"});
  if (response.status != 200) return response;
  if (compressed) response.headers.push_back({"content-encoding", "gzip"});
  response.body = compressed ? file->gzip : file->bytes;
  return response;
}

}  // namespace fathom::server
