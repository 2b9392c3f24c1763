#include "worker/state/snapshot_format.h"

#include <charconv>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "base/status.h"

namespace streamml::state {
namespace {

constexpr uint32_t kVersion = 1;
constexpr size_t kMagicSize = 8;
constexpr size_t kChecksumSize = sizeof(uint64_t);

// Lower case only, so that a snapshot has one name.
std::optional<uint64_t> ParseHex(std::string_view digits) {
  uint64_t value = 0;
  for (const char digit : digits) {
    if (digit >= '0' && digit <= '9') {
      value = value << 4 | static_cast<uint64_t>(digit - '0');
    } else if (digit >= 'a' && digit <= 'f') {
      value = value << 4 | static_cast<uint64_t>(digit - 'a' + 10);
    } else {
      return std::nullopt;
    }
  }
  return value;
}

}  // namespace

std::string SnapshotName(const SnapshotKey& key) {
  return absl::StrFormat("%020d-%s", key.sequence, key.history.ToHex());
}

std::optional<SnapshotKey> ParseSnapshotName(std::string_view name) {
  if (name.size() != 53 || name[20] != '-') return std::nullopt;
  SnapshotKey key;
  const auto [end, error] = std::from_chars(name.data(), name.data() + 20, key.sequence);
  if (error != std::errc() || end != name.data() + 20) return std::nullopt;
  const std::optional<uint64_t> high = ParseHex(name.substr(21, 16));
  const std::optional<uint64_t> low = ParseHex(name.substr(37, 16));
  if (!high || !low) return std::nullopt;
  key.history = {*low, *high};
  return key;
}

void WriteDigest(const Digest& digest, ByteWriter& writer) {
  writer.U64(digest.low);
  writer.U64(digest.high);
}

Digest ReadDigest(ByteReader& reader) {
  Digest digest;
  digest.low = reader.U64();
  digest.high = reader.U64();
  return digest;
}

std::string SealFrame(std::string_view magic, const SnapshotInfo& info, std::string_view contents) {
  std::string bytes;
  bytes.reserve(contents.size() + info.engine.size() + 128);
  ByteWriter writer(bytes);
  writer.Raw(magic.data(), kMagicSize);
  writer.U32(kVersion);
  writer.U64(info.key.sequence);
  WriteDigest(info.key.history, writer);
  writer.Text(info.engine);
  WriteDigest(info.state_digest, writer);
  writer.Text(contents);
  writer.U64(Hash64(bytes));
  return bytes;
}

absl::StatusOr<SnapshotFrame> OpenFrame(std::string_view magic, const SnapshotKey& key,
                                        std::string_view bytes) {
  if (bytes.size() < kMagicSize + sizeof(uint32_t) + kChecksumSize) {
    return absl::DataLossError(absl::StrCat(bytes.size(), " bytes are too few for a snapshot"));
  }
  ByteReader reader(bytes.substr(0, bytes.size() - kChecksumSize));
  if (reader.Raw(kMagicSize) != magic) return absl::DataLossError("not a snapshot of this kind");
  // Before the checksum, whose place a later version may move.
  if (const uint32_t version = reader.U32(); version != kVersion) {
    return absl::DataLossError(
        absl::StrCat("format version ", version, "; this build reads ", kVersion));
  }
  const uint64_t expected = ByteReader(bytes.substr(bytes.size() - kChecksumSize)).U64();
  const uint64_t actual = Hash64(bytes.substr(0, bytes.size() - kChecksumSize));
  if (actual != expected) {
    return absl::DataLossError(
        absl::StrFormat("checksum is %016x but %016x was stored", actual, expected));
  }
  SnapshotFrame frame;
  frame.info.key.sequence = reader.U64();
  frame.info.key.history = ReadDigest(reader);
  frame.info.engine = std::string(reader.Text());
  frame.info.state_digest = ReadDigest(reader);
  frame.contents = reader.Text();
  if (!reader.AtEnd()) return absl::DataLossError("contents do not have the stored length");
  if (frame.info.key != key) {
    return absl::DataLossError(absl::StrCat("holds snapshot ", SnapshotName(frame.info.key)));
  }
  return frame;
}

}  // namespace streamml::state
