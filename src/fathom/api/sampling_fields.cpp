#include "fathom/api/sampling_fields.h"

#include <algorithm>
#include <charconv>

#include "fathom/api/body_fields.h"
#include "fathom/api/hosted_errors.h"

namespace fathom::api {
namespace {

// Any integer of 64 bits is a seed; a negative one is the number with its bits.
std::optional<std::uint64_t> read_seed(const JsonField& field) {
  if (field.is_none()) return std::nullopt;
  field.expect(JsonValue::Kind::number);
  const std::string& text = field.value().text;
  const char* const end = text.data() + text.size();
  std::uint64_t seed = 0;
  std::int64_t negative = 0;
  const auto whole = [end](std::from_chars_result read) { return read.ec == std::errc() && read.ptr == end; };
  if (whole(std::from_chars(text.data(), end, seed))) return seed;
  if (whole(std::from_chars(text.data(), end, negative))) return static_cast<std::uint64_t>(negative);
  field.fail("an integer of 64 bits");
}

bool is_identifier(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
  });
}

}  // namespace

void read_sampling(const JsonField& request, CallSampling& sampling) {
  sampling.temperature = number_in(request.member("temperature"), 0, 2).value_or(1.0);
  sampling.top_p = number_in(request.member("top_p"), 0, 1).value_or(1.0);
  sampling.seed = read_seed(request.member("seed"));
  sampling.stop = read_stop(request.member("stop"));
}

std::vector<std::string> read_stop(const JsonField& field) {
  constexpr std::size_t kMost = 16;
  if (field.is_none()) return {};
  if (!field.is(JsonValue::Kind::string) && !field.is(JsonValue::Kind::array))
    field.fail("a string or an array of strings");
  std::vector<std::string> stop =
      field.is(JsonValue::Kind::string) ? std::vector<std::string>{field.value().text} : texts(field);
  if (stop.size() > kMost) throw too_many_stop_strings(field.place());
  std::erase(stop, "");
  return stop;
}

void read_stream(const JsonField& request, Call& call) {
  call.stream = request.member("stream").truth_or(false);
  const JsonField options = request.member("stream_options");
  if (options.is_none()) return;
  options.expect(JsonValue::Kind::object);
  if (!call.stream) throw no_stream();
  call.include_usage = options.member("include_usage").truth_or(false);
}

std::string read_user_id(const JsonField& field, const Policy& policy) {
  constexpr std::size_t kLongest = 512;
  std::string user = field.text_or_none().value_or("");
  if (user.size() > kLongest)
    throw invalid_request(fmt::format("Invalid {0} value, the valid length of {0} is at most {1} bytes, not {2}",
                                      field.place(), kLongest, user.size()));
  if (policy.strict_hosted && !is_identifier(user))
    throw invalid_request(
        fmt::format("Invalid {0} value, {0} must match the pattern '^[a-zA-Z0-9_-]+$'", field.place()));
  return user;
}

}  // namespace fathom::api
