#include "worker/state/store/internal/collector.h"

#include <algorithm>
#include <utility>

#include "base/hash.h"
#include "base/status.h"
#include "worker/state/snapshot_format.h"

namespace streamml::state {
namespace {

constexpr uint64_t kMaxUploadBytes = uint64_t{64} << 20;

bool Contains(const std::vector<SnapshotKey>& keys, const SnapshotKey& key) {
  return std::find(keys.begin(), keys.end(), key) != keys.end();
}

void AddFiles(const Manifest& manifest, std::set<std::string>& names) {
  for (const StoredFile& file : manifest.files) names.insert(file.object);
}

}  // namespace

bool Retention::Knows(const SnapshotKey& key) const { return Contains(known, key); }

bool Retention::Shows(const SnapshotKey& key) const {
  return !forgotten_from.has_value() || key.sequence < *forgotten_from || Knows(key);
}

std::vector<SnapshotKey> Superseded(const std::vector<SnapshotKey>& present,
                                    const Retention& retention) {
  std::vector<uint64_t> ours;
  for (const SnapshotKey& key : present) {
    const bool is_new = ours.empty() || ours.back() != key.sequence;
    if (is_new && retention.Knows(key)) ours.push_back(key.sequence);
  }
  // Newer ones may be those of an owner after this one, who does not know yet that it is none.
  uint64_t newest = 0;
  for (const SnapshotKey& key : retention.known) newest = std::max(newest, key.sequence);
  std::vector<SnapshotKey> superseded;
  for (const SnapshotKey& key : present) {
    if (Contains(retention.kept, key)) continue;
    const bool is_old = retention.num_kept > 0 && ours.size() >= retention.num_kept &&
                        key.sequence < ours[retention.num_kept - 1];
    const bool is_foreign =
        retention.num_saved >= 2 && !retention.Shows(key) && key.sequence < newest;
    if (is_old || is_foreign) superseded.push_back(key);
  }
  return superseded;
}

Collector::Collector(LaneStore& store, Clock& clock, int64_t grace_us)
    : store_(store), clock_(clock), grace_us_(grace_us) {}

bool Collector::MayGo(const std::string& key) {
  const auto marked = marked_.find(key);
  const int64_t since = marked == marked_.end() ? clock_.MonotonicMicroseconds() : marked->second;
  still_[key] = since;
  return look_us_ - since >= grace_us_;
}

absl::Status Collector::Remove(const std::string& key) {
  RETURN_IF_ERROR(store_.objects().Delete(key));
  still_.erase(key);
  return absl::OkStatus();
}

absl::Status Collector::RemoveIfDue(const std::string& key) {
  return MayGo(key) ? Remove(key) : absl::OkStatus();
}

absl::StatusOr<std::vector<SnapshotKey>> Collector::ReadPins() {
  ASSIGN_OR_RETURN(const std::vector<std::string> names, store_.Names("pins/"));
  std::vector<SnapshotKey> keys;
  for (const std::string& name : names) {
    if (name.ends_with(kTemporaryObjectSuffix)) {
      RETURN_IF_ERROR(RemoveIfDue(store_.PinKey(name)));
    } else if (const std::optional<SnapshotKey> key = KeyInName(name)) {
      keys.push_back(*key);
    }
  }
  return keys;
}

// An upload that says nothing new for the grace time is one of a process that died.
absl::Status Collector::ReadUploads(std::set<std::string>& needed, bool& all_known) {
  ASSIGN_OR_RETURN(const std::vector<std::string> names, store_.Names("uploads/"));
  for (const std::string& name : names) {
    const std::string key = store_.UploadKey(name);
    std::string content;
    if (!name.ends_with(kTemporaryObjectSuffix)) {
      absl::StatusOr<std::string> bytes = GetBytes(store_.objects(), key, kMaxUploadBytes);
      if (absl::IsNotFound(bytes.status())) continue;
      if (!absl::IsDataLoss(bytes.status())) RETURN_IF_ERROR(bytes.status());
      if (bytes.ok()) content = *std::move(bytes);
    }
    // The mark is of name and content: each renewal begins a new one.
    const std::string mark = absl::StrCat(key, " ", Hash128(content).ToHex());
    if (MayGo(mark)) {
      RETURN_IF_ERROR(store_.objects().Delete(key));
      continue;
    }
    const absl::StatusOr<Manifest> upload = DecodeManifest({}, content);
    if (upload.ok()) AddFiles(*upload, needed);
    if (!upload.ok() && !name.ends_with(kTemporaryObjectSuffix)) all_known = false;
  }
  return absl::OkStatus();
}

absl::Status Collector::ReadManifests(const Retention& retention, std::set<std::string>& needed,
                                      bool& all_known) {
  ASSIGN_OR_RETURN(const ManifestList list, store_.Manifests());
  for (const std::string& name : list.remains) {
    RETURN_IF_ERROR(RemoveIfDue(store_.ManifestKey(name)));
  }
  store_.RememberOnly(list.manifests);
  std::vector<SnapshotKey> present;
  present.reserve(list.manifests.size());
  for (const ManifestName& manifest : list.manifests) present.push_back(manifest.key);
  const std::vector<SnapshotKey> superseded = Superseded(present, retention);
  for (const ManifestName& manifest : list.manifests) {
    const std::string key = store_.ManifestKey(manifest.name);
    if (Contains(superseded, manifest.key) && MayGo(key)) {
      RETURN_IF_ERROR(Remove(key));
      continue;
    }
    const absl::StatusOr<Manifest> read = store_.Read(manifest);
    if (read.ok()) {
      AddFiles(*read, needed);
    } else if (absl::IsDataLoss(read.status())) {
      all_known = false;  // damaged, or of a later build: nobody can say what it needs
    } else if (!absl::IsNotFound(read.status())) {
      return read.status();
    }
  }
  return absl::OkStatus();
}

absl::Status Collector::Collect(const Retention& retention) {
  look_us_ = clock_.MonotonicMicroseconds();
  still_.clear();
  ASSIGN_OR_RETURN(const std::vector<std::string> files, store_.Names("files/"));
  std::set<std::string> needed;
  bool all_known = true;
  RETURN_IF_ERROR(ReadUploads(needed, all_known));
  Retention with_pins = retention;
  ASSIGN_OR_RETURN(const std::vector<SnapshotKey> pinned, ReadPins());
  with_pins.kept.insert(with_pins.kept.end(), pinned.begin(), pinned.end());
  RETURN_IF_ERROR(ReadManifests(with_pins, needed, all_known));
  // What cannot be told to be unneeded is not marked as such, nor does it stay marked.
  for (const std::string& name : files) {
    if (!all_known || needed.contains(name)) continue;
    RETURN_IF_ERROR(RemoveIfDue(store_.FileKey(name)));
  }
  marked_ = std::exchange(still_, {});
  return absl::OkStatus();
}

}  // namespace streamml::state
