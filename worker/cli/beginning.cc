#include "worker/cli/beginning.h"

#include <algorithm>
#include <filesystem>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "base/bytes.h"
#include "base/status.h"
#include "proto/streamml/journal/v1/journal.pb.h"
#include "worker/cli/lane_snapshots.h"
#include "worker/lane/lane.h"
#include "worker/log/kafka/incarnations.h"
#include "worker/savepoint/restore.h"

namespace streamml::cli {
namespace {

constexpr std::string_view kElsewhere =
    "way out: restore in another --data-dir, or leave out spec.restoreFrom to go on with what is "
    "there";

// What the folder of a job that began from a savepoint says.
struct Kept {
  uint32_t incarnation = 1;
  std::string savepoint;
  std::string digest;
};

std::string PathOf(const std::string& data_dir) {
  return absl::StrCat(data_dir, "/.streamml/incarnation");
}

absl::StatusOr<std::optional<Kept>> ReadKept(const std::string& data_dir, Disk& disk) {
  const auto text = ReadWhole(disk, PathOf(data_dir));
  if (absl::IsNotFound(text.status())) return std::nullopt;
  RETURN_IF_ERROR(text.status());
  const std::vector<std::string> words =
      absl::StrSplit(*text, absl::ByAnyChar(" \n"), absl::SkipEmpty());
  Kept kept;
  if (words.size() == 3 && absl::SimpleAtoi(words[0], &kept.incarnation) && kept.incarnation > 1) {
    kept.savepoint = words[1];
    kept.digest = words[2];
    return kept;
  }
  return absl::DataLossError(absl::StrCat("'", PathOf(data_dir),
                                          "' is not what was written there; way out: put it back, "
                                          "or restore in another --data-dir"));
}

absl::Status BeganOtherwise(const Kept& kept, const std::string& name, const std::string& digest) {
  return absl::FailedPreconditionError(absl::StrCat(
      "spec.restoreFrom names savepoint '", name, "'", digest.empty() ? "" : " (digest ", digest,
      digest.empty() ? "" : ")", ", and the data folder's job began from savepoint '",
      kept.savepoint, "' (digest ", kept.digest, "); ", kElsewhere));
}

absl::Status CannotRead(const absl::Status& status, const Savepoints& savepoints) {
  return Annotate(status, absl::StrCat("spec.restoreFrom: store '", savepoints.location, "'"));
}

// How the last incarnation began: the savepoint's record, empty when it began from nothing, nullopt
// when nothing is in its journals.
absl::StatusOr<std::optional<journal::v1::Restored>> LastBeginning(log::KafkaCluster& cluster,
                                                                   const log::TopicOwner& owner) {
  ASSIGN_OR_RETURN(const std::string bytes, log::FirstJournalRecord(cluster, owner));
  if (bytes.empty()) return std::nullopt;
  journal::v1::JournalRecord record;
  RETURN_IF_ERROR(lane::ParseRecord(bytes, record));
  if (record.has_restored()) return record.restored();
  // What the beginning was stands in all records once it may be gone.
  journal::v1::Restored restored;
  restored.set_savepoint(record.retained().savepoint());
  restored.set_digest(record.retained().savepoint_digest());
  return restored;
}

std::string BytesOf(const Digest& digest) {
  std::string bytes;
  ByteWriter writer(bytes);
  writer.U64(digest.low);
  writer.U64(digest.high);
  return bytes;
}

}  // namespace

absl::Status CheckDataDir(const std::string& data_dir) {
  std::error_code error;
  std::filesystem::path path = std::filesystem::absolute(data_dir, error).lexically_normal();
  for (; path.has_relative_path(); path = path.parent_path()) {
    const auto type = std::filesystem::status(path, error).type();
    if (type == std::filesystem::file_type::directory) break;
    if (!std::filesystem::exists(path, error)) continue;
    return absl::InvalidArgumentError(
        absl::StrCat("data folder '", data_dir, "': '", path.string(), "' is not a folder"));
  }
  return absl::OkStatus();
}

std::string IdentityOf(const job::v1::StreamMLJob& job) {
  return job.spec().identity().empty() ? job.metadata().name() : job.spec().identity();
}

absl::StatusOr<Savepoints> OpenSavepoints(const job::v1::StreamMLJob& job,
                                          const std::string& location, Disk& disk,
                                          std::function<bool()> stop) {
  const job::v1::Snapshots& snapshots = job.spec().snapshots();
  Savepoints savepoints;
  savepoints.location = location.empty() ? snapshots.store() : location;
  if (savepoints.location.empty()) {
    return absl::InvalidArgumentError(
        "nothing says where savepoints are: give --store (in a manifest spec.restoreFrom.store), "
        "or "
        "spec.snapshots.store");
  }
  ASSIGN_OR_RETURN(savepoints.objects,
                   OpenObjectStore(savepoints.location, snapshots, disk, std::move(stop)));
  savepoints.store =
      std::make_unique<savepoint::SavepointStore>(*savepoints.objects, IdentityOf(job));
  return savepoints;
}

absl::StatusOr<Beginning> FindBeginning(const job::v1::StreamMLJob& job,
                                        const std::string& data_dir, Disk& disk,
                                        const std::function<bool()>& stop) {
  Beginning beginning;
  RETURN_IF_ERROR(CheckDataDir(data_dir));
  ASSIGN_OR_RETURN(const std::optional<Kept> kept, ReadKept(data_dir, disk));
  beginning.is_kept = kept.has_value();
  if (kept.has_value()) beginning.incarnation = kept->incarnation;
  if (!job.spec().has_restore_from()) return beginning;
  const job::v1::RestoreFrom& from = job.spec().restore_from();
  if (kept.has_value() && kept->savepoint != from.savepoint()) {
    return BeganOtherwise(*kept, from.savepoint(), "");
  }
  ASSIGN_OR_RETURN(beginning.savepoints, OpenSavepoints(job, from.store(), disk, stop));
  auto document = beginning.savepoints->store->Read(from.savepoint());
  if (!document.ok()) {
    beginning.problem = CannotRead(document.status(), *beginning.savepoints);
    // A job that has begun from it needs it only where its snapshots are lost.
    if (kept.has_value()) return beginning;
    return beginning.problem;
  }
  if (kept.has_value() && kept->digest != document->digest.ToHex()) {
    return BeganOtherwise(*kept, from.savepoint(), document->digest.ToHex());
  }
  if (!kept.has_value()) beginning.incarnation = document->savepoint.incarnation() + 1;
  beginning.document = *std::move(document);
  return beginning;
}

absl::StatusOr<Beginning> FindBeginningOnKafka(const job::v1::StreamMLJob& job,
                                               log::KafkaCluster& cluster, Disk& disk,
                                               const std::function<bool()>& stop) {
  const std::string identity = IdentityOf(job);
  ASSIGN_OR_RETURN(const std::vector<uint32_t> known, log::FindIncarnations(cluster, identity));
  const uint32_t last = known.empty() ? 0 : known.back();
  Beginning beginning = BeginningOf(job, std::max(last, 1U), disk, stop);
  if (!job.spec().has_restore_from()) return beginning;
  std::optional<journal::v1::Restored> began;
  if (last > 0) {
    ASSIGN_OR_RETURN(began, LastBeginning(cluster, {identity, last}));
  }
  const bool is_named =
      began.has_value() && began->savepoint() == job.spec().restore_from().savepoint();
  if (!beginning.document.has_value()) {
    if (is_named) return beginning;
    return beginning.problem;
  }
  if (is_named && began->digest() == BytesOf(beginning.document->digest)) return beginning;
  const uint32_t taken_from = beginning.document->savepoint.incarnation();
  // Topics that were made for a restore that wrote nothing yet.
  if (last > taken_from && !began.has_value()) return beginning;
  beginning.incarnation = std::max(last, taken_from) + 1;
  return beginning;
}

Beginning BeginningOf(const job::v1::StreamMLJob& job, uint32_t incarnation, Disk& disk,
                      const std::function<bool()>& stop) {
  Beginning beginning;
  beginning.incarnation = incarnation;
  if (!job.spec().has_restore_from()) return beginning;
  const job::v1::RestoreFrom& from = job.spec().restore_from();
  auto savepoints = OpenSavepoints(job, from.store(), disk, stop);
  beginning.problem = savepoints.status();
  if (!savepoints.ok()) return beginning;
  auto document = savepoints->store->Read(from.savepoint());
  if (document.ok()) {
    beginning.document = *std::move(document);
  } else {
    beginning.problem = CannotRead(document.status(), *savepoints);
  }
  beginning.savepoints = *std::move(savepoints);
  return beginning;
}

absl::Status KeepIncarnation(uint32_t incarnation, const std::string& data_dir, Disk& disk) {
  ASSIGN_OR_RETURN(const std::optional<Kept> kept, ReadKept(data_dir, disk));
  uint32_t then = kept.has_value() ? kept->incarnation : 0;
  if (!kept.has_value()) {
    ASSIGN_OR_RETURN(const std::vector<std::string> lanes,
                     disk.List(absl::StrCat(data_dir, "/.streamml/lanes")));
    if (!lanes.empty()) then = 1;
  }
  if (then == incarnation) return absl::OkStatus();
  if (then > 0) {
    return absl::FailedPreconditionError(
        absl::StrCat("data folder '", data_dir, "' is of incarnation ", then,
                     " of the job, and its topics are "
                     "now of incarnation ",
                     incarnation,
                     "; way out: another --data-dir: on Kafka a job needs "
                     "nothing of the old one"));
  }
  if (incarnation == 1) return absl::OkStatus();
  return WriteWhole(disk, PathOf(data_dir), absl::StrCat(incarnation, " - -\n"));
}

absl::Status KeepBeginning(const Beginning& beginning, const std::string& data_dir,
                           const std::string& log_folder, Disk& disk) {
  if (!beginning.document.has_value() || beginning.is_kept) return absl::OkStatus();
  ASSIGN_OR_RETURN(const std::vector<std::string> names, disk.List(log_folder));
  const std::string& name = beginning.document->savepoint.name();
  if (!names.empty()) {
    return absl::FailedPreconditionError(absl::StrCat("spec.restoreFrom names savepoint '", name,
                                                      "', and the job of data folder '", data_dir,
                                                      "' has begun without it; ", kElsewhere));
  }
  RETURN_IF_ERROR(disk.MakeDirectories(ParentDirectory(PathOf(data_dir))));
  return WriteWhole(disk, PathOf(data_dir),
                    absl::StrCat(beginning.incarnation, " ", name, " ",
                                 beginning.document->digest.ToHex(), "\n"));
}

absl::StatusOr<std::unique_ptr<lane::RestoreSource>> MakeSource(const Beginning& beginning,
                                                                const plan::JobPlan& plan) {
  if (!beginning.document.has_value()) return std::unique_ptr<lane::RestoreSource>();
  return savepoint::MakeRestoreSource(plan, *beginning.savepoints->store, *beginning.document);
}

}  // namespace streamml::cli
