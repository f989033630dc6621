#include "fathom/backends/cuda/launch/cuda_launcher.h"

#include <algorithm>

#include "fathom/backends/cuda/choose/expert_placement.h"
#include "fathom/backends/cuda/kernels/probe.h"

namespace fathom {

std::string cuda_obstacle(const CudaOptions& options) { return cuda::device_obstacle(options.device); }

int cuda_capability(const CudaOptions& options) {
  return cuda_obstacle(options).empty() ? cuda::compiled_capability() : 0;
}

std::unique_ptr<Backend> make_cuda_backend(const CudaOptions& options) {
  if (const std::string obstacle = cuda_obstacle(options); !obstacle.empty()) throw InputError("[cuda] {}", obstacle);
  return std::make_unique<cuda::CudaLauncher>(options);
}

}  // namespace fathom

namespace fathom::cuda {
namespace {

constexpr std::int64_t kWeightBlockBytes = std::int64_t{256} << 20;

ProductDevice product_device_of(const CudaOptions& options) {
  ProductDevice device = product_device(options.device);
  device.lone_experts = device.lone_experts && options.lone_experts;
  return device;
}

}  // namespace

CudaLauncher::CudaLauncher(const CudaOptions& options)
    : device_(options.device),
      product_device_(product_device_of(options)),
      options_(options),
      memory_(device_),
      weight_memory_(memory_, kWeightBlockBytes),
      recorder_(device_, memory_),
      staged_(device_, memory_, recorder_),
      page_tables_(staged_, memory_),
      awaited_(memory_, recorder_, staged_),
      experts_(device_, memory_, weight_memory_, staged_),
      scratch_(memory_),
      fault_(pinned_memory_, sizeof(Fault)) {
  device_.set_sink(&recorder_);
  memory_.before_release([this] { recorder_.end(); });
  memory_.at_shortage([this] {
    recorder_.end();  // what was put off may read what goes
    return experts_.give_back();
  });
}

CudaLauncher::~CudaLauncher() {
  recorder_.end();
  memory_.before_release({});
  memory_.at_shortage({});
}

void CudaLauncher::begin_step(std::uint64_t pattern) {
  experts_.begin_step();
  recorder_.begin(options_.graphs ? pattern : 0);
  awaited_.begin_step();
}

void CudaLauncher::end_step() { recorder_.end(); }

void CudaLauncher::expect(const ExpectedMemory& bytes) {
  const std::int64_t room = options_.weight_bytes > 0 ? options_.weight_bytes : room_for_weights(*free_bytes(), bytes);
  experts_.expect(bytes, room, options_.weight_bytes == 0 && options_.alone);
}

void CudaLauncher::upload(std::span<const std::byte> host, std::byte* device) {
  recorder_.end();
  awaited_.forget();
  device_.copy_to_device(host.data(), device, std::ssize(host));
  device_.synchronize();  // the caller's memory is its own again
}

void CudaLauncher::download(const std::byte* device, std::span<std::byte> host) {
  recorder_.end();
  device_.copy_to_host(device, host.data(), std::ssize(host));
  device_.synchronize();
  throw_fault();
  experts_.between_steps();
}

void CudaLauncher::copy(std::span<const std::byte> from, std::byte* to) {
  recorder_.copy(from.data(), to, std::ssize(from));
}

void CudaLauncher::throw_fault() {
  const Fault found = *fault();
  *fault() = Fault();
  switch (found.code) {
    case FaultCode::none: return;
    case FaultCode::invisible_entry:
      throw InternalError("[cuda] a selected entry is visible to its query: found entry {}, {} are visible",
                          found.found, found.limit);
    case FaultCode::unknown_expert:
      throw InternalError("[cuda] a selected expert exists: found expert {}, there are {}", found.found, found.limit);
    case FaultCode::hashed_expert:
      throw InputError("[model] expert {} of a token id is outside [0, {})", found.found, found.limit);
  }
}

PlacedRuns CudaLauncher::place(const RunPlaces& places) {
  std::vector<PlacedRun> placed = placed_runs(places);
  page_tables_.trim();
  for (std::size_t run = 0; run < places.paged.size(); ++run)
    placed[run].pages =
        page_tables_.on_device(placed[run].pages, pages_of(places.runs[run], places.ratio, places.paged[run]));
  PlacedRuns result;
  result.count = std::ssize(placed);
  if (!recorder_.open() && result.count <= PlacedRuns::kInline) {  // a recorded step's calls hold no positions
    std::copy(placed.begin(), placed.end(), result.inside);
  } else {
    result.outside = staged_.stage(std::span<const PlacedRun>(placed));
  }
  return result;
}

}  // namespace fathom::cuda
