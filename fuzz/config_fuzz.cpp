// Any bytes as config.json: refused with an InputError, or a config that counts, and that reads back from its own JSON.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "fathom/base/error.h"
#include "fathom/spec/kv_size.h"
#include "fathom/spec/model_config.h"
#include "fathom/spec/model_config_json.h"
#include "fathom/spec/model_size.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  try {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const fathom::ModelConfig config = fathom::parse_model_config(text, "fuzz");
    const fathom::ModelConfig again = fathom::parse_model_config(fathom::model_config_json(config), "again");
    fathom::check(again == config, "a config reads back equal");
    fathom::check(fathom::kv_bytes(config, config.max_positions) >= 0, "bytes of a cache");
    if (config.blocks() * config.experts <= 4096)
      fathom::check(fathom::model_size(config).stored.bytes > 0, "bytes of a model");
  } catch (const fathom::InputError&) {
  }
  return 0;
}
