// Encodes a file's documents (split by U+000C) once a line of standard input asks for it: prints seconds, seconds of
// processor time, tokens and a checksum of the ids. bench/tokenizer/run drives it in turn with Hugging Face's engine.
#include <fmt/format.h>

#include <chrono>
#include <cstdio>
#include <ctime>
#include <iostream>
#include <string>
#include <vector>

#include "fathom/base/mapped_file.h"
#include "fathom/tokenizer/tokenizer.h"

namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

double processor_seconds() {
  timespec time{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

std::vector<std::string> documents(const std::string& text) {
  std::vector<std::string> result;
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find('\f', begin), text.size());
    result.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return result;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  const auto load = Clock::now();
  const fathom::Tokenizer tokenizer = fathom::Tokenizer::deepseek_v4();
  fmt::print("load {:.4f}\n", seconds_since(load));
  std::fflush(stdout);
  const std::vector<std::string> texts = documents(fathom::read_text_file(argv[1]));
  for (std::string line; std::getline(std::cin, line);) {
    std::vector<std::vector<std::int32_t>> encoded;
    encoded.reserve(texts.size());
    const auto start = Clock::now();
    const double processor_start = processor_seconds();
    for (const std::string& text : texts) encoded.push_back(tokenizer.encode(text));
    const double encode_seconds = seconds_since(start);
    const double processor = processor_seconds() - processor_start;
    std::uint32_t checksum = 2166136261U;
    std::size_t tokens = 0;
    for (const auto& ids : encoded) {
      tokens += ids.size();
      for (const std::int32_t id : ids) checksum = (checksum ^ static_cast<std::uint32_t>(id)) * 16777619U;
    }
    fmt::print("encode {:.4f} {:.4f} {} {:08x}\n", encode_seconds, processor, tokens, checksum);
    std::fflush(stdout);
  }
  return 0;
}
