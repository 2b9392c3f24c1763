#include "worker/savepoint/restore.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "base/bytes.h"
#include "base/status.h"
#include "proto/streamml/journal/v1/journal.pb.h"
#include "worker/lane/replay.h"
#include "worker/savepoint/internal/flight.h"
#include "worker/savepoint/lane_part.h"
#include "worker/state/snapshot_format.h"

namespace streamml::savepoint {
namespace {

class SavepointSource final : public lane::RestoreSource {
 public:
  SavepointSource(const SavepointStore& store, Document document, uint32_t incarnation)
      : store_(store),
        document_(std::move(document)),
        id_{document_.savepoint.name(), document_.digest, incarnation} {}

  const lane::SavepointId& id() const override { return id_; }

  absl::Status Check(const lane::LaneSpec& spec, uint64_t job_hash,
                     const std::string& fingerprint) const override {
    const v1::Savepoint& savepoint = document_.savepoint;
    const v1::Lane& lane = LaneOf(spec.index);
    journal::v1::JournalRecord record;
    *record.mutable_claim() = lane.claim();
    // It speaks of the journal that the savepoint was taken from.
    RETURN_IF_ERROR(Annotate(lane::CheckClaim(spec, job_hash, record),
                             absl::StrCat("savepoint '", id_.name, "', lane ", lane.name())));
    if (savepoint.fingerprint() == fingerprint) return absl::OkStatus();
    return absl::FailedPreconditionError(
        absl::StrCat("FingerprintMismatch: savepoint '", id_.name, "' was taken under ",
                     savepoint.fingerprint(), " and this is ", fingerprint,
                     "; way out: restore it with the build that took it, on a "
                     "machine of that kind, stop it in order, and go on from there with this one"));
  }

  uint32_t NumTransactions(uint32_t lane) const override {
    return static_cast<uint32_t>(LaneOf(lane).transactions_size());
  }

  absl::StatusOr<log::Transaction> ReadTransaction(uint32_t lane, uint32_t number) override {
    const v1::Object& object = LaneOf(lane).transactions(static_cast<int>(number) - 1);
    ASSIGN_OR_RETURN(const std::string bytes, store_.Get(id_.name, object));
    return DecodeTransaction(bytes);
  }

  absl::StatusOr<state::SnapshotInfo> Start(uint32_t lane) const override {
    state::SnapshotInfo info;
    info.engine = LaneOf(lane).engine().SerializeAsString();
    ByteReader reader(LaneOf(lane).state_digest());
    info.state_digest = state::ReadDigest(reader);
    if (reader.AtEnd()) return info;
    return absl::DataLossError(
        absl::StrCat("savepoint '", id_.name, "': a digest of its document is none"));
  }

  absl::Status ReadEntries(uint32_t lane,
                           const state::SnapshotStore::EntryFunction& entry) override {
    return ReadLaneState(store_, id_.name, LaneOf(lane), entry);
  }

 private:
  const v1::Lane& LaneOf(uint32_t lane) const {
    return document_.savepoint.lanes(static_cast<int>(lane));
  }

  const SavepointStore& store_;
  const Document document_;
  const lane::SavepointId id_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<lane::RestoreSource>> MakeRestoreSource(const plan::JobPlan& plan,
                                                                       const SavepointStore& store,
                                                                       Document document) {
  const v1::Savepoint& savepoint = document.savepoint;
  if (static_cast<size_t>(savepoint.lanes_size()) != plan.lanes.size()) {
    return absl::FailedPreconditionError(
        absl::StrCat("savepoint '", savepoint.name(), "' has ", savepoint.lanes_size(),
                     " lanes and the job ", plan.lanes.size(),
                     ": workers.lanes, partitions or number of files are not what they were; "
                     "way out: restore it with the manifest and inputs that it was taken from"));
  }
  return std::make_unique<SavepointSource>(store, std::move(document), plan.owner.incarnation);
}

}  // namespace streamml::savepoint
