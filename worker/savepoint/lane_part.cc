#include "worker/savepoint/lane_part.h"

#include "absl/strings/str_cat.h"
#include "base/bytes.h"
#include "base/status.h"
#include "worker/savepoint/internal/state_writer.h"
#include "worker/state/snapshot_format.h"

namespace streamml::savepoint {
namespace {

constexpr size_t kPieceBytes = 8 << 20;  // all that is in memory of a state

}  // namespace

std::string DigestBytes(const Digest& digest) {
  std::string bytes;
  ByteWriter writer(bytes);
  state::WriteDigest(digest, writer);
  return bytes;
}

absl::Status StateWriter::Add(std::string_view state, std::string_view key,
                              std::string_view value) {
  digest_.Add(state::EntryDigest(state, key, value));
  ++num_entries_;
  ByteWriter writer(bytes_);
  writer.Text(state);
  writer.Text(key);
  writer.Text(value);
  return bytes_.size() < kPieceBytes ? absl::OkStatus() : Finish();
}

absl::Status StateWriter::Finish() {
  if (bytes_.empty()) return absl::OkStatus();
  ASSIGN_OR_RETURN(*objects_.Add(), store_.Put(savepoint_, bytes_));
  bytes_.clear();
  return absl::OkStatus();
}

absl::StatusOr<v1::LanePart> WriteLanePart(SavepointStore& store, const LaneTaken& taken,
                                           const state::SnapshotInfo& snapshot,
                                           state::SnapshotStore& snapshots) {
  v1::LanePart part;
  part.set_lane(taken.lane);
  part.set_journal_position(snapshot.key.sequence);
  part.set_fingerprint(taken.fingerprint);
  part.set_state_digest(DigestBytes(snapshot.state_digest));
  if (!part.mutable_engine()->ParseFromString(snapshot.engine)) {
    return absl::DataLossError("the snapshot's engine state cannot be parsed");
  }
  StateWriter writer(store, taken.savepoint, *part.mutable_state());
  RETURN_IF_ERROR(snapshots.ReadSaved(
      [&](std::string_view state, std::string_view key, std::string_view value) -> absl::Status {
        if (taken.stop && taken.stop()) {
          return absl::CancelledError("nobody waits for this part of the savepoint any more");
        }
        return writer.Add(state, key, value);
      }));
  RETURN_IF_ERROR(writer.Finish());
  part.set_num_entries(writer.num_entries());
  if (writer.digest() == snapshot.state_digest) return part;
  return absl::DataLossError(absl::StrCat(
      "the snapshot of lane ", taken.lane, " at ", snapshot.key.sequence, " has entries of digest ",
      writer.digest().ToHex(), " and says ", snapshot.state_digest.ToHex()));
}

absl::Status ReadLaneState(const SavepointStore& store, const std::string& savepoint,
                           const v1::Lane& lane, const state::SnapshotStore::EntryFunction& entry) {
  uint64_t num_entries = 0;
  for (const v1::Object& object : lane.state()) {
    ASSIGN_OR_RETURN(const std::string bytes, store.Get(savepoint, object));
    ByteReader reader(bytes);
    while (reader.ok() && reader.remaining() > 0) {
      const std::string_view state = reader.Text();
      const std::string_view key = reader.Text();
      const std::string_view value = reader.Text();
      if (!reader.ok()) break;
      ++num_entries;
      RETURN_IF_ERROR(entry(state, key, value));
    }
    if (!reader.AtEnd()) num_entries = UINT64_MAX;
  }
  if (num_entries == lane.num_entries()) return absl::OkStatus();
  return absl::DataLossError(absl::StrCat("savepoint '", savepoint, "': the state of lane ",
                                          lane.name(), " has not the ", lane.num_entries(),
                                          " entries that its document says"));
}

}  // namespace streamml::savepoint
