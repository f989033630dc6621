// fathom corpus documents: what lies on one side of the hold-out, as text.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "fathom/apps/corpus_commands.h"
#include "fathom/base/error.h"
#include "fathom/corpus/document_copy.h"

namespace fathom {
namespace {

struct DocumentsCommand {
  DocumentCopyOptions copy;
  std::string max_bytes;
  std::string shortest;
  std::string longest;
};

void run_documents(DocumentsCommand command) {
  if (!command.max_bytes.empty()) command.copy.max_bytes = read_byte_count(command.max_bytes);
  if (!command.shortest.empty()) command.copy.shortest = read_byte_count(command.shortest);
  if (!command.longest.empty()) command.copy.longest = read_byte_count(command.longest);
  const DocumentCopyReport report = copy_documents(command.copy, [](std::string_view text) {
    if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size())
      throw InputError("[corpus] standard output took no more than a part of {} bytes", text.size());
  });
  std::fflush(stdout);
  fmt::print(stderr, "{} documents, {} bytes of text; left out: {} documents\n", report.documents, report.bytes,
             report.left_out);
}

}  // namespace

void add_corpus_documents_command(CLI::App& corpus) {
  CLI::App* command = corpus.add_subcommand("documents", "the documents of text files, chosen as a shard's are");
  command->footer(
      R"(Writes them to standard output, parted by lines of one form feed: what a shard of the same flags would hold, as text.
Documents below --shortest or above --longest are left out.

  fathom corpus documents --hold-out test --max-bytes 100kB prose.zst | zstd -19 > held-out.txt.zst)");
  const auto options = std::make_shared<DocumentsCommand>();
  command->add_option("files", options->copy.files, "text files, plain or packed by zstd")->required();
  add_hold_out_option(*command, options->copy.hold_out);
  command->add_option("--max-bytes", options->max_bytes, "of each file, thinned evenly (all)");
  command->add_option("--shortest", options->shortest, "bytes of a document (any)");
  command->add_option("--longest", options->longest, "bytes of a document (any)");
  command->callback([options] { run_documents(*options); });
}

}  // namespace fathom
