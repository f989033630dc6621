#include "fathom/checkpoint/shard_set.h"

#include <simdjson.h>

#include <algorithm>
#include <map>
#include <string>
#include <system_error>
#include <unordered_map>
#include <utility>

#include "fathom/base/error.h"
#include "fathom/checkpoint/fault_list.h"

namespace fathom {
namespace {

namespace fs = std::filesystem;
namespace dom = simdjson::dom;

using Index = std::vector<std::pair<std::string, std::string>>;  // tensor, shard; as the file orders them

// A shard stands beside its index: a path that leads elsewhere is no shard's name.
bool is_file_name(std::string_view name) {
  return !name.empty() && name != "." && name != ".." && name.find('/') == std::string_view::npos &&
         name.find('\0') == std::string_view::npos;
}

Index read_index(const fs::path& file) {
  const std::string text = read_text_file(file, kSafetensorsHeaderLimit);
  const std::string place = file.string();
  dom::parser parser;
  dom::element root;
  if (const auto error = parser.parse(text).get(root); error != simdjson::SUCCESS)
    throw InputError("[checkpoint] {}: not JSON: {}", place, simdjson::error_message(error));
  dom::object map;
  if (root["weight_map"].get(map) != simdjson::SUCCESS)
    throw InputError("[checkpoint] {}: weight_map is missing or no object, expected a shard by tensor", place);
  Index index;
  for (const dom::key_value_pair entry : map) {
    std::string_view shard;
    if (entry.value.get(shard) != simdjson::SUCCESS || !is_file_name(shard))
      throw InputError("[checkpoint] {}: tensor {} lies in {}, expected the name of a file beside the index", place,
                       printable(entry.key), printable(simdjson::minify(entry.value)));
    index.emplace_back(entry.key, shard);
  }
  if (index.empty()) throw InputError("[checkpoint] {}: weight_map names no tensor", place);
  return index;
}

// Both ways: what the index names is where it says, and what the shards hold is named.
void check_index(const Index& index, const std::vector<SafetensorsFile>& files, const fs::path& index_file) {
  FaultList faults;
  std::unordered_map<std::string_view, std::string_view> shard_of;
  for (const auto& [tensor, shard] : index)
    if (!shard_of.emplace(tensor, shard).second)
      faults.add(fmt::format("tensor {} is named twice, expected once", printable(tensor)));
  std::unordered_map<std::string_view, std::string> found_in;
  for (const SafetensorsFile& file : files) {
    const std::string shard = file.path().filename().string();
    for (const SafetensorsTensor& tensor : file.tensors()) {
      const auto [earlier, first] = found_in.emplace(tensor.name, shard);
      if (!first)
        faults.add(fmt::format("tensor {} lies in {} and again in {}, expected one place", printable(tensor.name),
                               printable(earlier->second), printable(shard)));
      const auto named = shard_of.find(tensor.name);
      if (named == shard_of.end()) {
        faults.add(fmt::format("unexpected tensor {} in {}: the index does not name it", printable(tensor.name),
                               printable(shard)));
      } else if (named->second != shard && first) {
        faults.add(fmt::format("tensor {} lies in {}, expected {}", printable(tensor.name), printable(shard),
                               printable(named->second)));
      }
    }
  }
  for (const auto& [tensor, shard] : index)
    if (found_in.find(tensor) == found_in.end())
      faults.add(fmt::format("tensor {} is missing, expected in {}", printable(tensor), printable(shard)));
  faults.throw_if_any("checkpoint", index_file.string());
}

std::vector<SafetensorsFile> open_indexed(const fs::path& directory) {
  const fs::path index_file = directory / kIndexFile;
  const Index index = read_index(index_file);
  std::map<std::string, std::string> shards;  // shard, and a tensor that needs it
  for (const auto& [tensor, shard] : index) shards.emplace(shard, tensor);
  std::error_code ignored;
  for (const auto& [shard, tensor] : shards)
    if (!fs::is_regular_file(directory / shard, ignored))
      throw InputError("[checkpoint] {}: shard {} is missing in the directory, expected for tensor {}",
                       index_file.string(), printable(shard), printable(tensor));
  std::vector<SafetensorsFile> files;
  files.reserve(shards.size());
  for (const auto& [shard, tensor] : shards) files.emplace_back(directory / shard);
  check_index(index, files, index_file);
  return files;
}

// The only safetensors file of the directory that is no goldens file.
fs::path single_file(const fs::path& directory) {
  std::error_code error;
  if (fs::exists(directory / kSingleFile, error)) return directory / kSingleFile;
  std::vector<fs::path> candidates;
  for (fs::directory_iterator entry(directory, error), end; !error && entry != end; entry.increment(error)) {
    const fs::path& path = entry->path();
    if (path.extension() == ".safetensors" && !path.filename().string().starts_with("goldens-"))
      candidates.push_back(path);
  }
  if (error) throw InputError("[checkpoint] cannot read {}: {}", directory.string(), error.message());
  if (candidates.size() == 1) return candidates.front();
  throw InputError("[checkpoint] {}: found {} safetensors files, expected {}, {} or one file", directory.string(),
                   candidates.size(), kSingleFile, kIndexFile);
}

}  // namespace

std::vector<SafetensorsFile> open_shards(const std::filesystem::path& directory) {
  std::error_code ignored;
  if (fs::exists(directory / kIndexFile, ignored)) return open_indexed(directory);
  std::vector<SafetensorsFile> files;
  files.emplace_back(single_file(directory));
  return files;
}

}  // namespace fathom
