#include "fathom/checkpoint/reshard.h"

#include <system_error>
#include <vector>

#include "fathom/base/error.h"
#include "fathom/checkpoint/safetensors_writer.h"
#include "fathom/checkpoint/shard_set.h"

namespace fathom {
namespace {

namespace fs = std::filesystem;

std::vector<fs::path> files_in(const fs::path& directory) {
  std::vector<fs::path> files;
  std::error_code error;
  for (fs::directory_iterator entry(directory, error), end; !error && entry != end; entry.increment(error))
    if (entry->is_regular_file(error)) files.push_back(entry->path());
  if (error) throw InputError("[checkpoint] cannot read {}: {}", directory.string(), error.message());
  return files;
}

bool belongs_to_checkpoint(const fs::path& file) {
  return file.extension() == ".safetensors" || file.filename() == kIndexFile;
}

}  // namespace

void require_no_checkpoint(const std::filesystem::path& directory) {
  std::error_code ignored;
  if (!fs::exists(directory, ignored)) return;
  for (const fs::path& file : files_in(directory))
    if (belongs_to_checkpoint(file) || file.filename() == "config.json")
      throw InputError("[checkpoint] {} holds {} already, expected a directory without a checkpoint",
                       directory.string(), file.filename().string());
}

void reshard_checkpoint(const std::filesystem::path& source, const std::filesystem::path& target, std::int64_t shards) {
  require_no_checkpoint(target);
  const std::vector<SafetensorsFile> files = open_shards(source);
  std::vector<TensorPlan> plan;
  for (const SafetensorsFile& file : files)
    for (const SafetensorsTensor& tensor : file.tensors())
      plan.push_back({.name = tensor.name, .dtype = tensor.dtype, .shape = tensor.shape});
  SafetensorsWriter writer(target, std::move(plan), shards);
  for (const SafetensorsFile& file : files)
    for (const SafetensorsTensor& tensor : file.tensors()) writer.write(tensor.name, tensor.bytes);
  writer.finish();
  for (const fs::path& file : files_in(source)) {
    if (belongs_to_checkpoint(file)) continue;
    std::error_code error;
    fs::copy_file(file, target / file.filename(), error);
    if (error) throw InputError("[checkpoint] cannot copy {}: {}", file.string(), error.message());
  }
}

}  // namespace fathom
