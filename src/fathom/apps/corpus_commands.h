// The subcommands of `fathom corpus`.
#pragma once

#include <cstdint>
#include <string>

#include "fathom/corpus/document_selection.h"

namespace CLI {
class App;
}

namespace fathom {

void add_corpus_tokenizer_command(CLI::App& corpus);
void add_corpus_shard_command(CLI::App& corpus);
void add_corpus_documents_command(CLI::App& corpus);
void add_corpus_dialogues_command(CLI::App& corpus);
void add_corpus_show_command(CLI::App& corpus);

// --hold-out train|test|none
void add_hold_out_option(CLI::App& command, HoldOut& hold_out);

// "25M", "512 kB", "1000": k is 1,000. InputError for anything else.
std::uint64_t read_byte_count(const std::string& text);

}  // namespace fathom
