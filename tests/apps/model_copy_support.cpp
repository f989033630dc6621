#include "tests/apps/model_copy_support.h"

#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "fathom/checkpoint/safetensors_file.h"

namespace fathom::testing {

std::string text_of(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  if (!in) throw std::runtime_error("cannot read " + file.string());
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

ModelCopy::ModelCopy(const std::filesystem::path& original) : path_(folder_.path() / original.filename()) {
  std::filesystem::create_directories(path_);
  for (const auto& entry : std::filesystem::directory_iterator(original))
    std::filesystem::create_symlink(std::filesystem::absolute(entry.path()), path_ / entry.path().filename());
}

void ModelCopy::remove(std::string_view file) { std::filesystem::remove(path_ / file); }

void ModelCopy::write(std::string_view file, std::string_view text) {
  std::filesystem::remove(path_ / file);  // never through the link
  std::ofstream(path_ / file, std::ios::binary) << text;
}

void ModelCopy::set_config(const std::string& field, const std::string& value) {
  auto config = nlohmann::json::parse(text_of(path_ / "config.json"));
  config[field] = nlohmann::json::parse(value);
  write("config.json", config.dump());
}

std::vector<ModelCopy::Tensor> ModelCopy::read(std::string_view file) const {
  const SafetensorsFile opened(path_ / file);
  std::vector<Tensor> tensors;
  for (const SafetensorsTensor& tensor : opened.tensors())
    tensors.push_back({.name = tensor.name,
                       .dtype = std::string(name_of(tensor.dtype)),
                       .shape = tensor.shape,
                       .bytes = {reinterpret_cast<const char*>(tensor.bytes.data()), tensor.bytes.size()}});
  return tensors;
}

void ModelCopy::write_tensors(std::string_view file, const std::vector<Tensor>& tensors) {
  nlohmann::ordered_json header;
  std::string data;
  for (const Tensor& tensor : tensors) {
    header[tensor.name] = {{"dtype", tensor.dtype},
                           {"shape", tensor.shape},
                           {"data_offsets", {data.size(), data.size() + tensor.bytes.size()}}};
    data += tensor.bytes;
  }
  const std::string json = header.dump();
  std::string text;
  for (std::size_t byte = 0; byte < 8; ++byte) text += static_cast<char>((json.size() >> (8 * byte)) & 0xff);
  write(file, text + json + data);
}

namespace {

template <typename Tensors>
auto& at(Tensors& tensors, std::string_view name) {
  for (auto& tensor : tensors)
    if (tensor.name == name) return tensor;
  throw std::runtime_error("no tensor " + std::string(name));
}

}  // namespace

void ModelCopy::set_bytes(std::string_view file, std::string_view tensor, std::int64_t offset,
                          std::span<const std::byte> bytes) {
  auto tensors = read(file);
  at(tensors, tensor)
      .bytes.replace(static_cast<std::size_t>(offset), bytes.size(), reinterpret_cast<const char*>(bytes.data()),
                     bytes.size());
  write_tensors(file, tensors);
}

void ModelCopy::cut_rows(std::string_view file, std::string_view tensor, std::int64_t rows) {
  auto tensors = read(file);
  Tensor& cut = at(tensors, tensor);
  cut.bytes.resize(cut.bytes.size() / static_cast<std::size_t>(cut.shape.front()) * static_cast<std::size_t>(rows));
  cut.shape.front() = rows;
  write_tensors(file, tensors);
}

void ModelCopy::rename(std::string_view file, std::string_view tensor, const std::string& name) {
  auto tensors = read(file);
  at(tensors, tensor).name = name;
  write_tensors(file, tensors);
}

}  // namespace fathom::testing
