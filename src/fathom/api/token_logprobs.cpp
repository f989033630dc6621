#include "fathom/api/token_logprobs.h"

#include <fmt/format.h>

#include <cmath>
#include <utility>

#include "fathom/api/json_object.h"
#include "fathom/chat/json_number.h"
#include "fathom/chat/json_text.h"

namespace fathom::api {
namespace {

JsonObject choice(std::string_view bytes, double logprob) {
  JsonArray numbers;
  for (const char byte : bytes) numbers.add(std::to_string(static_cast<unsigned char>(byte)));
  JsonObject json;
  json.text("token", whole_characters(bytes)).real("logprob", told_logprob(logprob)).json("bytes", numbers.close());
  return json;
}

void append(std::string& list, std::string_view json) {
  if (!list.empty()) list += ',';
  list += json;
}

}  // namespace

std::string whole_characters(std::string_view bytes) {
  std::string text;
  Utf8Stream characters;
  characters.push(bytes, text);
  characters.finish(text);
  return text;
}

std::string token_name(std::string_view bytes) {
  if (whole_characters(bytes) == bytes) return std::string(bytes);
  std::string name = "bytes:";
  for (const char byte : bytes) name += fmt::format("\\x{:02x}", static_cast<unsigned char>(byte));
  return name;
}

double told_logprob(double logprob) {
  constexpr double kLeast = -9999.0;
  return std::isfinite(logprob) && logprob > kLeast ? logprob : kLeast;
}

std::string token_json(const TokenText& token) {
  JsonArray top;
  for (const TokenText::Choice& other : token.top) top.add(choice(other.bytes, other.logprob).close());
  return choice(token.bytes, token.logprob).json("top_logprobs", top.close()).close();
}

void CompletionLogprobs::advance(std::string_view bytes) {
  std::string whole;
  characters_.push(bytes, whole);
  for (const char byte : whole) offset_ += (static_cast<unsigned char>(byte) & 0xC0) != 0x80;
}

void CompletionLogprobs::add(const TokenText& token) {
  append(offsets_, std::to_string(offset_));
  append(logprobs_, python_float(told_logprob(token.logprob)));
  std::string key;
  append_json_string(key, token_name(token.bytes));
  append(tokens_, key);
  JsonObject top;
  bool chosen_is_there = token.top.empty();
  for (const TokenText::Choice& other : token.top) {
    chosen_is_there = chosen_is_there || other.bytes == token.bytes;
    top.real(token_name(other.bytes), told_logprob(other.logprob));
  }
  if (!chosen_is_there) top.real(token_name(token.bytes), told_logprob(token.logprob));
  append(tops_, top.close());
  advance(token.bytes);
}

std::string CompletionLogprobs::take() {
  const auto list = [](std::string& joined) { return "[" + std::exchange(joined, {}) + "]"; };
  return JsonObject()
      .json("text_offset", list(offsets_))
      .json("token_logprobs", list(logprobs_))
      .json("tokens", list(tokens_))
      .json("top_logprobs", list(tops_))
      .close();
}

}  // namespace fathom::api
