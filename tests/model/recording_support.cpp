#include "tests/model/recording_support.h"

#include <algorithm>
#include <stdexcept>

#include "fathom/spec/tensor_table.h"

namespace fathom::testing {
namespace {

template <typename T, std::size_t Rank>
Recorded recorded(const View<T, Rank>& view) {
  Recorded result;
  result.place = view.data();
  result.shape.assign(view.shape().begin(), view.shape().end());
  for (const auto value : view.span()) result.values.push_back(static_cast<float>(value));
  return result;
}

template <typename Place>
std::vector<const std::byte*> places_of(std::span<const Place> rows) {
  std::vector<const std::byte*> places;
  for (const Place& row : rows) {
    if constexpr (std::is_same_v<Place, Ring>) {
      places.push_back(row.rows);
    } else {
      places.push_back(reinterpret_cast<const std::byte*>(row.pages));
    }
  }
  return places;
}

std::vector<Run> runs_of(std::span<const Run> runs) { return {runs.begin(), runs.end()}; }

}  // namespace

RecordingBackend::RecordingBackend(Backend& inner, const Checkpoint& checkpoint) : inner_(inner) {
  for (const TensorSpec& spec : tensor_table(checkpoint.config()))
    if (spec.linear || spec.role == TensorRole::hc_mix) names_[checkpoint.linear(spec.name).data.data()] = spec.name;
}

std::unique_ptr<PreparedWeight> RecordingBackend::prepare(const WeightView& weight) {
  auto prepared = inner_.prepare(weight);
  weights_[prepared.get()] = {names_[weight.data.data()], weight.format};
  return prepared;
}

std::unique_ptr<PreparedWeight> RecordingBackend::prepare_table(const WeightView& weight) {
  auto prepared = inner_.prepare_table(weight);
  weights_[prepared.get()] = {names_[weight.data.data()], weight.format};
  return prepared;
}

std::vector<Call> RecordingBackend::all(const std::string& operation, const std::string& weight) const {
  std::vector<Call> found;
  for (const Call& call : calls_)
    if (call.operation == operation && (weight.empty() || call.weight == weight)) found.push_back(call);
  return found;
}

const Call& RecordingBackend::only(const std::string& operation, const std::string& weight) const {
  const Call* found = nullptr;
  int count = 0;
  for (const Call& call : calls_) {
    if (call.operation != operation || (!weight.empty() && call.weight != weight)) continue;
    found = &call;
    ++count;
  }
  if (count != 1)
    throw std::runtime_error(fmt::format("{} {} was called {} times, expected 1", operation, weight, count));
  return *found;
}

const Call& RecordingBackend::next(const std::string& operation, std::size_t index) const {
  for (const Call& call : calls_)
    if (call.index > index && call.operation == operation) return call;
  throw std::runtime_error(fmt::format("no {} behind call {}", operation, index));
}

const Call& RecordingBackend::previous(const std::string& operation, std::size_t index) const {
  for (std::size_t before = index; before-- > 0;)
    if (calls_[before].operation == operation) return calls_[before];
  throw std::runtime_error(fmt::format("no {} before call {}", operation, index));
}

std::vector<std::string> RecordingBackend::script() const {
  std::vector<std::string> lines;
  for (const Call& call : calls_)
    lines.push_back(call.weight.empty() ? call.operation : call.operation + ":" + call.weight);
  return lines;
}

Call& RecordingBackend::begin(const std::string& operation) {
  calls_.emplace_back();
  calls_.back().index = calls_.size() - 1;
  calls_.back().operation = operation;
  return calls_.back();
}

Call& RecordingBackend::begin(const std::string& operation, const PreparedWeight& weight) {
  Call& call = begin(operation);
  const auto known = weights_.find(&weight);
  if (known == weights_.end()) throw std::runtime_error(operation + " with a weight that was never prepared");
  call.weight = known->second.name;
  call.weight_format = known->second.format;
  return call;
}

void RecordingBackend::do_embed(const EmbedArgs& args) {
  Call& call = begin("embed", args.table);
  call.integers.assign(args.ids.begin(), args.ids.end());
  inner_.embed(args);
  call.views["streams"] = recorded(args.streams);
}

void RecordingBackend::do_linear(const LinearArgs& args) {
  Call& call = begin("linear", args.weight);
  call.views["x"] = recorded(args.x);
  inner_.linear(args);
  call.views["out"] = recorded(args.out);
}

void RecordingBackend::do_grouped_linear(const GroupedLinearArgs& args) {
  Call& call = begin("grouped_linear", args.weight);
  call.views["x"] = recorded(args.x);
  inner_.grouped_linear(args);
  call.views["out"] = recorded(args.out);
}

void RecordingBackend::do_rms_norm(const RmsNormArgs& args) {
  Call& call = begin("rms_norm");
  call.views["x"] = recorded(args.x);
  call.views["weight"] = recorded(args.weight);
  call.numbers["eps"] = args.eps;
  inner_.rms_norm(args);
  call.views["out"] = recorded(args.out);
}

void RecordingBackend::do_rotary_table(const RotaryTableArgs& args) {
  Call& call = begin("rotary_table");
  call.integers.assign(args.positions.begin(), args.positions.end());
  call.views["frequencies"] = recorded(args.frequencies);
  inner_.rotary_table(args);
  call.views["cosine"] = recorded(args.cosine);
  call.views["sine"] = recorded(args.sine);
}

void RecordingBackend::do_rotate(const RotateArgs& args) {
  Call& call = begin("rotate");
  call.views["x"] = recorded(args.x);
  call.views["cosine"] = recorded(args.cosine);
  call.views["sine"] = recorded(args.sine);
  call.numbers["inverse"] = args.inverse ? 1 : 0;
  inner_.rotate(args);
  call.views["after.x"] = recorded(args.x);
}

void RecordingBackend::do_hadamard(const HadamardArgs& args) {
  Call& call = begin("hadamard");
  call.views["x"] = recorded(args.x);
  inner_.hadamard(args);
  call.views["after.x"] = recorded(args.x);
}

void RecordingBackend::do_round_index(const RoundIndexArgs& args) {
  Call& call = begin("round_index");
  call.views["x"] = recorded(args.x);
  inner_.round_index(args);
  call.views["after.x"] = recorded(args.x);
}

void RecordingBackend::do_encode_entries(const EncodeEntriesArgs& args) {
  Call& call = begin("encode_entries");
  call.views["x"] = recorded(args.x);
  call.numbers["row_bytes"] = static_cast<double>(args.format.row_bytes());
  inner_.encode_entries(args);
  call.views["rows"] = recorded(args.rows);
}

void RecordingBackend::do_store_entries(const StoreEntriesArgs& args) {
  Call& call = begin("store_entries");
  call.views["x"] = recorded(args.x);
  call.numbers["ratio"] = static_cast<double>(args.ratio);
  call.numbers["row_bytes"] = static_cast<double>(args.format.row_bytes());
  call.runs = runs_of(args.runs);
  call.places = places_of(args.entries);
  inner_.store_entries(args);
}

void RecordingBackend::do_store_index_keys(const StoreIndexKeysArgs& args) {
  Call& call = begin("store_index_keys");
  call.views["x"] = recorded(args.x);
  call.numbers["ratio"] = static_cast<double>(args.ratio);
  call.numbers["row_bytes"] = static_cast<double>(args.format.row_bytes());
  call.runs = runs_of(args.runs);
  call.places = places_of(args.keys);
  inner_.store_index_keys(args);
}

void RecordingBackend::do_commit_rows(const CommitRowsArgs& args) {
  Call& call = begin("commit_rows");
  call.views["rows"] = recorded(args.rows);
  call.runs = runs_of(args.runs);
  call.places = places_of(args.rings);
  inner_.commit_rows(args);
}

void RecordingBackend::do_gated_pool(const GatedPoolArgs& args) {
  Call& call = begin("gated_pool");
  call.views["kv"] = recorded(args.kv);
  call.views["gate"] = recorded(args.gate);
  call.views["ape"] = recorded(args.ape);
  call.numbers["ratio"] = static_cast<double>(args.ratio);
  call.numbers["overlap"] = args.overlap ? 1 : 0;
  call.runs = runs_of(args.runs);
  call.places = places_of(args.kv_rings);
  const auto gates = places_of(args.gate_rings);
  call.places.insert(call.places.end(), gates.begin(), gates.end());
  inner_.gated_pool(args);
  call.views["out"] = recorded(args.out);
}

void RecordingBackend::do_index_top_k(const IndexTopKArgs& args) {
  Call& call = begin("index_top_k");
  call.views["q"] = recorded(args.q);
  call.views["weights"] = recorded(args.weights);
  call.numbers["ratio"] = static_cast<double>(args.ratio);
  call.numbers["row_bytes"] = static_cast<double>(args.format.row_bytes());
  call.runs = runs_of(args.runs);
  call.places = places_of(args.keys);
  inner_.index_top_k(args);
  call.views["selected"] = recorded(args.selected);
}

void RecordingBackend::do_sparse_attention(const SparseAttentionArgs& args) {
  Call& call = begin("sparse_attention");
  call.views["q"] = recorded(args.q);
  call.views["fresh"] = recorded(args.fresh);
  call.views["selected"] = recorded(args.selected);
  call.views["sink"] = recorded(args.sink);
  call.numbers["window"] = static_cast<double>(args.window);
  call.numbers["choice"] = static_cast<double>(args.choice);
  call.numbers["ratio"] = static_cast<double>(args.ratio);
  call.numbers["scale"] = args.scale;
  call.numbers["row_bytes"] = static_cast<double>(args.format.row_bytes());
  call.runs = runs_of(args.runs);
  call.places = places_of(args.windows);
  inner_.sparse_attention(args);
  call.views["out"] = recorded(args.out);
}

void RecordingBackend::do_hyper_connection_gates(const HyperConnectionGatesArgs& args) {
  Call& call = begin("hyper_connection_gates");
  call.views["streams"] = recorded(args.streams);
  call.views["mix"] = recorded(args.mix);
  call.views["scale"] = recorded(args.scale);
  call.views["base"] = recorded(args.base);
  call.numbers["iterations"] = static_cast<double>(args.iterations);
  call.numbers["eps"] = args.eps;
  call.numbers["norm_eps"] = args.norm_eps;
  inner_.hyper_connection_gates(args);
  call.views["pre"] = recorded(args.pre);
  call.views["post"] = recorded(args.post);
  call.views["comb"] = recorded(args.comb);
}

void RecordingBackend::do_hyper_connection_head(const HyperConnectionHeadArgs& args) {
  Call& call = begin("hyper_connection_head");
  call.views["streams"] = recorded(args.streams);
  call.views["mix"] = recorded(args.mix);
  call.views["scale"] = recorded(args.scale);
  call.views["base"] = recorded(args.base);
  call.numbers["eps"] = args.eps;
  call.numbers["norm_eps"] = args.norm_eps;
  inner_.hyper_connection_head(args);
  call.views["pre"] = recorded(args.pre);
}

void RecordingBackend::do_collapse_streams(const CollapseStreamsArgs& args) {
  Call& call = begin("collapse_streams");
  call.views["streams"] = recorded(args.streams);
  call.views["pre"] = recorded(args.pre);
  inner_.collapse_streams(args);
  call.views["out"] = recorded(args.out);
}

void RecordingBackend::do_expand_streams(const ExpandStreamsArgs& args) {
  Call& call = begin("expand_streams");
  call.views["y"] = recorded(args.y);
  call.views["post"] = recorded(args.post);
  call.views["comb"] = recorded(args.comb);
  call.views["streams"] = recorded(args.streams);
  inner_.expand_streams(args);
  call.views["after.streams"] = recorded(args.streams);
}

void RecordingBackend::do_route(const RouteArgs& args) {
  Call& call = begin("route");
  call.views["logits"] = recorded(args.logits);
  call.views["bias"] = recorded(args.bias);
  call.views["hash"] = recorded(args.hash);
  call.integers.assign(args.ids.begin(), args.ids.end());
  call.numbers["route_scale"] = args.route_scale;
  inner_.route(args);
  call.views["selected"] = recorded(args.selected);
  call.views["weights"] = recorded(args.weights);
}

void RecordingBackend::do_swiglu(const SwigluArgs& args) {
  Call& call = begin("swiglu");
  call.views["gate"] = recorded(args.gate);
  call.views["up"] = recorded(args.up);
  call.views["weight"] = recorded(args.weight);
  call.numbers["limit"] = args.limit;
  inner_.swiglu(args);
  call.views["out"] = recorded(args.out);
}

void RecordingBackend::do_add(const AddArgs& args) {
  Call& call = begin("add");
  call.views["x"] = recorded(args.x);
  call.views["out"] = recorded(args.out);
  inner_.add(args);
  call.views["after.out"] = recorded(args.out);
}

void RecordingBackend::do_experts(const ExpertsArgs& args) {
  const std::size_t index = begin("experts").index;
  calls_[index].views["x"] = recorded(args.x);
  calls_[index].views["selected"] = recorded(args.selected);
  calls_[index].views["weights"] = recorded(args.weights);
  calls_[index].numbers["limit"] = args.limit;
  Backend::do_experts(args);
  calls_[index].views["out"] = recorded(args.out);
}

}  // namespace fathom::testing
