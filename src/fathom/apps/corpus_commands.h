// The subcommands of `fathom corpus`.
#pragma once

#include <cstdint>
#include <string>

namespace CLI {
class App;
}

namespace fathom {

void add_corpus_tokenizer_command(CLI::App& corpus);
void add_corpus_shard_command(CLI::App& corpus);
void add_corpus_dialogues_command(CLI::App& corpus);
void add_corpus_show_command(CLI::App& corpus);

// "25M", "512 kB", "1000": k is 1,000. InputError for anything else.
std::uint64_t read_byte_count(const std::string& text);

}  // namespace fathom
