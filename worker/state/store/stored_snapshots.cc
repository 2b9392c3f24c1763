#include "worker/state/store/stored_snapshots.h"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "base/status.h"
#include "worker/state/snapshot_format.h"
#include "worker/state/store/internal/fetch.h"
#include "worker/state/store/internal/lane_store.h"
#include "worker/state/store/internal/upload_queue.h"

namespace streamml::state {
namespace {

bool Holds(const std::vector<SnapshotInfo>& infos, const SnapshotKey& key) {
  return std::any_of(infos.begin(), infos.end(),
                     [&](const SnapshotInfo& info) { return info.key == key; });
}

class StoredSnapshotsOnDisk final : public StoredSnapshots {
 public:
  StoredSnapshotsOnDisk(std::unique_ptr<LocalSnapshots> local, Disk& disk, ObjectStore& objects,
                        Clock& clock, const StoredSnapshotsOptions& options)
      : local_(std::move(local)),
        disk_(disk),
        store_(objects, options.prefix),
        queue_(store_, disk, clock, options) {}

  absl::StatusOr<std::vector<SnapshotInfo>> List(std::vector<std::string>& problems) override;
  absl::Status Restore(const SnapshotKey& key, const EntryFunction& entry) override;
  absl::Status Read(const SnapshotKey& key, const EntryFunction& entry) override;
  absl::Status ReadSaved(const EntryFunction& entry) override { return local_->ReadSaved(entry); }
  absl::Status Clear() override;
  SavedEntries* saved() override { return local_->saved(); }
  void Keep(std::vector<SnapshotKey> keys) override;
  absl::StatusOr<Digest> Save(const SnapshotKey& key, std::string_view engine,
                              const std::vector<StateChange>& changes) override;

  absl::Status Pin(const SnapshotKey& key, const std::string& name) override;
  absl::Status Unpin(const SnapshotKey& key, const std::string& name) override;
  absl::Status listed_all() const override { return listed_; }
  UploadStatus upload_status() const override { return queue_.status(); }
  void NoteLetGo() override { queue_.NoteLetGo(); }
  void FinishUploads(int64_t timeout_us) override { queue_.Finish(timeout_us); }
  absl::Status UploadNow() override { return queue_.UploadNow(); }

 private:
  using LoadFunction = std::function<absl::Status(const EntryFunction& entry)>;

  // Those of the store that may be shown, but for those in `infos`, are added to these.
  absl::Status AddStored(std::vector<SnapshotInfo>& infos, std::vector<std::string>& problems);
  // Loads from this disk or, when it is not there or damaged, after it was fetched.
  absl::Status LoadOrFetch(const SnapshotKey& key, const EntryFunction& entry,
                           const LoadFunction& load);
  absl::Status FetchAny(const SnapshotKey& key);
  std::vector<SnapshotFile> FilesHere();
  void Offer(const SnapshotInfo& info);
  // Uploads a snapshot of an earlier life, if the store lacks it.
  void OfferRestored(const SnapshotKey& key);

  std::unique_ptr<LocalSnapshots> local_;
  Disk& disk_;
  LaneStore store_;
  absl::Status listed_;                  // how the last List asked the store
  std::optional<SnapshotKey> restored_;  // newer ones are of no use and shown until the next Save
  UploadQueue queue_;                    // last: its thread uses the others
};

absl::Status StoredSnapshotsOnDisk::AddStored(std::vector<SnapshotInfo>& infos,
                                              std::vector<std::string>& problems) {
  ASSIGN_OR_RETURN(const ManifestList list, store_.Manifests());
  const Retention retention = queue_.retention();
  for (const ManifestName& name : list.manifests) {
    if (Holds(infos, name.key) || !retention.Shows(name.key)) continue;
    absl::StatusOr<Manifest> manifest = store_.Read(name);
    if (manifest.ok()) {
      infos.push_back(std::move(manifest->info));
    } else if (absl::IsDataLoss(manifest.status())) {
      problems.push_back(absl::StrCat("stored snapshot: ", manifest.status().message()));
    } else if (!absl::IsNotFound(manifest.status())) {  // else removed since it was listed
      return manifest.status();
    }
  }
  std::stable_sort(infos.begin(), infos.end(), [](const SnapshotInfo& a, const SnapshotInfo& b) {
    return a.key.sequence > b.key.sequence;
  });
  return absl::OkStatus();
}

absl::StatusOr<std::vector<SnapshotInfo>> StoredSnapshotsOnDisk::List(
    std::vector<std::string>& problems) {
  ASSIGN_OR_RETURN(std::vector<SnapshotInfo> infos, local_->List(problems));
  std::vector<SnapshotInfo> here = infos;
  listed_ = AddStored(infos, problems);
  if (listed_.ok()) return infos;
  if (here.empty()) {
    return Annotate(listed_, "no snapshot is on this disk, and the store cannot be asked for one");
  }
  problems.push_back(absl::StrCat("only the snapshots on this disk are used, because the store ",
                                  "cannot be asked: ", listed_.message()));
  return here;
}

std::vector<SnapshotFile> StoredSnapshotsOnDisk::FilesHere() {
  std::vector<std::string> ignored;
  std::vector<SnapshotFile> files;
  const auto infos = local_->List(ignored);
  if (!infos.ok()) return files;  // all is fetched, then
  for (const SnapshotInfo& info : *infos) {
    absl::StatusOr<std::vector<SnapshotFile>> some = local_->FilesOf(info.key);
    if (some.ok()) files.insert(files.end(), some->begin(), some->end());
  }
  return files;
}

absl::Status StoredSnapshotsOnDisk::FetchAny(const SnapshotKey& key) {
  ASSIGN_OR_RETURN(const ManifestList list, store_.Manifests());
  absl::Status status = absl::NotFoundError(
      absl::StrCat("snapshot ", SnapshotName(key), " is neither on this disk nor in the store"));
  if (!queue_.retention().Shows(key)) return status;
  const std::vector<SnapshotFile> here = FilesHere();
  for (const ManifestName& name : list.manifests) {
    if (name.key != key) continue;
    const absl::StatusOr<Manifest> manifest = store_.Read(name);
    status = manifest.status();
    if (status.ok()) status = Fetch(store_, *manifest, here, disk_, *local_);
    // Another owner may have stored it too.
    if (!absl::IsDataLoss(status) && !absl::IsNotFound(status)) break;
  }
  return Annotate(status, absl::StrCat("stored snapshot ", SnapshotName(key)));
}

absl::Status StoredSnapshotsOnDisk::LoadOrFetch(const SnapshotKey& key, const EntryFunction& entry,
                                                const LoadFunction& load) {
  bool handed_over = false;
  const EntryFunction counting = [&](std::string_view state, std::string_view entry_key,
                                     std::string_view value) {
    handed_over = true;
    return entry(state, entry_key, value);
  };
  absl::Status status = load(counting);
  const bool is_lost = absl::IsNotFound(status) || absl::IsDataLoss(status);
  // What was handed over cannot be taken back: another snapshot has to serve.
  if (!is_lost || handed_over) return status;
  const absl::Status fetched = FetchAny(key);
  if (absl::IsNotFound(fetched)) return status;
  RETURN_IF_ERROR(fetched);
  return load(entry);
}

absl::Status StoredSnapshotsOnDisk::Restore(const SnapshotKey& key, const EntryFunction& entry) {
  restored_.reset();
  RETURN_IF_ERROR(LoadOrFetch(
      key, entry, [&](const EntryFunction& receive) { return local_->Restore(key, receive); }));
  restored_ = key;
  OfferRestored(key);
  return absl::OkStatus();
}

absl::Status StoredSnapshotsOnDisk::Read(const SnapshotKey& key, const EntryFunction& entry) {
  restored_.reset();
  return LoadOrFetch(key, entry,
                     [&](const EntryFunction& receive) { return local_->Read(key, receive); });
}

absl::Status StoredSnapshotsOnDisk::Clear() {
  restored_.reset();
  queue_.Forget(0, std::nullopt);
  return local_->Clear();
}

void StoredSnapshotsOnDisk::Keep(std::vector<SnapshotKey> keys) {
  queue_.Keep(keys);
  local_->Keep(std::move(keys));
}

void StoredSnapshotsOnDisk::Offer(const SnapshotInfo& info) {
  absl::StatusOr<std::vector<SnapshotFile>> files = local_->FilesOf(info.key);
  if (files.ok()) {
    queue_.Offer({info, *std::move(files)});
  } else {
    queue_.TellProblem(files.status());
  }
}

void StoredSnapshotsOnDisk::OfferRestored(const SnapshotKey& key) {
  std::vector<std::string> ignored;
  const absl::StatusOr<std::vector<SnapshotInfo>> infos = local_->List(ignored);
  if (!infos.ok()) return;  // the next Save tells
  for (const SnapshotInfo& info : *infos) {
    if (info.key == key) Offer(info);
  }
}

absl::StatusOr<Digest> StoredSnapshotsOnDisk::Save(const SnapshotKey& key, std::string_view engine,
                                                   const std::vector<StateChange>& changes) {
  if (restored_.has_value()) queue_.Forget(restored_->sequence, restored_);
  restored_.reset();
  local_->Hold(queue_.InUse());
  ASSIGN_OR_RETURN(const Digest digest, local_->Save(key, engine, changes));
  queue_.NoteSaved(key.sequence);
  Offer({key, std::string(engine), digest});
  return digest;
}

absl::Status StoredSnapshotsOnDisk::Pin(const SnapshotKey& key, const std::string& name) {
  const std::string pin = store_.PinKey(absl::StrCat(SnapshotName(key), ".", name));
  RETURN_IF_ERROR(PutBytes(store_.objects(), pin, "pinned\n", PutMode::kReplace));
  ASSIGN_OR_RETURN(const ManifestList list, store_.Manifests());
  for (const ManifestName& manifest : list.manifests) {
    if (manifest.key == key) return absl::OkStatus();
  }
  RETURN_IF_ERROR(store_.objects().Delete(pin));
  return absl::NotFoundError(absl::StrCat("snapshot ", SnapshotName(key), " is not in the store"));
}

absl::Status StoredSnapshotsOnDisk::Unpin(const SnapshotKey& key, const std::string& name) {
  return store_.objects().Delete(store_.PinKey(absl::StrCat(SnapshotName(key), ".", name)));
}

}  // namespace

std::unique_ptr<StoredSnapshots> MakeStoredSnapshots(std::unique_ptr<LocalSnapshots> local,
                                                     Disk& disk, ObjectStore& objects, Clock& clock,
                                                     const StoredSnapshotsOptions& options) {
  return std::make_unique<StoredSnapshotsOnDisk>(std::move(local), disk, objects, clock, options);
}

}  // namespace streamml::state
