#include "fathom/backends/cuda/kernels/index.h"
#include "fathom/backends/cuda/kernels/index_score_codes.cuh"
#include "fathom/backends/cuda/kernels/index_score_token.cuh"
#include "fathom/backends/cuda/kernels/index_score_tokens.cuh"
#include "fathom/backends/cuda/kernels/launch.cuh"

namespace fathom::cuda {
namespace index_scores {
namespace {

__global__ void one_token(const __grid_constant__ IndexScoresKernel args, std::int64_t row_bytes) {
  begin_in_turn();
  extern __shared__ __align__(16) unsigned char shared[];
  const std::int64_t parts = args.shape.blocks_per_token;
  score_token(args, row_bytes, blockIdx.x / parts, {.part = blockIdx.x % parts, .parts = parts}, shared);
}

}  // namespace
}  // namespace index_scores

bool index_scores_take_codes(const IndexKeyFormat& format, std::int64_t heads) {
  using namespace index_scores;
  return format.storage == CacheStorage::released && format.index_dim == kCodedDim && heads <= kMostCodedHeads &&
         heads % kTileHeads == 0;
}

void launch_index_scores(const IndexScoresKernel& args, Stream stream) {
  using namespace index_scores;
  if (args.count == 0) return;
  if (args.encoded.codes != nullptr) {
    launch(stream, "index_scores_of_codes",
           {.blocks = {blocks_for(args.count * args.shape.blocks_per_token, 1)},
            .threads = kThreads,
            .shared_bytes = static_cast<unsigned>(kCodedBytes),
            .chained = stream.chained},
           of_codes, args, args.format.row_bytes());
    return;
  }
  if (are_many_tokens(args)) return launch_many_tokens(args, stream);
  launch(stream, "index_scores",
         {.blocks = {blocks_for(args.count * args.shape.blocks_per_token, 1)},
          .threads = kThreads,
          .shared_bytes = static_cast<unsigned>(token_bytes(args)),
          .chained = stream.chained},
         one_token, args, args.format.row_bytes());
}

}  // namespace fathom::cuda
