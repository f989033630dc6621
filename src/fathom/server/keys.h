// Who may ask: a file of keys, one a line. Without a file every key counts, and none is needed.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "fathom/server/http_message.h"

namespace fathom::server {

// What came as a key: Authorization: Bearer, else x-api-key. Empty: nothing.
std::string_view presented_key(const HttpRequest& request);

class Keys {
 public:
  Keys() = default;  // everyone may ask
  // Empty lines and those that begin with # are skipped, white space around a key is not part of it. InputError when
  // the file cannot be read or holds no key.
  static Keys load(const std::filesystem::path& file);
  static Keys parse(std::string_view text, std::string_view place);

  bool required() const { return required_; }
  // The account behind the request's key: Authorization: Bearer, else x-api-key. Empty without a file. Throws
  // api::ApiError 401 in the hosted API's words.
  std::string account(const HttpRequest& request) const;
  bool knows(const HttpRequest& request) const;  // the request's key is in the file

 private:
  // Of a key only its SHA-256 is kept: a look-up tells nobody by its time how far a guess was right.
  std::unordered_map<std::string, std::string> accounts_;
  bool required_ = false;
};

}  // namespace fathom::server
