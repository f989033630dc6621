#include "fathom/corpus/text_source.h"

#include <zstd.h>

#include <algorithm>
#include <string_view>
#include <utility>

#include "fathom/base/error.h"

namespace fathom {
namespace {

constexpr std::size_t kStretch = std::size_t{1} << 20;
constexpr std::string_view kZstdMagic = "\x28\xB5\x2F\xFD";
constexpr int kLargestWindow = 31;  // log2 of bytes: whatever --long=N or --ultra it was packed with

}  // namespace

struct TextSource::Unpacker {
  Unpacker() : stream(ZSTD_createDStream(), &ZSTD_freeDStream) {
    check(stream != nullptr, "zstd has a stream");
    ZSTD_DCtx_setParameter(stream.get(), ZSTD_d_windowLogMax, kLargestWindow);
  }

  std::unique_ptr<ZSTD_DStream, decltype(&ZSTD_freeDStream)> stream;
  bool inside = false;  // a frame has begun and not ended
};

TextSource::TextSource(std::filesystem::path path) : path_(std::move(path)), file_(path_) {
  const auto bytes = file_.bytes();
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  if (text.substr(0, kZstdMagic.size()) == kZstdMagic) unpacker_ = std::make_unique<Unpacker>();
}

TextSource::~TextSource() = default;
TextSource::TextSource(TextSource&&) noexcept = default;

double TextSource::share() const {
  return file_.bytes().empty() ? 1.0 : static_cast<double>(at_) / static_cast<double>(file_.bytes().size());
}

bool TextSource::read(std::string& text) {
  if (unpacker_) return unpack(text);
  const auto left = file_.bytes().subspan(at_);
  const std::size_t count = std::min(left.size(), kStretch);
  text.append(reinterpret_cast<const char*>(left.data()), count);
  at_ += count;
  return count > 0;
}

bool TextSource::unpack(std::string& text) {
  const auto bytes = file_.bytes();
  const std::size_t before = text.size();
  text.resize(before + kStretch);
  ZSTD_outBuffer out{text.data() + before, kStretch, 0};
  ZSTD_inBuffer in{bytes.data(), bytes.size(), at_};
  while (out.pos < out.size && (in.pos < in.size || unpacker_->inside)) {
    const std::size_t taken = in.pos;
    const std::size_t given = out.pos;
    const std::size_t left = ZSTD_decompressStream(unpacker_->stream.get(), &out, &in);
    if (ZSTD_isError(left) != 0U)
      throw InputError("[corpus] {} cannot be unpacked at byte {}: {}", path_.string(), in.pos,
                       ZSTD_getErrorName(left));
    unpacker_->inside = left != 0;
    if (in.pos == taken && out.pos == given)
      throw InputError("[corpus] {} is truncated: its {} bytes end inside a zstd frame", path_.string(), in.size);
  }
  at_ = in.pos;
  text.resize(before + out.pos);
  return out.pos > 0;
}

}  // namespace fathom
