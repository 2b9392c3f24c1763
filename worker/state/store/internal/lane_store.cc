#include "worker/state/store/internal/lane_store.h"

#include <algorithm>
#include <utility>

#include "base/bytes.h"
#include "base/status.h"
#include "worker/state/snapshot_format.h"

namespace streamml::state {
namespace {

constexpr std::string_view kMagic = "SMLSTOR\n";
constexpr size_t kHashSize = 32;
constexpr size_t kSnapshotNameSize = 53;
constexpr uint64_t kMaxManifestBytes = uint64_t{64} << 20;

// One name, not a path.
bool IsName(std::string_view name) {
  return name.find('/') == std::string_view::npos && CheckObjectKey(name).ok();
}

bool IsNewer(const ManifestName& a, const ManifestName& b) {
  return a.key.sequence != b.key.sequence ? a.key.sequence > b.key.sequence : a.name > b.name;
}

}  // namespace

std::string EncodeManifest(const Manifest& manifest) {
  std::string contents;
  ByteWriter writer(contents);
  writer.Varint(manifest.files.size());
  for (const StoredFile& file : manifest.files) {
    writer.Text(file.name);
    writer.Varint(file.size);
    WriteDigest(file.digest, writer);
    writer.Text(file.sha256);
    writer.Text(file.object);
  }
  return SealFrame(kMagic, manifest.info, contents);
}

absl::StatusOr<Manifest> DecodeManifest(const SnapshotKey& key, std::string_view bytes) {
  ASSIGN_OR_RETURN(SnapshotFrame frame, OpenFrame(kMagic, key, bytes));
  Manifest manifest{std::move(frame.info), {}};
  ByteReader reader(frame.contents);
  const uint64_t num_files = reader.Varint();
  for (uint64_t i = 0; i < num_files && reader.ok(); ++i) {
    StoredFile file;
    file.name = reader.Text();
    file.size = reader.Varint();
    file.digest = ReadDigest(reader);
    file.sha256 = reader.Text();
    file.object = reader.Text();
    if (!IsName(file.name) || !IsName(file.object) || file.sha256.size() != kHashSize) {
      return absl::DataLossError(absl::StrCat("file ", i, " of the list has no valid name"));
    }
    manifest.files.push_back(std::move(file));
  }
  if (!reader.AtEnd()) return absl::DataLossError("the list of files cannot be read");
  return manifest;
}

std::optional<SnapshotKey> KeyInName(std::string_view name) {
  if (name.size() <= kSnapshotNameSize + 1 || name[kSnapshotNameSize] != '.') return std::nullopt;
  return ParseSnapshotName(name.substr(0, kSnapshotNameSize));
}

LaneStore::LaneStore(ObjectStore& store, std::string prefix)
    : store_(store), prefix_(std::move(prefix)) {}

std::string LaneStore::Key(std::string_view folder, std::string_view name) const {
  return absl::StrCat(prefix_, folder, name);
}

absl::StatusOr<std::vector<std::string>> LaneStore::Names(std::string_view folder) const {
  const std::string path = Key(folder, "");
  ASSIGN_OR_RETURN(std::vector<std::string> names, ListAll(store_, path));
  for (std::string& name : names) name.erase(0, path.size());
  return names;
}

absl::StatusOr<ManifestList> LaneStore::Manifests() const {
  ASSIGN_OR_RETURN(std::vector<std::string> names, Names("manifests/"));
  ManifestList list;
  for (std::string& name : names) {
    if (name.ends_with(kTemporaryObjectSuffix)) {
      list.remains.push_back(std::move(name));
    } else if (const std::optional<SnapshotKey> key = KeyInName(name)) {
      list.manifests.push_back({*key, std::move(name)});
    }
  }
  std::sort(list.manifests.begin(), list.manifests.end(), IsNewer);
  return list;
}

absl::StatusOr<Manifest> LaneStore::Read(const ManifestName& manifest) {
  {
    const MutexLock lock(mutex_);
    const auto known = known_.find(manifest.name);
    if (known != known_.end()) return known->second;
  }
  const std::string key = ManifestKey(manifest.name);
  ASSIGN_OR_RETURN(const std::string bytes, GetBytes(store_, key, kMaxManifestBytes));
  absl::StatusOr<Manifest> read = DecodeManifest(manifest.key, bytes);
  if (!read.ok()) return Annotate(read.status(), absl::StrCat("object '", key, "'"));
  const MutexLock lock(mutex_);
  known_[manifest.name] = *read;
  return read;
}

void LaneStore::RememberOnly(const std::vector<ManifestName>& manifests) {
  const MutexLock lock(mutex_);
  std::map<std::string, Manifest> kept;
  for (const ManifestName& manifest : manifests) {
    const auto known = known_.find(manifest.name);
    if (known != known_.end()) kept.insert(known_.extract(known));
  }
  known_ = std::move(kept);
}

}  // namespace streamml::state
