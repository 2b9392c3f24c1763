#include "worker/connectors/internal/gzip_stream.h"

#include <zlib.h>

#include <algorithm>
#include <limits>
#include <string_view>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/status.h"

namespace streamml::connectors::internal {
namespace {

constexpr size_t kInputBytes = 128 << 10;
constexpr int kGzipWindow =
    15 + 16;  // the largest window; 16 asks zlib for gzip, checksum included

class GzipStream : public ByteStream {
 public:
  explicit GzipStream(std::unique_ptr<ByteSource> source)
      : source_(std::move(source)), input_(kInputBytes) {}
  ~GzipStream() override {
    if (is_open_) inflateEnd(&inflater_);
  }
  GzipStream(const GzipStream&) = delete;
  GzipStream& operator=(const GzipStream&) = delete;

  absl::Status Open() {
    is_open_ = inflateInit2(&inflater_, kGzipWindow) == Z_OK;
    return is_open_ ? absl::OkStatus() : absl::ResourceExhaustedError("no memory for gzip");
  }

  absl::StatusOr<size_t> Read(char* out, size_t capacity) override;
  absl::Status Skip(uint64_t num_bytes) override;

 private:
  // Makes at least one raw byte available, unless all have been read.
  absl::Status Fill();
  // Between members: finds the next one, or the end.
  absl::StatusOr<bool> NextMember();
  absl::Status Broken(std::string_view why) const {
    return absl::DataLossError(
        absl::StrCat("gzip file '", source_->path(), "': ", why, " at compressed byte ",
                     raw_position_ - inflater_.avail_in, " (uncompressed byte ", position_,
                     "); give the whole file, and another --data-dir: this one belongs to the file "
                     "as it is"));
  }

  const std::unique_ptr<ByteSource> source_;
  std::vector<char> input_;
  z_stream inflater_ = {};
  bool is_open_ = false;
  bool in_member_ = true;
  uint64_t raw_position_ = 0;  // of the end of `input_`
  uint64_t position_ = 0;
};

absl::Status GzipStream::Fill() {
  if (inflater_.avail_in > 0) return absl::OkStatus();
  ASSIGN_OR_RETURN(const size_t size, source_->ReadAt(raw_position_, input_.data(), input_.size()));
  raw_position_ += size;
  inflater_.next_in = reinterpret_cast<Bytef*>(input_.data());
  inflater_.avail_in = static_cast<uInt>(size);
  return absl::OkStatus();
}

absl::StatusOr<bool> GzipStream::NextMember() {
  constexpr Bytef kFirstOfMagic = 0x1F;
  while (true) {
    RETURN_IF_ERROR(Fill());
    if (inflater_.avail_in == 0) return false;
    if (*inflater_.next_in == kFirstOfMagic) break;
    if (*inflater_.next_in != 0) return Broken("something that is not gzip follows");
    ++inflater_.next_in;
    --inflater_.avail_in;
  }
  if (inflateReset(&inflater_) != Z_OK) return absl::InternalError("gzip: cannot reset zlib");
  in_member_ = true;
  return true;
}

absl::StatusOr<size_t> GzipStream::Read(char* out, size_t capacity) {
  const size_t limit = std::min<size_t>(capacity, std::numeric_limits<uInt>::max());
  while (true) {
    if (!in_member_) {
      ASSIGN_OR_RETURN(const bool more, NextMember());
      if (!more) return 0;
    }
    RETURN_IF_ERROR(Fill());
    if (inflater_.avail_in == 0) return Broken("the file is cut off");
    inflater_.next_out = reinterpret_cast<Bytef*>(out);
    inflater_.avail_out = static_cast<uInt>(limit);
    const int result = inflate(&inflater_, Z_NO_FLUSH);
    if (result != Z_OK && result != Z_STREAM_END && result != Z_BUF_ERROR) {
      return Broken(inflater_.msg != nullptr ? inflater_.msg : "corrupt data");
    }
    if (result == Z_STREAM_END) in_member_ = false;
    const size_t size = limit - inflater_.avail_out;
    position_ += size;
    if (size > 0) return size;
  }
}

absl::Status GzipStream::Skip(uint64_t num_bytes) {
  std::vector<char> dropped(kInputBytes);
  const uint64_t target = position_ + num_bytes;
  while (position_ < target) {
    ASSIGN_OR_RETURN(const size_t size,
                     Read(dropped.data(), std::min<uint64_t>(dropped.size(), target - position_)));
    if (size == 0) {
      return absl::DataLossError(absl::StrCat("gzip file '", source_->path(), "' has ", position_,
                                              " uncompressed bytes, asked for position ", target));
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::unique_ptr<ByteStream>> MakeGzipStream(std::unique_ptr<ByteSource> source) {
  auto stream = std::make_unique<GzipStream>(std::move(source));
  RETURN_IF_ERROR(stream->Open());
  return stream;
}

}  // namespace streamml::connectors::internal
