#include "worker/state/store/internal/uploader.h"

#include <memory>
#include <set>

#include "base/status.h"
#include "worker/state/snapshot_format.h"

namespace streamml::state {
namespace {

// A file that ends with an error when it is time to stop.
class StoppableFile final : public ReadFile {
 public:
  StoppableFile(std::unique_ptr<ReadFile> file, const std::function<bool()>& stop)
      : file_(std::move(file)), stop_(stop) {}
  absl::Status ReadAt(uint64_t offset, size_t size, std::string& out) const override {
    if (stop_ && stop_()) return absl::CancelledError("stopped");
    return file_->ReadAt(offset, size, out);
  }
  absl::StatusOr<uint64_t> Size() const override { return file_->Size(); }

 private:
  std::unique_ptr<ReadFile> file_;
  const std::function<bool()>& stop_;
};

// Equal for files that are the same, as far as the local store can tell.
std::string DigestName(std::string_view name, uint64_t size, const Digest& digest) {
  return absl::StrCat(name, " ", size, " ", digest.ToHex());
}

absl::Status TookTooLong() {
  return absl::UnavailableError(
      "the store was so slow that what is written there may be taken for remains; it is begun "
      "anew");
}

}  // namespace

Uploader::Uploader(LaneStore& store, Disk& disk, Clock& clock, int64_t grace_us,
                   std::function<bool()> stop)
    : store_(store),
      disk_(disk),
      clock_(clock),
      grace_us_(grace_us),
      stop_(std::move(stop)),
      upload_name_(UniqueName()) {}

bool Uploader::IsOverdue() const {
  return !announced_us_.has_value() ||
         clock_.MonotonicMicroseconds() - *announced_us_ > grace_us_ / 2;
}

// True when the snapshot itself is there.
absl::StatusOr<bool> Uploader::FindStored(const SnapshotInfo& wanted, Stored& stored) {
  ASSIGN_OR_RETURN(const ManifestList list, store_.Manifests());
  for (const ManifestName& name : list.manifests) {
    const absl::StatusOr<Manifest> manifest = store_.Read(name);
    // A damaged one helps nobody, and one may be removed between the list and here.
    if (absl::IsNotFound(manifest.status()) || absl::IsDataLoss(manifest.status())) continue;
    RETURN_IF_ERROR(manifest.status());
    if (manifest->info.key == wanted.key && manifest->info.state_digest == wanted.state_digest &&
        manifest->info.engine == wanted.engine) {
      return true;
    }
    for (const StoredFile& file : manifest->files) {
      stored.by_digest.emplace(DigestName(file.name, file.size, file.digest), file);
      stored.by_hash.emplace(HashAndSize(file.sha256, file.size), file.object);
    }
  }
  return false;
}

absl::StatusOr<Uploader::Plan> Uploader::MakePlan(const LocalSnapshot& snapshot,
                                                  const Stored& stored) {
  Plan plan{{snapshot.info, {}}, {}};
  for (const SnapshotFile& file : snapshot.files) {
    const auto same = stored.by_digest.find(DigestName(file.name, file.size, file.digest));
    if (same != stored.by_digest.end()) {
      plan.manifest.files.push_back(same->second);
      plan.sources.push_back(nullptr);
      continue;
    }
    StoredFile planned{file.name, file.size, file.digest, {}, {}};
    ASSIGN_OR_RETURN(std::unique_ptr<ReadFile> source, disk_.OpenForRead(file.path));
    ASSIGN_OR_RETURN(planned.sha256, Sha256Of(StoppableFile(std::move(source), stop_)));
    const HashAndSize content(planned.sha256, file.size);
    const auto equal = stored.by_hash.find(content);
    const auto sent = unfinished_.find(content);
    const bool is_there = equal != stored.by_hash.end() || sent != unfinished_.end();
    if (is_there) {
      planned.object = equal != stored.by_hash.end() ? equal->second : sent->second;
    } else {
      planned.object = absl::StrCat(ToHex(planned.sha256), ".", UniqueName());
    }
    plan.manifest.files.push_back(std::move(planned));
    plan.sources.push_back(is_there ? nullptr : &file);
  }
  return plan;
}

// With the files of uploads that failed, which the next one may still need.
absl::Status Uploader::Announce(const Manifest& manifest) {
  Manifest announced{{{}, std::to_string(++num_announced_), {}}, manifest.files};
  for (const auto& [content, object] : unfinished_) {
    announced.files.push_back({"unfinished", content.second, {}, content.first, object});
  }
  const int64_t begun_us = clock_.MonotonicMicroseconds();
  RETURN_IF_ERROR(PutBytes(store_.objects(), store_.UploadKey(upload_name_),
                           EncodeManifest(announced), PutMode::kReplace));
  announced_us_ = begun_us;
  return absl::OkStatus();
}

absl::Status Uploader::Send(const Plan& plan) {
  for (size_t i = 0; i < plan.sources.size(); ++i) {
    if (plan.sources[i] == nullptr) continue;
    if (stop_ && stop_()) return absl::CancelledError("stopped");
    if (clock_.MonotonicMicroseconds() - *announced_us_ > grace_us_ / 8) {
      RETURN_IF_ERROR(Announce(plan.manifest));
    }
    const StoredFile& file = plan.manifest.files[i];
    ASSIGN_OR_RETURN(std::unique_ptr<ReadFile> source, disk_.OpenForRead(plan.sources[i]->path));
    const StoppableFile body(std::move(source), stop_);
    RETURN_IF_ERROR(store_.objects().Put(store_.FileKey(file.object), body, PutMode::kReplace));
    if (IsOverdue()) return TookTooLong();
    unfinished_[{file.sha256, file.size}] = file.object;
  }
  return absl::OkStatus();
}

absl::Status Uploader::Publish(const Manifest& manifest) {
  if (IsOverdue()) return TookTooLong();
  const std::string name =
      absl::StrCat(SnapshotName(manifest.info.key), ".", upload_name_, "-", num_announced_);
  const std::string key = store_.ManifestKey(name);
  RETURN_IF_ERROR(PutBytes(store_.objects(), key, EncodeManifest(manifest), PutMode::kIfNew));
  if (IsOverdue()) {  // this process stood still: what the manifest names may be gone
    RETURN_IF_ERROR(store_.objects().Delete(key));
    return TookTooLong();
  }
  unfinished_.clear();
  announced_us_.reset();
  // If it stays, it is removed as what a process that died has left.
  store_.objects().Delete(store_.UploadKey(upload_name_)).IgnoreError();
  return absl::OkStatus();
}

absl::Status Uploader::Upload(const LocalSnapshot& snapshot) {
  if (IsOverdue()) unfinished_.clear();
  const int64_t look_us = clock_.MonotonicMicroseconds();
  Stored stored;
  ASSIGN_OR_RETURN(const bool is_there, FindStored(snapshot.info, stored));
  if (is_there) return absl::OkStatus();
  ASSIGN_OR_RETURN(const Plan plan, MakePlan(snapshot, stored));
  RETURN_IF_ERROR(Announce(plan.manifest));
  if (clock_.MonotonicMicroseconds() - look_us > grace_us_ / 2) return TookTooLong();
  RETURN_IF_ERROR(Send(plan));
  return Publish(plan.manifest);
}

}  // namespace streamml::state
