#include "fathom/corpus/text_shard.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

#include "fathom/base/error.h"
#include "fathom/base/thread_pool.h"
#include "fathom/chat/markers.h"
#include "fathom/corpus/fill_in_the_middle.h"
#include "fathom/corpus/text_documents.h"

namespace fathom {
namespace {

constexpr std::size_t kBatchBytes = std::size_t{4} << 20;  // of text, read before the threads encode it

struct Item {
  std::string text;
  bool rearranged = false;
  std::vector<std::int32_t> ids;
};

class TextShardBuilder {
 public:
  TextShardBuilder(const TextShardOptions& options, const Tokenizer& tokenizer, TokenShardWriter& writer)
      : options_(options),
        tokenizer_(tokenizer),
        writer_(writer),
        pool_(options.threads),
        begin_(required(marker::begin_of_sentence)),
        end_(required(marker::end_of_sentence)) {
    if (options.fim_rate > 0.0)
      for (const std::string_view token : {"<｜fim▁begin｜>", "<｜fim▁hole｜>", "<｜fim▁end｜>"}) required(token);
  }

  void add_file(const std::filesystem::path& path, const std::function<void(double)>& progress) {
    std::optional<Thinning> thinning;
    if (options_.max_bytes > 0) thinning.emplace(selected_bytes(path, options_.hold_out), options_.max_bytes);
    TextDocuments documents(path);
    for (std::string document; documents.next(document);) {
      if (!selects(document, thinning)) continue;
      for (const std::string_view piece : split_long(document, options_.longest)) add_piece(piece);
      if (batch_bytes_ >= kBatchBytes) write_batch();
      progress(documents.share());
    }
    write_batch();
  }

  const TextShardReport& report() const { return report_; }

 private:
  std::int32_t required(std::string_view token) const {
    const auto id = tokenizer_.added_token(token);
    if (!id) throw InputError("[corpus] the tokenizer has no token {}, which every document needs", token);
    return *id;
  }

  bool selects(std::string_view document, std::optional<Thinning>& thinning) {
    if (is_near_empty(document)) {
      ++report_.near_empty;
    } else if (!belongs_to(options_.hold_out, document)) {
      ++report_.elsewhere;
    } else if (thinning && !thinning->takes(document.size())) {
      ++report_.thinned;
    } else {
      return true;
    }
    return false;
  }

  void add_piece(std::string_view piece) {
    if (!wants_fill_in_the_middle(piece, options_.fim_rate, options_.seed)) return add_item(piece, false);
    for (const std::string_view part : split_long(piece, options_.fim_longest)) add_item(part, true);
  }

  void add_item(std::string_view text, bool rearranged) {
    batch_bytes_ += text.size();
    batch_.push_back({.text = std::string(text), .rearranged = rearranged, .ids = {}});
  }

  // Text that spells an added token would become one: such documents are found before they are rearranged.
  void encode(Item& item) const {
    const std::vector<std::int32_t> plain = tokenizer_.encode(item.text);
    if (std::any_of(plain.begin(), plain.end(), [&](std::int32_t id) { return tokenizer_.is_added(id); })) return;
    item.ids.push_back(begin_);
    const std::vector<std::int32_t> body =
        item.rearranged ? tokenizer_.encode(fill_in_the_middle(item.text, options_.seed)) : plain;
    item.ids.insert(item.ids.end(), body.begin(), body.end());
    item.ids.push_back(end_);
  }

  void write_batch() {
    pool_.parallel_for(static_cast<std::int64_t>(batch_.size()), 1,
                       [&](std::int64_t first, std::int64_t last, std::int64_t) {
                         for (std::int64_t item = first; item < last; ++item)
                           encode(batch_[static_cast<std::size_t>(item)]);
                       });
    for (const Item& item : batch_) {
      if (item.ids.empty()) {
        ++report_.with_markers;
        continue;
      }
      writer_.add(item.ids);
      ++report_.documents;
      report_.rearranged += item.rearranged ? 1 : 0;
      report_.bytes += item.text.size();
    }
    batch_.clear();
    batch_bytes_ = 0;
  }

  const TextShardOptions& options_;
  const Tokenizer& tokenizer_;
  TokenShardWriter& writer_;
  ThreadPool pool_;
  std::int32_t begin_ = 0;
  std::int32_t end_ = 0;
  std::vector<Item> batch_;
  std::size_t batch_bytes_ = 0;
  TextShardReport report_;
};

void require_options(const TextShardOptions& options) {
  if (!(options.fim_rate >= 0.0 && options.fim_rate <= 1.0))
    throw InputError("[corpus] a fill-in-the-middle rate of {}, expected 0 to 1", options.fim_rate);
  for (const std::size_t bytes : {options.longest, options.fim_longest})
    if (bytes < 64) throw InputError("[corpus] documents of at most {} bytes, expected 64 or more", bytes);
}

}  // namespace

std::uint64_t selected_bytes(const std::filesystem::path& file, HoldOut hold_out) {
  TextDocuments documents(file);
  std::uint64_t bytes = 0;
  for (std::string document; documents.next(document);)
    if (!is_near_empty(document) && belongs_to(hold_out, document)) bytes += document.size();
  return bytes;
}

TextShardReport write_text_shard(const TextShardOptions& options, const Tokenizer& tokenizer, TokenShardWriter& writer,
                                 const std::function<void(double share)>& progress) {
  require_options(options);
  TextShardBuilder builder(options, tokenizer, writer);
  const auto files = static_cast<double>(options.files.size());
  for (std::size_t file = 0; file < options.files.size(); ++file)
    builder.add_file(options.files[file], [&](double share) { progress((static_cast<double>(file) + share) / files); });
  return builder.report();
}

}  // namespace fathom
