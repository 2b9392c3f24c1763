#include "worker/state/rocksdb/rocksdb_snapshots.h"

#include <algorithm>
#include <exception>
#include <map>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "worker/state/rocksdb/internal/descriptor.h"
#include "worker/state/rocksdb/internal/folders.h"
#include "worker/state/rocksdb/internal/working_copy.h"
#include "worker/state/snapshot_format.h"

namespace streamml::state {
namespace {

constexpr std::string_view kTemporarySuffix = ".tmp";
constexpr size_t kNumKept = 2;

// RocksDB and the standard library throw when memory or threads run out; nothing is thrown from
// here on.
template <typename Function>
auto WithoutExceptions(const Function& function) -> decltype(function()) {
  try {
    return function();
  } catch (const std::exception& error) {
    return absl::InternalError(absl::StrCat("snapshots: ", error.what()));
  }
}

bool IsTable(std::string_view name) { return name.ends_with(".sst"); }

class RocksDbSnapshots final : public LocalSnapshots, public SavedEntries {
 public:
  RocksDbSnapshots(Disk& disk, const std::string& folder)
      : disk_(disk),
        working_folder_(absl::StrCat(folder, "/db")),
        snapshots_folder_(absl::StrCat(folder, "/snapshots")) {}

  absl::StatusOr<std::vector<SnapshotInfo>> List(std::vector<std::string>& problems) override {
    return WithoutExceptions([&] { return ListSnapshots(problems); });
  }
  absl::Status Restore(const SnapshotKey& key, const EntryFunction& entry) override {
    absl::Status status = WithoutExceptions([&] { return RestoreSnapshot(key, entry); });
    if (status.ok()) return status;
    // The first error is the one to tell.
    WithoutExceptions([&] { return Empty(); }).IgnoreError();
    return Annotate(status, absl::StrCat("snapshot '", FolderOf(key), "'"));
  }
  absl::Status Read(const SnapshotKey& key, const EntryFunction& entry) override {
    absl::Status status = WithoutExceptions([&] { return LoadSnapshot(key, entry); });
    WithoutExceptions([&] { return Empty(); }).IgnoreError();
    return Annotate(status, absl::StrCat("snapshot '", FolderOf(key), "'"));
  }
  absl::Status ReadSaved(const EntryFunction& entry) override {
    if (working_ == nullptr) return absl::OkStatus();  // nothing was ever saved
    return WithoutExceptions([&] { return working_->ForEach(entry); });
  }
  void Keep(std::vector<SnapshotKey> keys) override { kept_ = std::move(keys); }
  absl::Status Clear() override {
    return WithoutExceptions([&] {
      RETURN_IF_ERROR(Empty());
      return RemoveAllBut(0);
    });
  }
  absl::StatusOr<Digest> Save(const SnapshotKey& key, std::string_view engine,
                              const std::vector<StateChange>& changes) override {
    return WithoutExceptions([&]() -> absl::StatusOr<Digest> {
      const absl::Status status = SaveSnapshot(key, engine, changes);
      if (!status.ok()) return Annotate(status, absl::StrCat("snapshot '", FolderOf(key), "'"));
      return sum_.digest;
    });
  }

  SavedEntries* saved() override { return this; }
  // While a Save is under way it only changes what it was given, so this may be asked meanwhile.
  absl::Status Get(std::string_view state, std::string_view key, std::string& value) override {
    return WithoutExceptions([&]() -> absl::Status {
      if (working_ == nullptr) return absl::NotFoundError("nothing is saved");
      return working_->Get(state, key, value);
    });
  }

  absl::StatusOr<std::vector<SnapshotFile>> FilesOf(const SnapshotKey& key) override;
  void Hold(std::vector<SnapshotKey> keys) override { held_ = std::move(keys); }
  absl::StatusOr<std::vector<std::string>> BeginImport(
      const SnapshotKey& key, const std::vector<std::string>& names) override;
  absl::Status EndImport(const SnapshotKey& key) override;

  absl::Status Prepare() {
    return WithoutExceptions([&] { return disk_.MakeDirectories(snapshots_folder_); });
  }

 private:
  std::string FolderOf(const SnapshotKey& key) const {
    return absl::StrCat(snapshots_folder_, "/", SnapshotName(key));
  }
  std::string ImportFolderOf(const SnapshotKey& key) const {
    return absl::StrCat(FolderOf(key), ".import", kTemporarySuffix);
  }
  bool MustStay(const SnapshotKey& key) const {
    return std::find(kept_.begin(), kept_.end(), key) != kept_.end() ||
           std::find(held_.begin(), held_.end(), key) != held_.end();
  }
  // Keys of the folders named as snapshots, newest first.
  absl::StatusOr<std::vector<SnapshotKey>> Find() const;
  absl::StatusOr<std::vector<SnapshotInfo>> ListSnapshots(std::vector<std::string>& problems) const;
  absl::Status RestoreSnapshot(const SnapshotKey& key, const EntryFunction& entry);
  // Makes the working copy the snapshot's and hands over its entries.
  absl::Status LoadSnapshot(const SnapshotKey& key, const EntryFunction& entry);
  absl::Status OpenCopyOf(const std::string& folder, const Descriptor& descriptor);
  absl::Status SaveSnapshot(const SnapshotKey& key, std::string_view engine,
                            const std::vector<StateChange>& changes);
  absl::StatusOr<std::vector<FileRecord>> SyncAndDescribe(const std::string& folder);
  absl::Status Publish(const std::string& temporary, const Descriptor& descriptor);
  absl::Status Retire(const SnapshotKey& key);
  absl::Status RemoveTemporary();
  absl::Status RemoveUnknown();
  // But these newest and, if that is not 0, those to keep and held.
  absl::Status RemoveAllBut(size_t num_kept);
  // Empties the working copy, without making a new one.
  absl::Status Empty();

  Disk& disk_;
  std::string working_folder_;
  std::string snapshots_folder_;
  std::unique_ptr<WorkingCopy> working_;  // null: empty
  StateSum sum_;
  std::vector<SnapshotKey> kept_;
  std::optional<SnapshotKey> restored_;  // newer ones are of no use and not removed yet
  std::vector<SnapshotKey> held_;
  // Table files of the newest snapshot by name. The database never changes one, so none is read
  // twice.
  std::map<std::string, FileRecord> tables_;
};

absl::StatusOr<std::vector<SnapshotKey>> RocksDbSnapshots::Find() const {
  ASSIGN_OR_RETURN(const std::vector<std::string> names, disk_.List(snapshots_folder_));
  std::vector<SnapshotKey> found;
  for (const std::string& name : names) {
    if (const std::optional<SnapshotKey> key = ParseSnapshotName(name)) found.push_back(*key);
  }
  std::reverse(found.begin(), found.end());
  return found;
}

absl::StatusOr<std::vector<SnapshotInfo>> RocksDbSnapshots::ListSnapshots(
    std::vector<std::string>& problems) const {
  ASSIGN_OR_RETURN(const std::vector<SnapshotKey> found, Find());
  std::vector<SnapshotInfo> result;
  for (const SnapshotKey& key : found) {
    absl::StatusOr<Descriptor> descriptor = ReadDescriptor(disk_, FolderOf(key), key);
    absl::Status status = descriptor.status();
    if (status.ok()) status = CheckSizes(disk_, FolderOf(key), *descriptor);
    if (status.ok()) {
      result.push_back(std::move(descriptor->info));
    } else if (absl::IsDataLoss(status)) {
      problems.push_back(absl::StrCat("snapshot '", FolderOf(key), "': ", status.message()));
    } else {
      return status;
    }
  }
  return result;
}

absl::Status RocksDbSnapshots::Empty() {
  working_.reset();
  sum_ = {};
  tables_.clear();
  restored_.reset();
  return RemoveFolder(working_folder_);
}

absl::Status RocksDbSnapshots::OpenCopyOf(const std::string& folder, const Descriptor& descriptor) {
  RETURN_IF_ERROR(disk_.MakeDirectories(working_folder_));
  for (const FileRecord& file : descriptor.files) {
    const std::string from = absl::StrCat(folder, "/", file.name);
    const std::string to = absl::StrCat(working_folder_, "/", file.name);
    // All but tables may be appended to or replaced by the database.
    RETURN_IF_ERROR(IsTable(file.name) ? LinkFile(from, to) : CopyFile(from, to));
    if (IsTable(file.name)) tables_.emplace(file.name, file);
  }
  ASSIGN_OR_RETURN(working_, WorkingCopy::Open(working_folder_, WorkingCopy::Origin::kCheckpoint));
  return absl::OkStatus();
}

absl::Status RocksDbSnapshots::LoadSnapshot(const SnapshotKey& key, const EntryFunction& entry) {
  RETURN_IF_ERROR(Empty());
  const std::string folder = FolderOf(key);
  ASSIGN_OR_RETURN(const bool exists, FolderExists(folder));
  if (!exists) return absl::NotFoundError("does not exist");
  ASSIGN_OR_RETURN(const Descriptor descriptor, ReadDescriptor(disk_, folder, key));
  RETURN_IF_ERROR(CheckContents(disk_, folder, descriptor));
  RETURN_IF_ERROR(OpenCopyOf(folder, descriptor));
  RETURN_IF_ERROR(working_->ForEach(
      [&](std::string_view state, std::string_view entry_key, std::string_view value) {
        sum_.digest.Add(EntryDigest(state, entry_key, value));
        ++sum_.num_entries;
        return entry(state, entry_key, value);
      }));
  if (sum_ != StateSum{descriptor.info.state_digest, descriptor.num_entries}) {
    return absl::DataLossError(absl::StrCat(
        "has ", sum_.num_entries, " entries of state digest ", sum_.digest.ToHex(), " but ",
        descriptor.num_entries, " of ", descriptor.info.state_digest.ToHex(), " were stored"));
  }
  return absl::OkStatus();
}

absl::Status RocksDbSnapshots::RestoreSnapshot(const SnapshotKey& key, const EntryFunction& entry) {
  RETURN_IF_ERROR(LoadSnapshot(key, entry));
  restored_ = key;
  return absl::OkStatus();
}

// What is newer than what was restored, once.
absl::Status RocksDbSnapshots::RemoveUnknown() {
  if (!restored_.has_value()) return absl::OkStatus();
  ASSIGN_OR_RETURN(const std::vector<SnapshotKey> found, Find());
  for (const SnapshotKey& other : found) {
    if (other.sequence >= restored_->sequence && other != *restored_)
      RETURN_IF_ERROR(Retire(other));
  }
  restored_.reset();
  return absl::OkStatus();
}

// Whatever RocksDB synced itself: each file is synced here before its checksum is written down.
absl::StatusOr<std::vector<FileRecord>> RocksDbSnapshots::SyncAndDescribe(
    const std::string& folder) {
  ASSIGN_OR_RETURN(const std::vector<std::string> names, disk_.List(folder));
  std::vector<FileRecord> files;
  std::map<std::string, FileRecord> tables;
  for (const std::string& name : names) {
    const auto known = tables_.find(name);
    if (known != tables_.end()) {
      files.push_back(known->second);
    } else {
      ASSIGN_OR_RETURN(const std::unique_ptr<AppendFile> file,
                       disk_.OpenForAppend(absl::StrCat(folder, "/", name)));
      RETURN_IF_ERROR(file->Sync());
      ASSIGN_OR_RETURN(FileRecord record, DescribeFile(disk_, folder, name));
      files.push_back(std::move(record));
    }
    if (IsTable(name)) tables.emplace(name, files.back());
  }
  tables_ = std::move(tables);
  return files;
}

absl::Status RocksDbSnapshots::SaveSnapshot(const SnapshotKey& key, std::string_view engine,
                                            const std::vector<StateChange>& changes) {
  if (working_ == nullptr) {
    RETURN_IF_ERROR(Empty());
    RETURN_IF_ERROR(disk_.MakeDirectories(working_folder_));
    ASSIGN_OR_RETURN(working_, WorkingCopy::Open(working_folder_, WorkingCopy::Origin::kNew));
  }
  RETURN_IF_ERROR(working_->Apply(changes, sum_));
  RETURN_IF_ERROR(RemoveTemporary());
  RETURN_IF_ERROR(RemoveUnknown());
  const std::string temporary = absl::StrCat(FolderOf(key), kTemporarySuffix);
  RETURN_IF_ERROR(working_->Checkpoint(temporary));
  Descriptor descriptor{{key, std::string(engine), sum_.digest}, sum_.num_entries, {}};
  ASSIGN_OR_RETURN(descriptor.files, SyncAndDescribe(temporary));
  RETURN_IF_ERROR(WriteDescriptor(disk_, temporary, descriptor));
  RETURN_IF_ERROR(Publish(temporary, descriptor));
  return RemoveAllBut(kNumKept);
}

absl::Status RocksDbSnapshots::Publish(const std::string& temporary, const Descriptor& descriptor) {
  const SnapshotKey& key = descriptor.info.key;
  const std::string folder = FolderOf(key);
  ASSIGN_OR_RETURN(const bool exists, FolderExists(folder));
  if (exists) {
    // A folder cannot replace another in one step. One that is whole and the same stays: it may be
    // the only one that there is.
    const absl::StatusOr<Descriptor> old = ReadDescriptor(disk_, folder, key);
    if (old.ok() && old->info.state_digest == descriptor.info.state_digest &&
        old->info.engine == descriptor.info.engine && CheckContents(disk_, folder, *old).ok()) {
      return RemoveFolder(temporary);
    }
    RETURN_IF_ERROR(RemoveFolder(folder));
  }
  RETURN_IF_ERROR(disk_.Rename(temporary, folder));
  return disk_.SyncDirectory(snapshots_folder_);
}

// First out of the way, in one step: a crash must not leave a snapshot with half of its files.
absl::Status RocksDbSnapshots::Retire(const SnapshotKey& key) {
  const std::string retired = absl::StrCat(FolderOf(key), ".old", kTemporarySuffix);
  RETURN_IF_ERROR(RemoveFolder(retired));
  RETURN_IF_ERROR(disk_.Rename(FolderOf(key), retired));
  RETURN_IF_ERROR(disk_.SyncDirectory(snapshots_folder_));
  return RemoveFolder(retired);
}

absl::Status RocksDbSnapshots::RemoveTemporary() {
  ASSIGN_OR_RETURN(const std::vector<std::string> names, disk_.List(snapshots_folder_));
  for (const std::string& name : names) {
    if (!name.ends_with(kTemporarySuffix)) continue;
    RETURN_IF_ERROR(RemoveFolder(absl::StrCat(snapshots_folder_, "/", name)));
  }
  return absl::OkStatus();
}

absl::Status RocksDbSnapshots::RemoveAllBut(size_t num_kept) {
  RETURN_IF_ERROR(RemoveTemporary());
  ASSIGN_OR_RETURN(const std::vector<SnapshotKey> found, Find());
  for (size_t i = num_kept; i < found.size(); ++i) {
    if (num_kept == 0 || !MustStay(found[i])) RETURN_IF_ERROR(Retire(found[i]));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<SnapshotFile>> RocksDbSnapshots::FilesOf(const SnapshotKey& key) {
  const std::string folder = FolderOf(key);
  ASSIGN_OR_RETURN(const bool exists, FolderExists(folder));
  if (!exists) return absl::NotFoundError(absl::StrCat("snapshot '", folder, "' does not exist"));
  ASSIGN_OR_RETURN(Descriptor descriptor, ReadDescriptor(disk_, folder, key));
  RETURN_IF_ERROR(CheckSizes(disk_, folder, descriptor));
  ASSIGN_OR_RETURN(FileRecord own, DescribeFile(disk_, folder, std::string(kDescriptorName)));
  descriptor.files.push_back(std::move(own));
  std::vector<SnapshotFile> files;
  for (FileRecord& file : descriptor.files) {
    std::string path = absl::StrCat(folder, "/", file.name);
    files.push_back({std::move(file.name), std::move(path), file.size, file.digest});
  }
  return files;
}

absl::StatusOr<std::vector<std::string>> RocksDbSnapshots::BeginImport(
    const SnapshotKey& key, const std::vector<std::string>& names) {
  const std::string folder = ImportFolderOf(key);
  RETURN_IF_ERROR(RemoveFolder(folder));
  RETURN_IF_ERROR(disk_.MakeDirectories(folder));
  std::vector<std::string> paths;
  paths.reserve(names.size());
  for (const std::string& name : names) paths.push_back(absl::StrCat(folder, "/", name));
  return paths;
}

absl::Status RocksDbSnapshots::EndImport(const SnapshotKey& key) {
  const std::string folder = ImportFolderOf(key);
  RETURN_IF_ERROR(disk_.SyncDirectory(folder));
  ASSIGN_OR_RETURN(const bool exists, FolderExists(FolderOf(key)));
  if (exists) RETURN_IF_ERROR(Retire(key));
  RETURN_IF_ERROR(disk_.Rename(folder, FolderOf(key)));
  return disk_.SyncDirectory(snapshots_folder_);
}

}  // namespace

absl::StatusOr<std::unique_ptr<LocalSnapshots>> MakeRocksDbSnapshots(Disk& disk,
                                                                     const std::string& folder) {
  ASSIGN_OR_RETURN(const std::string absolute, AbsolutePath(folder));
  auto store = std::make_unique<RocksDbSnapshots>(disk, absolute);
  RETURN_IF_ERROR(store->Prepare());
  return store;
}

}  // namespace streamml::state
