#include "fathom/trainer/state_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <torch/torch.h>
#include <unistd.h>
#include <xxhash.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <memory>
#include <nlohmann/json.hpp>
#include <span>

#include "fathom/base/error.h"
#include "fathom/base/output_file.h"
#include "fathom/checkpoint/safetensors_file.h"

namespace fathom::train {
namespace {

constexpr std::size_t kKept = 2;  // states: the newest, and one to fall back on
constexpr std::string_view kFormat = "fathom training state 1";

struct Hash {
  struct Free {
    void operator()(XXH3_state_t* state) const { XXH3_freeState(state); }
  };
  std::unique_ptr<XXH3_state_t, Free> state{XXH3_createState()};
  Hash() { XXH3_64bits_reset(state.get()); }
  void add(std::span<const std::byte> bytes) { XXH3_64bits_update(state.get(), bytes.data(), bytes.size()); }
  void add(std::string_view text) { XXH3_64bits_update(state.get(), text.data(), text.size()); }
  std::string digest() const { return fmt::format("{:016x}", XXH3_64bits_digest(state.get())); }
};

constexpr std::array<std::pair<torch::ScalarType, DType>, 4> kTypes = {{{torch::kFloat32, DType::f32},
                                                                        {torch::kInt64, DType::i64},
                                                                        {torch::kInt32, DType::i32},
                                                                        {torch::kUInt8, DType::u8}}};

DType stored_type(const std::string& name, torch::ScalarType type) {
  for (const auto& [torch_type, dtype] : kTypes)
    if (torch_type == type) return dtype;
  throw InternalError("[state] {} is of a type that a state does not keep", name);
}

torch::ScalarType torch_type(const std::filesystem::path& file, const SafetensorsTensor& tensor) {
  for (const auto& [type, dtype] : kTypes)
    if (dtype == tensor.dtype) return type;
  throw InputError("[state] {}: {} is {}, expected F32, I64, I32 or U8", file.string(), tensor.name,
                   name_of(tensor.dtype));
}

std::span<const std::byte> bytes_of(const torch::Tensor& tensor) {
  return {static_cast<const std::byte*>(tensor.data_ptr()), static_cast<std::size_t>(tensor.nbytes())};
}

void sync_folder(const std::filesystem::path& folder) {
  const int descriptor = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) return;  // a file system without it; the rename itself stands
  ::fsync(descriptor);
  ::close(descriptor);
}

}  // namespace

void StateFolder::write(const StateFile& state) const {
  std::filesystem::create_directories(folder_);
  NamedTensors host;
  Hash hash;
  hash.add(state.text);
  nlohmann::ordered_json header;
  header["__metadata__"] = nlohmann::ordered_json::object();
  std::int64_t offset = 0;
  for (const auto& [name, tensor] : state.tensors) {
    host.emplace_back(name, tensor.detach().to(torch::kCPU).contiguous());
    const torch::Tensor& copy = host.back().second;
    const auto bytes = static_cast<std::int64_t>(copy.nbytes());
    header[name] = {{"dtype", name_of(stored_type(name, copy.scalar_type()))},
                    {"shape", copy.sizes().vec()},
                    {"data_offsets", {offset, offset + bytes}}};
    offset += bytes;
    hash.add(name);
    hash.add(bytes_of(copy));
  }
  header["__metadata__"] = {
      {"format", kFormat}, {"step", fmt::format("{}", state.step)}, {"state", state.text}, {"xxh3", hash.digest()}};
  std::string front = header.dump();
  front.append((8 - front.size() % 8) % 8, ' ');
  OutputFile file(folder_ / fmt::format("step-{:08}.safetensors", state.step));
  const auto length = static_cast<std::uint64_t>(front.size());
  std::array<std::byte, 8> prefix{};
  for (std::size_t place = 0; place < prefix.size(); ++place)
    prefix[place] = static_cast<std::byte>((length >> (8 * place)) & 0xff);
  file.write(prefix);
  file.write(front);
  for (const auto& entry : host) file.write(bytes_of(entry.second));
  file.close();
  file.publish();
  sync_folder(folder_);
  const std::vector<std::filesystem::path> all = files();
  for (std::size_t place = 0; place + kKept < all.size(); ++place) std::filesystem::remove(all[place]);
}

std::vector<std::filesystem::path> StateFolder::files() const {
  std::vector<std::filesystem::path> result;
  if (!std::filesystem::is_directory(folder_)) return result;
  for (const auto& entry : std::filesystem::directory_iterator(folder_)) {
    const std::string name = entry.path().filename().string();
    if (name.starts_with("step-") && name.ends_with(".safetensors")) result.push_back(entry.path());
  }
  std::sort(result.begin(), result.end(), [](const auto& left, const auto& right) {
    const std::string a = left.filename().string();
    const std::string b = right.filename().string();
    return std::pair(a.size(), a) < std::pair(b.size(), b);  // more digits, a later step
  });
  return result;
}

std::optional<StateFile> StateFolder::read_newest(std::vector<std::string>& warnings) const {
  const std::vector<std::filesystem::path> all = files();
  for (auto file = all.rbegin(); file != all.rend(); ++file) {
    try {
      return read_state(*file);
    } catch (const InputError& error) {
      warnings.push_back(error.what());
    }
  }
  return std::nullopt;
}

StateFile read_state(const std::filesystem::path& path) {
  const SafetensorsFile file(path);
  const auto metadata = [&](const char* key) {
    const auto found = file.metadata().find(key);
    if (found == file.metadata().end()) throw InputError("[state] {} has no \"{}\": no state", path.string(), key);
    return found->second;
  };
  if (metadata("format") != kFormat)
    throw InputError("[state] {} is \"{}\", expected \"{}\"", path.string(), metadata("format"), kFormat);
  StateFile state;
  state.text = metadata("state");
  Hash hash;
  hash.add(state.text);
  for (const SafetensorsTensor& tensor : file.tensors()) {
    torch::Tensor copy = torch::empty(tensor.shape, torch_type(path, tensor));
    check_equal(static_cast<std::size_t>(copy.nbytes()), tensor.bytes.size(), "bytes of a state's tensor");
    if (!tensor.bytes.empty()) std::memcpy(copy.data_ptr(), tensor.bytes.data(), tensor.bytes.size());
    hash.add(tensor.name);
    hash.add(tensor.bytes);
    state.tensors.emplace_back(tensor.name, copy);
  }
  if (hash.digest() != metadata("xxh3"))
    throw InputError("[state] {} is damaged: its checksum is {}, expected {}", path.string(), hash.digest(),
                     metadata("xxh3"));
  try {
    state.step = std::stoll(metadata("step"));
  } catch (const std::exception&) {
    throw InputError("[state] {} has step \"{}\", expected a number", path.string(), metadata("step"));
  }
  return state;
}

}  // namespace fathom::train
