#include "fathom/server/keys.h"

#include <fmt/format.h>
#include <openssl/evp.h>

#include <array>

#include "fathom/api/hosted_errors.h"
#include "fathom/base/error.h"
#include "fathom/base/mapped_file.h"

namespace fathom::server {
namespace {

constexpr std::size_t kAccountDigits = 8;  // of the key's SHA-256, in logs and as an owner of caches

std::string digest_of(std::string_view key) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> bytes{};
  unsigned int size = 0;
  if (EVP_Digest(key.data(), key.size(), bytes.data(), &size, EVP_sha256(), nullptr) != 1)
    throw InternalError("[keys] SHA-256 failed");
  std::string out;
  for (unsigned int i = 0; i < size; ++i) out += fmt::format("{:02x}", bytes[i]);
  return out;
}

std::string_view trimmed(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t\r");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r") - first + 1);
}

}  // namespace

// Authorization wins where both are there.
std::string_view presented_key(const HttpRequest& request) {
  constexpr std::string_view kBearer = "bearer ";
  const std::string_view authorization = request.header("authorization");
  if (!authorization.empty()) {
    const bool bearer = equal_without_case(authorization.substr(0, kBearer.size()), kBearer);
    return trimmed(bearer ? authorization.substr(kBearer.size()) : authorization);
  }
  return trimmed(request.header("x-api-key"));
}

Keys Keys::load(const std::filesystem::path& file) { return parse(read_text_file(file), file.string()); }

Keys Keys::parse(std::string_view text, std::string_view place) {
  Keys keys;
  keys.required_ = true;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view key = trimmed(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    if (key.empty() || key.front() == '#') continue;
    const std::string digest = digest_of(key);
    keys.accounts_.emplace(digest, digest.substr(0, kAccountDigits));
  }
  if (keys.accounts_.empty()) throw InputError("[keys] {}: has no key, expected one a line", place);
  return keys;
}

bool Keys::knows(const HttpRequest& request) const {
  return accounts_.find(digest_of(presented_key(request))) != accounts_.end();
}

std::string Keys::account(const HttpRequest& request) const {
  if (!required_) return {};
  const std::string_view key = presented_key(request);
  if (key.empty()) throw api::no_key();
  const auto found = accounts_.find(digest_of(key));
  if (found != accounts_.end()) return found->second;
  throw api::unknown_key(key);
}

}  // namespace fathom::server
