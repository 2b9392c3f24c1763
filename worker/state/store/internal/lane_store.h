// What one lane has in an ObjectStore, under names:
//
//   <prefix>manifests/<SnapshotName>.<unique>   a stored snapshot: what it is and its files
//   <prefix>files/<SHA-256>.<unique>            the content of a file
//   <prefix>uploads/<unique>                    what an upload under way is going to need
//   <prefix>pins/<SnapshotName>.<name>          says that a snapshot is not to be removed
//
// Manifests and files are written once, under a name that nobody else uses, and never change:
// several owners of the lane may write at the same time. What may be removed, and when, is said in
// collector.h.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/mutex.h"
#include "worker/state/local_snapshots.h"
#include "worker/state/store/internal/sha256.h"
#include "worker/state/store/object_store.h"

namespace streamml::state {

struct StoredFile {
  std::string name;  // in the snapshot
  uint64_t size = 0;
  Digest digest;  // as SnapshotFile::digest: tells a file again without hashing it
  Sha256Bytes sha256;
  std::string object;  // the name under files/
};

struct Manifest {
  SnapshotInfo info;
  std::vector<StoredFile> files;
};

std::string EncodeManifest(const Manifest& manifest);
// DATA_LOSS unless `bytes` are the manifest of `key`, whole, with names that are safe to use.
absl::StatusOr<Manifest> DecodeManifest(const SnapshotKey& key, std::string_view bytes);

// A manifest by the name of its object.
struct ManifestName {
  SnapshotKey key;
  std::string name;
};

struct ManifestList {
  std::vector<ManifestName> manifests;  // newest first
  std::vector<std::string> remains;     // names of what a Put that was cut off left
};

// Thread-safe. The store must outlive it.
class LaneStore {
 public:
  // `prefix` is empty, or a key and '/'.
  LaneStore(ObjectStore& store, std::string prefix);

  ObjectStore& objects() const { return store_; }
  std::string ManifestKey(std::string_view name) const { return Key("manifests/", name); }
  std::string FileKey(std::string_view name) const { return Key("files/", name); }
  std::string UploadKey(std::string_view name) const { return Key("uploads/", name); }
  std::string PinKey(std::string_view name) const { return Key("pins/", name); }

  // Names, without folder and prefix, of all that is in "manifests/" or another folder.
  absl::StatusOr<std::vector<std::string>> Names(std::string_view folder) const;
  absl::StatusOr<ManifestList> Manifests() const;
  // Reads a manifest, or remembers it. Errors as ObjectStore::Get, and DATA_LOSS.
  absl::StatusOr<Manifest> Read(const ManifestName& manifest);
  // Forgets all manifests but these.
  void RememberOnly(const std::vector<ManifestName>& manifests);

 private:
  std::string Key(std::string_view folder, std::string_view name) const;

  ObjectStore& store_;
  const std::string prefix_;
  Mutex mutex_;
  std::map<std::string, Manifest> known_ ABSL_GUARDED_BY(mutex_);  // by name
};

// The key in "<SnapshotName>.<rest>".
std::optional<SnapshotKey> KeyInName(std::string_view name);

}  // namespace streamml::state
