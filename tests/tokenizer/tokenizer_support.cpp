#include "tests/tokenizer/tokenizer_support.h"

#include <fmt/format.h>
#include <zstd.h>

#include <array>

#include "fathom/base/mapped_file.h"
#include "fathom/tokenizer/byte_alphabet.h"
#include "fathom/tokenizer/split_patterns.h"
#include "fathom/tokenizer/utf8.h"

namespace fathom {

const Tokenizer& deepseek_v4() {
  static const Tokenizer tokenizer = Tokenizer::deepseek_v4();
  return tokenizer;
}

const Tokenizer& sprat() {
  static const Tokenizer tokenizer = Tokenizer::load(FATHOM_SOURCE "/models/sprat/tokenizer.json");
  return tokenizer;
}

std::vector<std::string> fixture_lines(std::string_view name) {
  const std::string packed = read_text_file(fmt::format(FATHOM_TEST_DATA "/tokenizer/{}", name));
  std::string text(ZSTD_getFrameContentSize(packed.data(), packed.size()), '\0');
  text.resize(ZSTD_decompress(text.data(), text.size(), packed.data(), packed.size()));
  std::vector<std::string> lines;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    lines.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return lines;
}

std::string json_quoted(std::string_view text) {
  std::string result = "\"";
  for (const char letter : text) {
    if (letter == '"' || letter == '\\') result += '\\';
    if (static_cast<unsigned char>(letter) < 0x20) {
      result += fmt::format("\\u{:04x}", static_cast<unsigned char>(letter));
    } else {
      result += letter;
    }
  }
  return result + '"';
}

std::string deepseek_pre_tokenizer() {
  std::string steps;
  for (const std::string_view pattern : split_patterns())
    steps +=
        fmt::format(R"({{"type": "Split", "pattern": {{"Regex": {}}}, "behavior": "Isolated", "invert": false}}, )",
                    json_quoted(pattern));
  return fmt::format(R"({{"type": "Sequence", "pretokenizers": [{}{{"type": "ByteLevel", "add_prefix_space": false,)"
                     R"( "trim_offsets": true, "use_regex": false}}]}})",
                     steps);
}

std::string SmallTokenizer::json() const {
  const ByteAlphabet alphabet;
  std::string vocab;
  for (int byte = 0; byte < 256; ++byte)
    vocab += fmt::format("{}{}: {}", byte == 0 ? "" : ", ",
                         json_quoted(utf8_encode(alphabet.spelling(static_cast<unsigned char>(byte)))), byte);
  int id = 256;
  for (const std::string& token : tokens) vocab += fmt::format(", {}: {}", json_quoted(token), id++);
  std::string list;
  for (const std::string& merge : merges) {
    const std::size_t space = merge.find(' ');
    const std::string spelled = merges_as_pairs ? fmt::format("[{}, {}]", json_quoted(merge.substr(0, space)),
                                                              json_quoted(merge.substr(space + 1)))
                                                : json_quoted(merge);
    list += (list.empty() ? "" : ", ") + spelled;
  }
  return fmt::format(R"({{"version": "1.0", "added_tokens": {}, "normalizer": {}, "pre_tokenizer": {}, "decoder": {},)"
                     R"( "model": {{"type": "BPE", {} "vocab": {{{}}}, "merges": [{}]}}}})",
                     added, normalizer, pre_tokenizer.empty() ? deepseek_pre_tokenizer() : pre_tokenizer, decoder,
                     model_extra, vocab, list);
}

std::string random_bytes(std::mt19937& generator, std::size_t length) {
  std::string bytes;
  for (std::size_t place = 0; place < length; ++place) bytes += static_cast<char>(generator());
  return bytes;
}

std::string random_text(std::mt19937& generator, std::size_t code_points) {
  constexpr auto kPicks = std::to_array<char32_t>(
      {'a',    'Z',    'q',    ' ',    ' ',    '\n',    '\r',    '\t',    '\v',    '0',    '7',    '!',
       '\'',   '$',    '<',    '\0',   0x1F,   0x7F,    0x85,    0xA0,    0xAD,    0xE9,   0x301,  0x661,
       0x966,  0x2028, 0x200B, 0x200D, 0x20AC, 0x201C,  0x3000,  0x3005,  0x3007,  0x3040, 0x304B, 0x3099,
       0x309B, 0x30A0, 0x30AB, 0x30FB, 0x30FC, 0x30FF,  0x3100,  0x4DFF,  0x4E00,  0x4F60, 0x9FA5, 0x9FA6,
       0xAC00, 0xE000, 0xFE0F, 0xFF01, 0xFFFD, 0x1F600, 0x20000, 0xE0001, 0x10FFFF});
  std::string text;
  for (std::size_t place = 0; place < code_points; ++place) {
    const char32_t picked = kPicks[generator() % kPicks.size()];
    const std::size_t repeats = generator() % 8 == 0 ? 1 + generator() % 5 : 1;
    for (std::size_t repeat = 0; repeat < repeats; ++repeat) text += utf8_encode(picked);
  }
  return text;
}

}  // namespace fathom
