// Which backend computes: the one place that names the concrete ones.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "fathom/ops/backend.h"

namespace CLI {
class App;
}

namespace fathom {

struct BackendChoice {
  std::string name = "cpu";               // cpu or reference: how a CPU computes
  int threads = 0;                        // 0: as many as this process may run at a time
  std::string cpu_target = "best";        // the kernels' instruction set, for the whole process (instruction_set.h)
  bool pin = false;                       // a processor for each thread
  std::string experts = "auto";           // packed, mapped, or auto: mapped where weights do not fit into free memory
  std::string head_sketch = "on";         // of a CPU: on or off (head_sketch.h)
  std::string device = "cpu";             // cpu, cuda, or auto: cuda where there is a GPU to compute on
  std::string cuda_products = "float32";  // plain, float32 or fp8 (cuda_backend.h)
  std::int64_t cuda_least_inputs = 1024;  // of a sum on tensor cores (cuda_backend.h)
  bool cuda_graphs = true;
  bool cuda_shortlists = true;
  bool cuda_lone_experts = true;
  std::int64_t gpu_megabytes = 0;   // for weights (cuda_backend.h)
  std::int64_t gpu_kept_bytes = 0;  // others are still to take it
  bool gpu_alone = true;            // no other model comes to it
};

void add_backend_options(CLI::App& command, BackendChoice& choice);
// The same without --threads.
void add_device_options(CLI::App& command, BackendChoice& choice);
// Whether this choice computes on a GPU here.
bool is_on_gpu(const BackendChoice& choice);
// Whether experts are used where the checkpoint has them, of a model of so many stored bytes.
bool maps_experts(const BackendChoice& choice, std::int64_t weight_bytes, std::int64_t free_bytes);
// For a checkpoint of `weight_bytes` as stored; 0: experts are packed unless "mapped" says otherwise. InputError when
// the device cannot be had.
std::unique_ptr<Backend> make_backend(const BackendChoice& choice, std::int64_t weight_bytes = 0);

}  // namespace fathom
