#include "fathom/checkpoint/safetensors_header.h"

#include <simdjson.h>

#include <algorithm>
#include <limits>
#include <unordered_set>

#include "fathom/base/error.h"
#include "fathom/checkpoint/fault_list.h"

namespace fathom {
namespace {

namespace dom = simdjson::dom;

constexpr std::size_t kLengthBytes = 8;
constexpr std::size_t kMostDimensions = 8;

std::uint64_t little_endian(std::span<const std::byte> bytes) {
  std::uint64_t value = 0;
  for (std::size_t index = 0; index < kLengthBytes; ++index)
    value |= std::to_integer<std::uint64_t>(bytes[index]) << (8 * index);
  return value;
}

// The JSON text; every way its length can lie is refused here.
std::string_view header_text(std::span<const std::byte> file, std::string_view place) {
  if (file.size() < kLengthBytes)
    throw InputError("[safetensors] {}: the file has {} bytes, expected at least {}", place, file.size(), kLengthBytes);
  const std::uint64_t length = little_endian(file);
  const std::uint64_t rest = file.size() - kLengthBytes;
  if (length > kSafetensorsHeaderLimit)
    throw InputError("[safetensors] {}: the header's length is {}, expected at most {}", place, length,
                     kSafetensorsHeaderLimit);
  if (length > rest)
    throw InputError("[safetensors] {}: the header's length is {}, expected at most the {} bytes that follow", place,
                     length, rest);
  const std::string_view text(reinterpret_cast<const char*>(file.data()) + kLengthBytes, length);
  if (text.empty() || text.front() != '{')
    throw InputError("[safetensors] {}: the header begins with {}, expected an object", place,
                     text.empty() ? "nothing" : fmt::format("byte 0x{:02x}", static_cast<unsigned char>(text.front())));
  return text;
}

// One tensor's entry. Errors name the file and the tensor.
class EntryReader {
 public:
  EntryReader(std::string_view place, std::string_view name, std::span<const std::byte> data)
      : place_(place), name_(name), data_(data) {}

  SafetensorsTensor read(dom::element entry) {
    dom::object fields;
    if (entry.get(fields) != simdjson::SUCCESS) refuse("is no object, expected dtype, shape and data_offsets");
    for (const dom::key_value_pair field : fields) {
      if (field.key == "dtype") {
        once(has_dtype_, "dtype");
        read_dtype(field.value);
      } else if (field.key == "shape") {
        once(has_shape_, "shape");
        tensor_.shape = integers(field.value, "shape", kMostDimensions);
      } else if (field.key == "data_offsets") {
        once(has_offsets_, "data_offsets");
        offsets_ = integers(field.value, "data_offsets", 2);
      } else {
        refuse(fmt::format("has the field {}, expected dtype, shape and data_offsets", printable(field.key)));
      }
    }
    if (!has_dtype_ || !has_shape_ || !has_offsets_) refuse("lacks a field, expected dtype, shape and data_offsets");
    place_bytes();
    tensor_.name = std::string(name_);
    return std::move(tensor_);
  }

 private:
  [[noreturn]] void refuse(std::string_view what) const {
    throw InputError("[safetensors] {}: tensor {} {}", place_, printable(name_), what);
  }
  void once(bool& seen, std::string_view field) const {
    if (seen) refuse(fmt::format("has {} twice, expected once", field));
    seen = true;
  }
  void read_dtype(dom::element value) {
    std::string_view text;
    if (value.get(text) != simdjson::SUCCESS) refuse("has a dtype that is no text");
    const auto dtype = dtype_from_name(text);
    if (!dtype) {
      std::vector<std::string_view> names;
      for (const DType known : kAllDTypes) names.push_back(name_of(known));
      refuse(fmt::format("has dtype {}, expected one of {}", printable(text), fmt::join(names, ", ")));
    }
    tensor_.dtype = *dtype;
  }
  std::vector<std::int64_t> integers(dom::element value, std::string_view field, std::size_t most) const {
    dom::array list;
    if (value.get(list) != simdjson::SUCCESS) refuse(fmt::format("has a {} that is no list", field));
    std::vector<std::int64_t> numbers;
    for (const dom::element element : list) {
      std::int64_t number = 0;
      if (element.get(number) != simdjson::SUCCESS || number < 0)
        refuse(fmt::format("has {} in {}, expected whole numbers from 0 to 2^63 - 1",
                           printable(simdjson::minify(element)), field));
      if (numbers.size() == most)
        refuse(fmt::format("has more than {} numbers in {}, expected at most {}", most, field, most));
      numbers.push_back(number);
    }
    return numbers;
  }
  void place_bytes() {
    if (offsets_.size() != 2) refuse(fmt::format("has {} data_offsets, expected 2: begin and end", offsets_.size()));
    const std::int64_t begin = offsets_[0];
    const std::int64_t end = offsets_[1];
    if (begin > end) refuse(fmt::format("begins at {} and ends at {}, expected no end before its begin", begin, end));
    std::int64_t bytes = byte_size(tensor_.dtype);
    for (const std::int64_t extent : tensor_.shape)
      if (__builtin_mul_overflow(bytes, extent, &bytes))
        refuse(fmt::format("has shape {}, expected fewer than 2^63 bytes", shape_text(tensor_.shape)));
    if (end - begin != bytes)
      refuse(fmt::format("has {} bytes from {} to {}, expected {} for {} {}", end - begin, begin, end, bytes,
                         name_of(tensor_.dtype), shape_text(tensor_.shape)));
    if (static_cast<std::uint64_t>(end) > data_.size())
      refuse(fmt::format("ends at byte {} of the data, expected at most {}: the file is truncated or its offsets lie",
                         end, data_.size()));
    tensor_.bytes = data_.subspan(static_cast<std::size_t>(begin), static_cast<std::size_t>(bytes));
  }

  std::string_view place_;
  std::string_view name_;
  std::span<const std::byte> data_;
  SafetensorsTensor tensor_;
  std::vector<std::int64_t> offsets_;
  bool has_dtype_ = false;
  bool has_shape_ = false;
  bool has_offsets_ = false;
};

void read_metadata(dom::element entry, std::string_view place, std::map<std::string, std::string>& metadata) {
  dom::object fields;
  if (entry.get(fields) != simdjson::SUCCESS)
    throw InputError("[safetensors] {}: __metadata__ is no object, expected texts by name", place);
  for (const dom::key_value_pair field : fields) {
    std::string_view text;
    if (field.value.get(text) != simdjson::SUCCESS)
      throw InputError("[safetensors] {}: __metadata__ {} is no text, expected one", place, printable(field.key));
    metadata.insert_or_assign(std::string(field.key), std::string(text));
  }
}

// Sorts by place in the file and requires that the tensors tile the data.
void check_tiling(std::vector<SafetensorsTensor>& tensors, std::span<const std::byte> data, std::string_view place) {
  std::stable_sort(tensors.begin(), tensors.end(), [](const SafetensorsTensor& left, const SafetensorsTensor& right) {
    return std::pair(left.bytes.data(), left.bytes.size()) < std::pair(right.bytes.data(), right.bytes.size());
  });
  const std::byte* cursor = data.data();
  const SafetensorsTensor* previous = nullptr;
  for (const SafetensorsTensor& tensor : tensors) {
    if (tensor.bytes.data() < cursor)
      throw InputError("[safetensors] {}: tensor {} begins at byte {} of the data, expected {}: it overlaps {}", place,
                       printable(tensor.name), tensor.bytes.data() - data.data(), cursor - data.data(),
                       printable(previous->name));
    if (tensor.bytes.data() > cursor)
      throw InputError(
          "[safetensors] {}: tensor {} begins at byte {} of the data, expected {}: {} bytes before it "
          "belong to no tensor",
          place, printable(tensor.name), tensor.bytes.data() - data.data(), cursor - data.data(),
          tensor.bytes.data() - cursor);
    cursor = tensor.bytes.data() + tensor.bytes.size();
    previous = &tensor;
  }
  const std::byte* end = data.data() + data.size();
  if (cursor != end)
    throw InputError("[safetensors] {}: the data has {} bytes, expected {}: the last {} belong to no tensor", place,
                     data.size(), cursor - data.data(), end - cursor);
}

}  // namespace

std::int64_t SafetensorsTensor::elements() const { return static_cast<std::int64_t>(bytes.size()) / byte_size(dtype); }

SafetensorsHeader parse_safetensors(std::span<const std::byte> file, std::string_view place) {
  const std::string_view text = header_text(file, place);
  const std::span<const std::byte> data = file.subspan(kLengthBytes + text.size());
  dom::parser parser;
  dom::element root;
  if (const auto error = parser.parse(text.data(), text.size(), true).get(root); error != simdjson::SUCCESS)
    throw InputError("[safetensors] {}: the header is not JSON: {}", place, simdjson::error_message(error));
  dom::object entries;
  if (root.get(entries) != simdjson::SUCCESS) throw InputError("[safetensors] {}: the header is no object", place);

  SafetensorsHeader header;
  std::unordered_set<std::string_view> names;
  for (const dom::key_value_pair entry : entries) {
    if (!names.insert(entry.key).second)
      throw InputError("[safetensors] {}: {} stands in the header twice, expected once", place, printable(entry.key));
    if (entry.key == "__metadata__") {
      read_metadata(entry.value, place, header.metadata);
    } else {
      header.tensors.push_back(EntryReader(place, entry.key, data).read(entry.value));
    }
  }
  check_tiling(header.tensors, data, place);
  return header;
}

}  // namespace fathom
