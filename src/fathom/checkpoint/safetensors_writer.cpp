#include "fathom/checkpoint/safetensors_writer.h"

#include <algorithm>
#include <system_error>
#include <unordered_set>
#include <utility>

#include "fathom/base/error.h"
#include "fathom/checkpoint/fault_list.h"
#include "fathom/checkpoint/safetensors_header.h"
#include "fathom/checkpoint/shard_set.h"

namespace fathom {
namespace {

constexpr std::size_t kDataAlignment = 64;  // the header is padded with spaces until the data begins at a multiple

// A JSON text. Names are UTF-8 already: only quotes, backslashes and control characters need escapes.
std::string json_string(std::string_view text) {
  std::string result = "\"";
  for (const char character : text) {
    const auto code = static_cast<unsigned char>(character);
    if (character == '"' || character == '\\') {
      result += '\\';
      result += character;
    } else if (code < 0x20) {
      result += fmt::format("\\u{:04x}", code);
    } else {
      result += character;
    }
  }
  return result + '"';
}

// Length and JSON of one file's header.
std::string header_of(std::span<const TensorPlan> plan, std::string_view place) {
  std::string text = R"({"__metadata__":{"format":"pt"})";
  std::int64_t offset = 0;
  for (const TensorPlan& tensor : plan) {
    text += fmt::format(R"(,{}:{{"dtype":"{}","shape":[{}],"data_offsets":[{},{}]}})", json_string(tensor.name),
                        name_of(tensor.dtype), fmt::join(tensor.shape, ","), offset, offset + tensor.bytes());
    offset += tensor.bytes();
  }
  text += '}';
  const std::size_t front = sizeof(std::uint64_t);
  text.append((kDataAlignment - (front + text.size()) % kDataAlignment) % kDataAlignment, ' ');
  if (text.size() > kSafetensorsHeaderLimit)
    throw InputError("[safetensors] {}: the header of {} tensors has {} bytes, expected at most {}: use more shards",
                     place, plan.size(), text.size(), kSafetensorsHeaderLimit);
  std::string length;
  for (std::size_t index = 0; index < front; ++index) length += static_cast<char>((text.size() >> (8 * index)) & 0xff);
  return length + text;
}

}  // namespace

std::int64_t TensorPlan::bytes() const {
  std::int64_t count = byte_size(dtype);
  for (const std::int64_t extent : shape) count *= extent;
  return count;
}

SafetensorsWriter::SafetensorsWriter(std::filesystem::path directory, std::vector<TensorPlan> plan, std::int64_t shards)
    : directory_(std::move(directory)), plan_(std::move(plan)) {
  if (shards < 1 || shards > 99999 || std::cmp_greater(shards, std::max<std::size_t>(plan_.size(), 1)))
    throw InputError("[safetensors] {}: {} shards of {} tensors, expected 1 to {}", directory_.string(), shards,
                     plan_.size(), std::min<std::size_t>(plan_.size(), 99999));
  std::unordered_set<std::string_view> names;
  std::int64_t total = 0;
  for (const TensorPlan& tensor : plan_) {
    if (!names.insert(tensor.name).second)
      throw InputError("[safetensors] {}: tensor {} is to be written twice, expected once", directory_.string(),
                       printable(tensor.name));
    total += tensor.bytes();
  }
  // A shard ends with the tensor that reaches its share of the bytes, yet leaves one tensor for each shard to come.
  std::size_t position = 0;
  std::int64_t sum = 0;
  for (std::int64_t shard = 1; shard <= shards; ++shard) {
    const std::size_t begin = position;
    const std::size_t last = plan_.size() - static_cast<std::size_t>(shards - shard);
    const auto share = static_cast<std::int64_t>(static_cast<double>(total) * static_cast<double>(shard) /
                                                 static_cast<double>(shards));
    while (position < last && (position == begin || shard == shards || sum < share)) sum += plan_[position++].bytes();
    shards_.push_back(
        {.name = shards == 1 ? kSingleFile : fmt::format("model-{:05}-of-{:05}.safetensors", shard, shards),
         .begin = begin,
         .end = position});
  }
  std::error_code error;
  std::filesystem::create_directories(directory_, error);
  if (error) throw InputError("[safetensors] cannot make {}: {}", directory_.string(), error.message());
  closed_.reserve(shards_.size());
  open_shard();
  advance();
}

void SafetensorsWriter::open_shard() {
  const Shard& shard = shards_[shard_];
  open_.emplace(directory_ / shard.name);
  open_->write(header_of(std::span(plan_).subspan(shard.begin, shard.end - shard.begin), shard.name));
}

// Past every tensor that is complete, and past the shards that are.
void SafetensorsWriter::advance() {
  while (tensor_ < plan_.size() && written_ == plan_[tensor_].bytes()) {
    written_ = 0;
    ++tensor_;
    if (tensor_ != shards_[shard_].end || shard_ + 1 == shards_.size()) continue;
    open_->close();
    closed_.push_back(std::move(*open_));
    ++shard_;
    open_shard();
  }
}

void SafetensorsWriter::write(std::string_view tensor, std::span<const std::byte> bytes) {
  if (bytes.empty()) return;
  check(tensor_ < plan_.size(), "no bytes come after the last tensor");
  check_equal(tensor, std::string_view(plan_[tensor_].name), "the next tensor of the plan");
  written_ += static_cast<std::int64_t>(bytes.size());
  check(written_ <= plan_[tensor_].bytes(), "a tensor gets no more bytes than its plan says");
  open_->write(bytes);
  advance();
}

std::string SafetensorsWriter::index() const {
  std::int64_t total = 0;
  for (const TensorPlan& tensor : plan_) total += tensor.bytes();
  std::string text = fmt::format("{{\n  \"metadata\": {{\"total_size\": {}}},\n  \"weight_map\": {{", total);
  bool first = true;
  for (const Shard& shard : shards_)
    for (std::size_t position = shard.begin; position < shard.end; ++position) {
      text +=
          fmt::format("{}\n    {}: {}", first ? "" : ",", json_string(plan_[position].name), json_string(shard.name));
      first = false;
    }
  return text + "\n  }\n}\n";
}

void SafetensorsWriter::finish() {
  check_equal(tensor_, plan_.size(), "tensors written");
  open_->close();
  closed_.push_back(std::move(*open_));
  open_.reset();
  std::optional<OutputFile> index_file;
  if (shards_.size() > 1) {
    index_file.emplace(directory_ / kIndexFile);
    index_file->write(index());
    index_file->close();
  }
  for (OutputFile& file : closed_) file.publish();
  if (index_file) index_file->publish();
}

}  // namespace fathom
