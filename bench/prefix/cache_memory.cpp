// What a sequence's cache takes of memory at a depth, as allocated:  bench_cache_memory [TOKENS, 1048576 when not
// given] A cache of each released model is filled without running it; what the system counts stands beside it.
#include <fmt/format.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>

#include "fathom/model/sequence_cache.h"
#include "fathom/spec/kv_size.h"

namespace fathom {
namespace {

std::int64_t resident_bytes() {
  std::ifstream status("/proc/self/status");
  std::string word;
  while (status >> word)
    if (word == "VmRSS:") {
      std::int64_t kibibytes = 0;
      status >> kibibytes;
      return kibibytes << 10;
    }
  return 0;
}

void measure(const char* preset, std::int64_t tokens) {
  const ModelConfig config = preset_model_config(preset);
  const CacheLayout layout = make_cache_layout(config, CacheStorage::released, 1);
  const std::int64_t before = resident_bytes();
  SequenceCache cache(layout, host_allocator());
  cache.reserve(tokens);
  const auto per_token = [&](std::int64_t bytes) { return static_cast<double>(bytes) / static_cast<double>(tokens); };
  fmt::print(
      "{}: {} tokens, {} bytes of cache, {} of them state; a token {:.1f} bytes, resident {:.1f}, computed {:.1f}\n",
      preset, tokens, cache.bytes(), layout.state_bytes, per_token(cache.bytes()), per_token(resident_bytes() - before),
      kv_bytes_per_token(config));
  std::fflush(stdout);
}

}  // namespace
}  // namespace fathom

int main(int argc, char** argv) {
  const std::int64_t tokens = argc > 1 ? std::atoll(argv[1]) : 1'048'576;
  fathom::measure("deepseek-v4-flash", tokens);
  fathom::measure("deepseek-v4-pro", tokens);
  return 0;
}
