#include "fathom/corpus/document_copy.h"

#include <optional>
#include <string>

#include "fathom/corpus/text_documents.h"

namespace fathom {
namespace {

constexpr std::string_view kSeparator = "\n\f\n";

bool is_chosen(std::string_view document, const DocumentCopyOptions& options) {
  return !is_near_empty(document) && belongs_to(options.hold_out, document) && document.size() >= options.shortest &&
         (options.longest == 0 || document.size() <= options.longest);
}

std::uint64_t chosen_bytes(const std::filesystem::path& file, const DocumentCopyOptions& options) {
  TextDocuments documents(file);
  std::uint64_t bytes = 0;
  for (std::string document; documents.next(document);)
    if (is_chosen(document, options)) bytes += document.size();
  return bytes;
}

}  // namespace

DocumentCopyReport copy_documents(const DocumentCopyOptions& options,
                                  const std::function<void(std::string_view)>& write) {
  DocumentCopyReport report;
  for (const std::filesystem::path& file : options.files) {
    std::optional<Thinning> thinning;
    if (options.max_bytes > 0) thinning.emplace(chosen_bytes(file, options), options.max_bytes);
    TextDocuments documents(file);
    for (std::string document; documents.next(document);) {
      if (!is_chosen(document, options) || (thinning && !thinning->takes(document.size()))) {
        ++report.left_out;
        continue;
      }
      if (report.documents > 0) write(kSeparator);
      write(document);
      ++report.documents;
      report.bytes += document.size();
    }
  }
  if (report.documents > 0) write("\n");
  return report;
}

}  // namespace fathom
