#include "worker/cli/lane_snapshots.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/clock.h"
#include "base/status.h"
#include "worker/cli/clusters.h"
#include "worker/state/rocksdb/rocksdb_snapshots.h"
#include "worker/state/store/folder_store.h"
#include "worker/state/store/s3_store.h"
#include "worker/state/store/store_location.h"
#include "worker/state/store/stored_snapshots.h"

namespace streamml::cli {
namespace {

constexpr int64_t kPatienceUs = 15'000'000;  // of one operation of a bucket
constexpr int64_t kSliceUs = 20'000;         // of waits, between two looks whether to stop

std::optional<std::string> Environment(const std::string& name) {
  const char* value = std::getenv(name.c_str());
  return value == nullptr ? std::nullopt : std::optional<std::string>(value);
}

// Who waits for the store of a lane, and whether that shall end.
struct Waiting {
  std::atomic<bool> closing = false;
  std::atomic<bool> opening = false;  // the lane cannot begin before the store has answered
};

// A lane's snapshots together with the store that they are copied to.
class SnapshotsWithStore final : public state::SnapshotStore {
 public:
  SnapshotsWithStore(std::unique_ptr<Waiting> waiting, std::unique_ptr<state::ObjectStore> objects,
                     std::unique_ptr<state::StoredSnapshots> snapshots)
      : waiting_(std::move(waiting)),
        objects_(std::move(objects)),
        snapshots_(std::move(snapshots)) {}
  // What is under way in the store ends soon.
  ~SnapshotsWithStore() override { waiting_->closing.store(true); }

  absl::StatusOr<std::vector<state::SnapshotInfo>> List(
      std::vector<std::string>& problems) override {
    const Opening opening(*waiting_);
    return snapshots_->List(problems);
  }
  absl::Status Restore(const state::SnapshotKey& key, const EntryFunction& entry) override {
    const Opening opening(*waiting_);
    return snapshots_->Restore(key, entry);
  }
  absl::Status Read(const state::SnapshotKey& key, const EntryFunction& entry) override {
    const Opening opening(*waiting_);
    return snapshots_->Read(key, entry);
  }
  absl::Status ReadSaved(const EntryFunction& entry) override {
    return snapshots_->ReadSaved(entry);
  }
  absl::Status Clear() override { return snapshots_->Clear(); }
  void Keep(std::vector<state::SnapshotKey> keys) override { snapshots_->Keep(std::move(keys)); }
  absl::StatusOr<Digest> Save(const state::SnapshotKey& key, std::string_view engine,
                              const std::vector<state::StateChange>& changes) override {
    return snapshots_->Save(key, engine, changes);
  }
  state::SavedEntries* saved() override { return snapshots_->saved(); }
  state::Uploads* uploads() override { return snapshots_->uploads(); }

 private:
  class Opening {
   public:
    explicit Opening(Waiting& waiting) : waiting_(waiting) { waiting_.opening.store(true); }
    ~Opening() { waiting_.opening.store(false); }
    Opening(const Opening&) = delete;
    Opening& operator=(const Opening&) = delete;

   private:
    Waiting& waiting_;
  };

  const std::unique_ptr<Waiting> waiting_;
  const std::unique_ptr<state::ObjectStore> objects_;
  const std::unique_ptr<state::StoredSnapshots> snapshots_;  // uses the others
};

absl::StatusOr<state::S3Credentials> CredentialsOf(const job::v1::Snapshots& spec, Disk& disk) {
  if (!spec.has_credentials_from()) return state::CredentialsOfEnvironment(disk, Environment);
  constexpr std::string_view kPath = "spec.snapshots.credentialsFrom";
  ASSIGN_OR_RETURN(const std::string text, ReadSecret(spec.credentials_from(), kPath));
  absl::StatusOr<state::S3Credentials> credentials = state::ParseCredentials(text);
  if (credentials.ok()) return credentials;
  return Annotate(credentials.status(), kPath);
}

}  // namespace

absl::StatusOr<std::unique_ptr<state::ObjectStore>> OpenObjectStore(const std::string& location,
                                                                    const job::v1::Snapshots& spec,
                                                                    Disk& disk,
                                                                    std::function<bool()> stop) {
  ASSIGN_OR_RETURN(state::StoreLocation place, state::ParseStoreLocation(location, Environment));
  if (!place.folder.empty()) return state::MakeFolderStore(disk, place.folder);
  RETURN_IF_ERROR(CredentialsOf(spec, disk).status());
  state::S3Options options = std::move(place.s3);
  options.patience_us = kPatienceUs;
  options.credentials = [spec, &disk] { return CredentialsOf(spec, disk); };
  options.wait = [stop](int64_t wait_us) {
    for (int64_t left_us = wait_us; left_us > 0; left_us -= kSliceUs) {
      if (stop()) return false;
      std::this_thread::sleep_for(std::chrono::microseconds(std::min(left_us, kSliceUs)));
    }
    return !stop();
  };
  options.stop = std::move(stop);
  return state::MakeS3Store(std::move(options), SystemClock());
}

LaneSnapshots::LaneSnapshots(const job::v1::Snapshots& spec, const plan::JobPlan& plan, Disk& disk,
                             std::string folder, std::function<bool()> give_up)
    : spec_(spec),
      location_(plan.snapshot_store),
      prefix_(absl::StrCat(plan.owner.identity, "/", plan.owner.incarnation, "/lanes/")),
      upload_interval_us_(plan.upload_interval_us),
      disk_(disk),
      folder_(std::move(folder)),
      give_up_(std::move(give_up)) {}

absl::StatusOr<std::unique_ptr<state::SnapshotStore>> LaneSnapshots::Open(uint32_t lane) const {
  ASSIGN_OR_RETURN(std::unique_ptr<state::LocalSnapshots> local,
                   state::MakeRocksDbSnapshots(disk_, absl::StrCat(folder_, "/", lane)));
  if (location_.empty()) return std::unique_ptr<state::SnapshotStore>(std::move(local));
  auto waiting = std::make_unique<Waiting>();
  const auto stop = [&waiting = *waiting, give_up = give_up_] {
    return waiting.closing.load() || (waiting.opening.load() && give_up && give_up());
  };
  ASSIGN_OR_RETURN(std::unique_ptr<state::ObjectStore> objects,
                   OpenObjectStore(location_, spec_, disk_, stop));
  state::StoredSnapshotsOptions options;
  options.prefix = absl::StrCat(prefix_, lane, "/");
  options.upload_interval_us = upload_interval_us_;
  auto snapshots =
      state::MakeStoredSnapshots(std::move(local), disk_, *objects, SystemClock(), options);
  return std::make_unique<SnapshotsWithStore>(std::move(waiting), std::move(objects),
                                              std::move(snapshots));
}

}  // namespace streamml::cli
