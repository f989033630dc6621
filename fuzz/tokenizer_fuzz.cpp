// Bytes as a tokenizer.json, and as text for the one that ships with the program. A file is read or refused by an
// InputError; what was read gives any text back.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "fathom/base/error.h"
#include "fathom/tokenizer/tokenizer.h"
#include "fathom/tokenizer/utf8.h"

namespace {

void require(bool condition) {
  if (!condition) std::abort();
}

void check_text(const fathom::Tokenizer& tokenizer, std::string_view text) {
  const auto ids = tokenizer.encode(text);
  require(tokenizer.decode(ids) == text);
  fathom::StreamDecoder decoder(tokenizer);
  std::string streamed;
  for (const auto id : ids) streamed += decoder.push(id);
  require(streamed + decoder.finish() == fathom::utf8_lossy(text));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const fathom::Tokenizer built_in = fathom::Tokenizer::deepseek_v4();
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  check_text(built_in, input);
  try {
    const auto tokenizer = fathom::Tokenizer::parse(input, "fuzz");
    // Tokens that take the white space beside them lose it: only that it ends is asked of such a tokenizer.
    tokenizer.encode(input);
    for (std::int32_t id = 0; id < tokenizer.vocab(); ++id) tokenizer.is_added(id);
  } catch (const fathom::InputError&) {
    return 0;
  }
  return 0;
}
