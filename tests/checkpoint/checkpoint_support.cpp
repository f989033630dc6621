#include "tests/checkpoint/checkpoint_support.h"

#include <fmt/format.h>

#include <stdexcept>

#include "fathom/checkpoint/safetensors_file.h"

namespace fathom::testing {

LooseTensors oracle_tensors(std::string_view oracle) {
  const SafetensorsFile file(std::filesystem::path(FATHOM_TEST_DATA) / oracle / "model.safetensors");
  LooseTensors tensors;
  for (const SafetensorsTensor& tensor : file.tensors())
    tensors.push_back({.name = tensor.name,
                       .dtype = std::string(name_of(tensor.dtype)),
                       .shape = tensor.shape,
                       .bytes = {reinterpret_cast<const char*>(tensor.bytes.data()), tensor.bytes.size()}});
  return tensors;
}

std::string file_text(std::string_view header, std::string_view data) {
  std::string text;
  for (std::size_t index = 0; index < 8; ++index) text += static_cast<char>((header.size() >> (8 * index)) & 0xff);
  text += header;
  text += data;
  return text;
}

std::string file_text(const LooseTensors& tensors) {
  std::string header = "{";
  std::string data;
  for (const LooseTensor& tensor : tensors) {
    header += fmt::format(R"({}"{}":{{"dtype":"{}","shape":[{}],"data_offsets":[{},{}]}})",
                          header.size() > 1 ? "," : "", tensor.name, tensor.dtype, fmt::join(tensor.shape, ","),
                          data.size(), data.size() + tensor.bytes.size());
    data += tensor.bytes;
  }
  return file_text(header + "}", data);
}

void write_checkpoint(const std::filesystem::path& directory, std::string_view oracle, const LooseTensors& tensors) {
  const std::filesystem::path source = std::filesystem::path(FATHOM_TEST_DATA) / oracle / "config.json";
  std::filesystem::copy_file(source, directory / "config.json", std::filesystem::copy_options::overwrite_existing);
  write_text(directory / "model.safetensors", file_text(tensors));
}

LooseTensor& at(LooseTensors& tensors, std::string_view name) {
  for (LooseTensor& tensor : tensors)
    if (tensor.name == name) return tensor;
  throw std::runtime_error("no tensor " + std::string(name));
}

void erase(LooseTensors& tensors, std::string_view name) {
  const LooseTensor& tensor = at(tensors, name);
  tensors.erase(tensors.begin() + (&tensor - tensors.data()));
}

}  // namespace fathom::testing
