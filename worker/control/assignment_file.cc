#include "worker/control/assignment_file.h"

#include "base/bytes.h"
#include "base/hash.h"
#include "base/status.h"

namespace streamml::control {
namespace {

constexpr std::string_view kMagic = "SMLassign1\n";
constexpr uint32_t kVersion = 1;
constexpr size_t kHashBytes = 16;

std::string HashBytes(std::string_view bytes) {
  const Digest digest = Hash128(bytes);
  std::string out;
  for (const uint64_t half : {digest.low, digest.high}) {
    for (int shift = 0; shift < 64; shift += 8) {
      out.push_back(static_cast<char>((half >> shift) & 0xFF));
    }
  }
  return out;
}

absl::Status Damaged(const std::string& path, std::string_view what) {
  return absl::DataLossError(absl::StrCat(
      "'", path, "': ", what,
      "; remove the file, and the worker waits for a new assignment: nothing else is lost"));
}

}  // namespace

std::string ManifestHash(const std::string& manifest) { return HashBytes(manifest); }

absl::StatusOr<std::optional<fleet::v1::StoredAssignment>> ReadAssignment(Disk& disk,
                                                                          const std::string& path) {
  const absl::StatusOr<std::string> bytes = ReadWhole(disk, path);
  if (absl::IsNotFound(bytes.status())) return std::nullopt;
  if (!bytes.ok()) return bytes.status();
  std::string_view rest = *bytes;
  if (!rest.starts_with(kMagic) || rest.size() < kMagic.size() + kHashBytes) {
    return Damaged(path, "this is no assignment");
  }
  rest.remove_prefix(kMagic.size());
  const std::string_view hash = rest.substr(0, kHashBytes);
  rest.remove_prefix(kHashBytes);
  if (HashBytes(rest) != hash) return Damaged(path, "the checksum does not match");
  fleet::v1::StoredAssignment stored;
  if (!stored.ParseFromArray(rest.data(), static_cast<int>(rest.size()))) {
    return Damaged(path, "this is no assignment");
  }
  if (stored.version() != kVersion) {
    return Damaged(
        path, absl::StrCat("version ", stored.version(), " is not known, only ", kVersion, " is"));
  }
  return stored;
}

absl::Status WriteAssignment(Disk& disk, const std::string& path,
                             fleet::v1::StoredAssignment assignment) {
  assignment.set_version(kVersion);
  const std::string body = assignment.SerializeAsString();
  return WriteWhole(disk, path, absl::StrCat(kMagic, HashBytes(body), body));
}

}  // namespace streamml::control
