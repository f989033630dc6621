#include <CLI/CLI.hpp>

#include <cstdio>
#include <fstream>
#include <iterator>
#include <sstream>

#include "fathom/apps/backend_choice.h"
#include "fathom/apps/commands.h"
#include "fathom/base/mapped_file.h"
#include "fathom/checkpoint/checkpoint.h"
#include "fathom/model/transformer.h"
#include "fathom/spec/model_size.h"

namespace fathom {
namespace {

struct LogitsOptions {
  std::string directory;
  std::string ids_file;
  std::string out_file;
  std::string cache = "released";
  std::int64_t chunk = 512;
  BackendChoice backend;
};

std::vector<std::int32_t> read_ids(const std::string& file) {
  std::istringstream text(read_text_file(file));
  std::vector<std::int32_t> ids{std::istream_iterator<std::int32_t>(text), std::istream_iterator<std::int32_t>()};
  if (!text.eof()) throw InputError("[logits] {}: not a list of token ids after the first {}", file, ids.size());
  if (ids.empty()) throw InputError("[logits] {} holds no token ids", file);
  return ids;
}

void run_logits(const LogitsOptions& options) {
  const std::vector<std::int32_t> ids = read_ids(options.ids_file);
  const auto checkpoint = std::make_shared<const Checkpoint>(Checkpoint::open(options.directory));
  const auto backend = make_backend(options.backend, model_size(checkpoint->config()).stored.bytes);
  Transformer transformer(checkpoint, *backend,
                          {.storage = cache_storage(options.cache), .step_tokens = options.chunk});
  std::ofstream out(options.out_file, std::ios::binary);
  if (!out) throw InputError("[logits] cannot write {}", options.out_file);
  SequenceCache cache = transformer.make_cache();
  std::vector<float> row;
  while (cache.tokens() < std::ssize(ids)) {
    const std::int64_t length = std::min(options.chunk, std::ssize(ids) - cache.tokens());
    const BatchRun run{
        .cache = &cache,
        .ids = std::span(ids).subspan(static_cast<std::size_t>(cache.tokens()), static_cast<std::size_t>(length))};
    const auto logits = transformer.forward({&run, 1});
    row.resize(static_cast<std::size_t>(logits.size()));
    backend->download(reinterpret_cast<const std::byte*>(logits.data()), std::as_writable_bytes(std::span(row)));
    out.write(reinterpret_cast<const char*>(row.data()), static_cast<std::streamsize>(row.size() * sizeof(float)));
  }
  out.close();
  if (!out) throw InputError("[logits] {} could not be written whole", options.out_file);
  fmt::print("{} rows of {} float32 logits in {}\n", ids.size(), checkpoint->config().vocab, options.out_file);
}

}  // namespace

void add_logits_command(CLI::App& program) {
  auto* command = program.add_subcommand("logits", "write the logits of every position to a file");
  command->footer(
      R"(For comparing fathom with another engine, or one build with another: raw little-endian float32, [tokens, vocab].

  seq 3 70 > ids.txt && fathom logits models/sprat --ids ids.txt --out logits.f32)");
  auto options = std::make_shared<LogitsOptions>();
  command->add_option("directory", options->directory, "checkpoint directory")->required();
  command->add_option("--ids", options->ids_file, "text file of token ids")->required();
  command->add_option("--out", options->out_file, "file to write")->required();
  command->add_option("--cache", options->cache, "released or float32")
      ->check(CLI::IsMember({"released", "float32"}))
      ->capture_default_str();
  command->add_option("--chunk", options->chunk, "tokens per step; changes nothing but the clock")
      ->check(CLI::Range(1, 1 << 20))
      ->capture_default_str();
  add_backend_options(*command, options->backend);
  command->callback([options] { run_logits(*options); });
}

}  // namespace fathom
