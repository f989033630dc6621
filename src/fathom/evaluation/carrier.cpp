#include "fathom/evaluation/carrier.h"

#include <algorithm>

#include "fathom/base/error.h"
#include "fathom/corpus/text_documents.h"

namespace fathom {
namespace {

bool is_lower(char byte) { return byte >= 'a' && byte <= 'z'; }
bool is_upper(char byte) { return byte >= 'A' && byte <= 'Z'; }

}  // namespace

std::vector<std::size_t> sentence_ends(std::string_view text) {
  std::vector<std::size_t> ends;
  for (std::size_t at = 1; at + 2 < text.size(); ++at) {
    const bool stop = is_lower(text[at - 1]) && text[at] == '.' && text[at + 1] == ' ' && is_upper(text[at + 2]);
    if (stop || (text[at] == '\n' && text[at + 1] == '\n' && text[at + 2] != '\n')) ends.push_back(at + 2);
  }
  return ends;
}

Carrier::Carrier(std::span<const std::filesystem::path> files, const Tokenizer& tokenizer) {
  for (const std::filesystem::path& file : files) {
    TextDocuments documents(file);
    for (std::string document; documents.next(document);) text_ += document + "\n\n";
  }
  sentences_ = sentence_ends(text_);
  if (sentences_.empty())
    throw InputError("[evaluation] the carrier's {} files hold no sentence in {} bytes", files.size(), text_.size());
  sentences_.insert(sentences_.begin(), 0);
  sentences_.push_back(text_.size());
  std::size_t byte = 0;
  std::int64_t tokens = 0;
  for (const std::int32_t id : tokenizer.encode(text_)) {
    byte += tokenizer.piece(id).size();
    ++tokens;
    while (tokens_.size() < sentences_.size() && sentences_[tokens_.size()] <= byte) tokens_.push_back(tokens);
  }
  check_equal(tokens_.size(), sentences_.size(), "sentences of the carrier");
}

std::string Carrier::prose(std::uint64_t place, std::int64_t tokens) const {
  const std::size_t count = sentences_.size() - 1;  // the last one is the end
  std::string prose;
  std::int64_t left = tokens;
  for (std::size_t begin = place % count; left > 0; begin = 0) {
    // The longest run of sentences that `left` has room for; the first one is taken in any case.
    const auto behind = std::upper_bound(tokens_.begin() + static_cast<std::ptrdiff_t>(begin) + 1, tokens_.end(),
                                         tokens_[begin] + left);
    auto end = static_cast<std::size_t>(behind - tokens_.begin()) - 1;
    if (end == begin && !prose.empty()) break;
    end = std::max(end, begin + 1);
    prose.append(text_, sentences_[begin], sentences_[end] - sentences_[begin]);
    left -= tokens_[end] - tokens_[begin];
    if (end < count) break;  // not at the text's end: what is left is less than a sentence
  }
  prose.erase(prose.find_last_not_of(" \n") + 1);
  return prose;
}

}  // namespace fathom
