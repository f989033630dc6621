#include "fathom/base/digest.h"

#include <openssl/evp.h>

#include "fathom/base/error.h"

namespace fathom {

struct Hasher::State {
  EVP_MD_CTX* context = EVP_MD_CTX_new();
  ~State() { EVP_MD_CTX_free(context); }

  void begin() { check(EVP_DigestInit_ex(context, EVP_sha256(), nullptr) == 1, "SHA-256 begins"); }
};

Hasher::Hasher() : state_(std::make_unique<State>()) {
  check(state_->context != nullptr, "SHA-256 has a context");
  state_->begin();
}

Hasher::~Hasher() = default;

Hasher& Hasher::add(std::span<const std::byte> bytes) {
  check(EVP_DigestUpdate(state_->context, bytes.data(), bytes.size()) == 1, "SHA-256 goes on");
  return *this;
}

Hasher& Hasher::add(std::string_view text) {
  add(static_cast<std::int64_t>(text.size()));
  return add(std::as_bytes(std::span(text)));
}

Hasher& Hasher::add(std::int64_t number) { return add(std::as_bytes(std::span(&number, 1))); }

Digest Hasher::finish() {
  Digest digest;
  unsigned length = 0;
  check(EVP_DigestFinal_ex(state_->context, reinterpret_cast<unsigned char*>(digest.data()), &length) == 1,
        "SHA-256 ends");
  check_equal(length, digest.size(), "bytes of a SHA-256");
  state_->begin();
  return digest;
}

std::string to_hex(const Digest& digest) {
  std::string text;
  for (const std::byte byte : digest) text += fmt::format("{:02x}", std::to_integer<unsigned>(byte));
  return text;
}

}  // namespace fathom
