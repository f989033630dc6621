// A JSON object on its way out, member by member and without spaces.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace fathom::api {

class JsonObject {
 public:
  JsonObject& text(std::string_view key, std::string_view value);  // in quotes
  JsonObject& number(std::string_view key, std::int64_t value);
  JsonObject& real(std::string_view key, double value);  // null unless finite
  JsonObject& truth(std::string_view key, bool value);
  JsonObject& null(std::string_view key);
  JsonObject& json(std::string_view key, std::string_view value);  // JSON text as it is
  JsonObject& members(std::string_view more);                      // "key":value,... as they are; none if empty
  std::string close() const { return body_ + "}"; }

 private:
  void key(std::string_view key);

  std::string body_ = "{";
};

// [a,b,c] of JSON texts.
class JsonArray {
 public:
  JsonArray& add(std::string_view json);
  std::string close() const { return body_ + "]"; }

 private:
  std::string body_ = "[";
};

}  // namespace fathom::api
