#include "worker/state/plain_snapshots.h"

#include <algorithm>
#include <map>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/bytes.h"
#include "base/mutex.h"
#include "base/status.h"
#include "worker/state/snapshot_format.h"

namespace streamml::state {
namespace {

constexpr std::string_view kMagic = "SMLSNAP\n";
constexpr std::string_view kSuffix = ".snapshot";
constexpr std::string_view kTemporarySuffix = ".snapshot.tmp";
constexpr size_t kNumKept = 2;
constexpr size_t kPieceSize = size_t{1} << 20;

using Entries = std::map<std::string, std::string>;
using States = std::map<std::string, Entries>;  // none empty

std::string EncodeStates(const States& states) {
  std::string bytes;
  ByteWriter writer(bytes);
  writer.Varint(states.size());
  for (const auto& [state, entries] : states) {
    writer.Text(state);
    writer.Varint(entries.size());
    for (const auto& [key, value] : entries) {
      writer.Text(key);
      writer.Text(value);
    }
  }
  return bytes;
}

// Counts come from the disk: they end the loops, but nothing is reserved by them.
absl::StatusOr<States> DecodeStates(std::string_view bytes) {
  States states;
  ByteReader reader(bytes);
  const uint64_t num_states = reader.Varint();
  for (uint64_t i = 0; i < num_states && reader.ok(); ++i) {
    Entries& entries = states[std::string(reader.Text())];
    const uint64_t num_entries = reader.Varint();
    for (uint64_t j = 0; j < num_entries && reader.ok(); ++j) {
      std::string key(reader.Text());
      entries.insert_or_assign(entries.end(), std::move(key), std::string(reader.Text()));
    }
  }
  if (!reader.AtEnd()) return absl::DataLossError("entries do not fill the stored length");
  return states;
}

Digest DigestOf(const States& states) {
  Digest digest;
  for (const auto& [state, entries] : states) {
    for (const auto& [key, value] : entries) digest.Add(EntryDigest(state, key, value));
  }
  return digest;
}

class PlainSnapshots final : public LocalSnapshots, public SavedEntries {
 public:
  PlainSnapshots(Disk& disk, std::string folder) : disk_(disk), folder_(std::move(folder)) {}

  absl::StatusOr<std::vector<SnapshotInfo>> List(std::vector<std::string>& problems) override;
  absl::Status Restore(const SnapshotKey& key, const EntryFunction& entry) override;
  absl::Status Read(const SnapshotKey& key, const EntryFunction& entry) override;
  absl::Status ReadSaved(const EntryFunction& entry) override;
  absl::Status Clear() override;
  void Keep(std::vector<SnapshotKey> keys) override { kept_ = std::move(keys); }
  absl::StatusOr<Digest> Save(const SnapshotKey& key, std::string_view engine,
                              const std::vector<StateChange>& changes) override;

  SavedEntries* saved() override { return this; }
  absl::Status Get(std::string_view state, std::string_view key, std::string& value) override;

  absl::StatusOr<std::vector<SnapshotFile>> FilesOf(const SnapshotKey& key) override;
  void Hold(std::vector<SnapshotKey> keys) override { held_ = std::move(keys); }
  absl::StatusOr<std::vector<std::string>> BeginImport(
      const SnapshotKey& key, const std::vector<std::string>& names) override;
  absl::Status EndImport(const SnapshotKey& key) override;

 private:
  struct Stored {
    std::string file;
    SnapshotKey key;
  };

  std::string PathOf(std::string_view file) const { return absl::StrCat(folder_, "/", file); }
  bool MustStay(const SnapshotKey& key) const {
    return std::find(kept_.begin(), kept_.end(), key) != kept_.end() ||
           std::find(held_.begin(), held_.end(), key) != held_.end();
  }
  // Files named as snapshots, newest first.
  absl::StatusOr<std::vector<Stored>> Find() const;
  absl::StatusOr<States> Load(const SnapshotKey& key, Digest& digest) const;
  // Removes the files; the removal of a file that comes back after a crash is made up for by the
  // next one.
  absl::Status RemoveFiles(const std::vector<std::string>& files);
  // Removes all snapshots but the newest `num_kept` and, if that is not 0, those to keep and held,
  // and the remains of writes that a crash cut off.
  absl::Status RemoveAllBut(size_t num_kept);
  absl::Status RemoveUnknown();
  void Empty();  // the working copy
  void Change(const StateChange& change);

  Disk& disk_;
  std::string folder_;
  Mutex mutex_;    // a lane may read while a Save is under way
  States states_;  // changed under the mutex
  Digest digest_;
  std::vector<SnapshotKey> kept_;
  std::optional<SnapshotKey> restored_;  // newer ones are of no use and not removed yet
  std::vector<SnapshotKey> held_;
};

absl::StatusOr<std::vector<PlainSnapshots::Stored>> PlainSnapshots::Find() const {
  ASSIGN_OR_RETURN(const std::vector<std::string> names, disk_.List(folder_));
  std::vector<Stored> found;
  for (const std::string& name : names) {
    if (!name.ends_with(kSuffix)) continue;
    const std::string_view stem = std::string_view(name).substr(0, name.size() - kSuffix.size());
    if (const std::optional<SnapshotKey> key = ParseSnapshotName(stem))
      found.push_back({name, *key});
  }
  std::reverse(found.begin(), found.end());
  return found;
}

absl::StatusOr<std::vector<SnapshotInfo>> PlainSnapshots::List(std::vector<std::string>& problems) {
  ASSIGN_OR_RETURN(const std::vector<Stored> found, Find());
  std::vector<SnapshotInfo> result;
  for (const Stored& stored : found) {
    ASSIGN_OR_RETURN(const std::string bytes, ReadWhole(disk_, PathOf(stored.file)));
    absl::StatusOr<SnapshotFrame> frame = OpenFrame(kMagic, stored.key, bytes);
    if (frame.ok()) {
      result.push_back(std::move(frame->info));
    } else {
      problems.push_back(
          absl::StrCat("snapshot '", PathOf(stored.file), "': ", frame.status().message()));
    }
  }
  return result;
}

absl::StatusOr<States> PlainSnapshots::Load(const SnapshotKey& key, Digest& digest) const {
  const std::string path = PathOf(absl::StrCat(SnapshotName(key), kSuffix));
  const std::string context = absl::StrCat("snapshot '", path, "'");
  ASSIGN_OR_RETURN(const std::string bytes, ReadWhole(disk_, path));
  const absl::StatusOr<SnapshotFrame> frame = OpenFrame(kMagic, key, bytes);
  if (!frame.ok()) return Annotate(frame.status(), context);
  absl::StatusOr<States> states = DecodeStates(frame->contents);
  if (!states.ok()) return Annotate(states.status(), context);
  digest = DigestOf(*states);
  if (digest != frame->info.state_digest) {
    return absl::DataLossError(absl::StrCat(context, ": state digest is ", digest.ToHex(), " but ",
                                            frame->info.state_digest.ToHex(), " was stored"));
  }
  return states;
}

void PlainSnapshots::Empty() {
  states_.clear();
  digest_ = {};
  restored_.reset();
}

absl::Status PlainSnapshots::Restore(const SnapshotKey& key, const EntryFunction& entry) {
  Empty();
  Digest digest;
  ASSIGN_OR_RETURN(States states, Load(key, digest));
  for (const auto& [state, entries] : states) {
    for (const auto& [entry_key, value] : entries) RETURN_IF_ERROR(entry(state, entry_key, value));
  }
  states_ = std::move(states);
  digest_ = digest;
  restored_ = key;
  return absl::OkStatus();
}

// What is newer than what was restored, once.
absl::Status PlainSnapshots::RemoveUnknown() {
  if (!restored_.has_value()) return absl::OkStatus();
  ASSIGN_OR_RETURN(const std::vector<Stored> found, Find());
  std::vector<std::string> unknown;
  for (const Stored& stored : found) {
    if (stored.key.sequence >= restored_->sequence && stored.key != *restored_)
      unknown.push_back(stored.file);
  }
  RETURN_IF_ERROR(RemoveFiles(unknown));
  restored_.reset();
  return absl::OkStatus();
}

absl::Status PlainSnapshots::Read(const SnapshotKey& key, const EntryFunction& entry) {
  Empty();
  Digest digest;
  ASSIGN_OR_RETURN(const States states, Load(key, digest));
  for (const auto& [state, entries] : states) {
    for (const auto& [entry_key, value] : entries) RETURN_IF_ERROR(entry(state, entry_key, value));
  }
  return absl::OkStatus();
}

absl::Status PlainSnapshots::ReadSaved(const EntryFunction& entry) {
  for (const auto& [state, entries] : states_) {
    for (const auto& [entry_key, value] : entries) RETURN_IF_ERROR(entry(state, entry_key, value));
  }
  return absl::OkStatus();
}

absl::Status PlainSnapshots::Clear() {
  Empty();
  return RemoveAllBut(0);
}

absl::Status PlainSnapshots::RemoveFiles(const std::vector<std::string>& files) {
  if (files.empty()) return absl::OkStatus();
  for (const std::string& file : files) RETURN_IF_ERROR(disk_.Remove(PathOf(file)));
  return disk_.SyncDirectory(folder_);
}

absl::Status PlainSnapshots::RemoveAllBut(size_t num_kept) {
  std::vector<std::string> removed;
  ASSIGN_OR_RETURN(const std::vector<std::string> names, disk_.List(folder_));
  for (const std::string& name : names) {
    if (name.ends_with(kTemporarySuffix)) removed.push_back(name);
  }
  ASSIGN_OR_RETURN(const std::vector<Stored> found, Find());
  for (size_t i = num_kept; i < found.size(); ++i) {
    if (num_kept == 0 || !MustStay(found[i].key)) removed.push_back(found[i].file);
  }
  return RemoveFiles(removed);
}

void PlainSnapshots::Change(const StateChange& change) {
  Entries& entries = states_[change.state];
  const auto it = entries.find(change.key);
  if (it != entries.end()) digest_.Subtract(EntryDigest(change.state, change.key, it->second));
  if (change.present) {
    digest_.Add(EntryDigest(change.state, change.key, change.value));
    entries.insert_or_assign(change.key, change.value);
    return;
  }
  if (it != entries.end()) entries.erase(it);
  if (entries.empty()) states_.erase(change.state);
}

absl::Status PlainSnapshots::Get(std::string_view state, std::string_view key, std::string& value) {
  const MutexLock lock(mutex_);
  const auto entries = states_.find(std::string(state));
  if (entries != states_.end()) {
    const auto entry = entries->second.find(std::string(key));
    if (entry != entries->second.end()) {
      value = entry->second;
      return absl::OkStatus();
    }
  }
  return absl::NotFoundError(absl::StrCat("state ", state, ": a saved entry is missing"));
}

absl::StatusOr<Digest> PlainSnapshots::Save(const SnapshotKey& key, std::string_view engine,
                                            const std::vector<StateChange>& changes) {
  {
    const MutexLock lock(mutex_);
    for (const StateChange& change : changes) Change(change);
  }
  RETURN_IF_ERROR(disk_.MakeDirectories(folder_));
  RETURN_IF_ERROR(RemoveUnknown());
  const SnapshotInfo info{key, std::string(engine), digest_};
  const std::string file = absl::StrCat(SnapshotName(key), kSuffix);
  RETURN_IF_ERROR(WriteWhole(disk_, PathOf(file), SealFrame(kMagic, info, EncodeStates(states_))));
  RETURN_IF_ERROR(RemoveAllBut(kNumKept));
  return digest_;
}

absl::StatusOr<std::vector<SnapshotFile>> PlainSnapshots::FilesOf(const SnapshotKey& key) {
  const std::string name = absl::StrCat(SnapshotName(key), kSuffix);
  ASSIGN_OR_RETURN(const std::string bytes, ReadWhole(disk_, PathOf(name)));
  SnapshotFile file{name, PathOf(name), bytes.size(), {}};
  for (size_t at = 0; at < bytes.size(); at += kPieceSize) {
    file.digest.Chain(std::string_view(bytes).substr(at, kPieceSize));
  }
  return std::vector<SnapshotFile>{std::move(file)};
}

absl::StatusOr<std::vector<std::string>> PlainSnapshots::BeginImport(
    const SnapshotKey& key, const std::vector<std::string>& names) {
  const std::string name = absl::StrCat(SnapshotName(key), kSuffix);
  if (names != std::vector<std::string>{name}) {
    return absl::DataLossError(
        absl::StrCat("the files of snapshot ", SnapshotName(key), " are not one '", name, "'"));
  }
  RETURN_IF_ERROR(disk_.MakeDirectories(folder_));
  const std::string temporary = PathOf(absl::StrCat(SnapshotName(key), kTemporarySuffix));
  RETURN_IF_ERROR(disk_.Remove(temporary));
  return std::vector<std::string>{temporary};
}

absl::Status PlainSnapshots::EndImport(const SnapshotKey& key) {
  const std::string name = SnapshotName(key);
  RETURN_IF_ERROR(disk_.Rename(PathOf(absl::StrCat(name, kTemporarySuffix)),
                               PathOf(absl::StrCat(name, kSuffix))));
  return disk_.SyncDirectory(folder_);
}

}  // namespace

std::unique_ptr<LocalSnapshots> MakePlainSnapshots(Disk& disk, std::string folder) {
  return std::make_unique<PlainSnapshots>(disk, std::move(folder));
}

}  // namespace streamml::state
