// Lane: the claim of an owner, and what the claims of a journal must say to be this job's.

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/status.h"
#include "proto/streamml/journal/v1/journal.pb.h"
#include "worker/lane/internal/claim_difference.h"
#include "worker/lane/internal/digest_bytes.h"
#include "worker/lane/internal/journal_scan.h"
#include "worker/lane/internal/snapshot_task.h"
#include "worker/lane/lane.h"
#include "worker/lane/replay.h"

namespace streamml::lane {
namespace {

using internal::FromBytes;
using journal::v1::JournalRecord;

// The name of a file without its folder, which may move.
std::string_view FileName(std::string_view path) { return path.substr(path.rfind('/') + 1); }

absl::Status CheckTopics(const LaneSpec& spec, const journal::v1::Claim& claim) {
  for (const journal::v1::TopicIdentity& topic : claim.topics()) {
    const auto current =
        std::find_if(spec.topics.begin(), spec.topics.end(),
                     [&](const TopicIdentity& t) { return t.input == topic.input(); });
    if (current == spec.topics.end()) {
      return absl::FailedPreconditionError(
          absl::StrCat("input ", topic.input(), " was topic '", topic.topic(),
                       "' when the job began, and is a file now; bind what it began with, or start "
                       "over under another name"));
    }
    if (current->id == topic.id() && current->cluster == topic.cluster() &&
        current->partition == topic.partition()) {
      continue;
    }
    return absl::FailedPreconditionError(absl::StrCat(
        "topic '", current->topic, "' is not the one the job began with (id '", topic.id(),
        "' in cluster '", topic.cluster(), "' then, id '", current->id, "' in cluster '",
        current->cluster,
        "' now): it was deleted and made again, or the cluster is another one; point the job at "
        "the topic it began with, or start over under another name"));
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status CheckClaim(const LaneSpec& spec, uint64_t job_hash, const JournalRecord& record) {
  const journal::v1::Claim& claim = record.claim();
  if (claim.job_hash() != job_hash) {
    const std::vector<std::string> differences = internal::Differences(spec, claim);
    return absl::FailedPreconditionError(absl::StrCat(
        "the journal was written by another job or another version of this one; what differs: ",
        differences.empty() ? "not known" : absl::StrJoin(differences, "; "), " (job hash ",
        absl::Hex(claim.job_hash(), absl::kZeroPad16), " in the journal, ",
        absl::Hex(job_hash, absl::kZeroPad16),
        " now); way out: run the manifest it was made with on the inputs it began with, or start "
        "over ",
        spec.files.empty() && claim.files().empty()
            ? "under another name (metadata.name or spec.identity)"
            : "with another --data-dir"));
  }
  if (static_cast<size_t>(claim.files_size()) != spec.files.size()) {
    return absl::FailedPreconditionError(absl::StrCat(
        "the lane began with ", claim.files_size(), " input files and has ", spec.files.size(),
        " now; give the same files, or use another --data-dir to start over"));
  }
  for (const journal::v1::FileIdentity& file : claim.files()) {
    const auto current =
        std::find_if(spec.files.begin(), spec.files.end(),
                     [&](const FileIdentity& f) { return f.input == file.input(); });
    if (current != spec.files.end() && current->size_bytes == file.size_bytes() &&
        current->content_hash == FromBytes(file.content_hash())) {
      if (FileName(current->path) == FileName(file.path())) continue;
      return absl::FailedPreconditionError(
          absl::StrCat("input file '", current->path, "' was called '", FileName(file.path()),
                       "' when the job began to read "
                       "it, and its name stands in dead letters; name it so again (the folder does "
                       "not matter), or use "
                       "another --data-dir to start over"));
    }
    return absl::FailedPreconditionError(absl::StrCat(
        "input file '", current == spec.files.end() ? file.path() : current->path,
        "' has changed since the "
        "job began to read it (",
        file.size_bytes(), " bytes then, ", current == spec.files.end() ? 0 : current->size_bytes,
        " now, or other content); put it back as it was, or use another --data-dir to start over"));
  }
  return CheckTopics(spec, claim);
}

void DescribeClaim(const LaneSpec& spec, uint64_t job_hash, journal::v1::Claim& claim) {
  claim.set_job_hash(job_hash);
  for (const FileIdentity& file : spec.files) {
    journal::v1::FileIdentity& out = *claim.add_files();
    out.set_input(file.input);
    out.set_path(file.path);
    out.set_size_bytes(file.size_bytes);
    out.set_content_hash(internal::ToBytes(file.content_hash));
  }
  for (const JobPart& part : spec.parts) {
    journal::v1::JobPart& out = *claim.add_parts();
    out.set_name(part.name);
    out.set_value(part.value);
  }
  for (const TopicIdentity& topic : spec.topics) {
    journal::v1::TopicIdentity& out = *claim.add_topics();
    out.set_input(topic.input);
    out.set_cluster(topic.cluster);
    out.set_topic(topic.topic);
    out.set_id(topic.id);
    out.set_partition(topic.partition);
  }
}

absl::Status Lane::Claim() {
  if (finished_ || claimed_) return absl::OkStatus();
  claimed_ = true;
  ++epoch_;
  JournalRecord record;
  journal::v1::Claim& claim = *record.mutable_claim();
  claim.set_worker(environment_.worker);
  claim.set_fingerprint(environment_.fingerprint);
  claim.set_assignment(assignment_);
  DescribeClaim(spec_, environment_.job_hash, claim);
  log::Transaction transaction;
  transaction.watermark = executor_->watermark();
  return Annotate(Append(record, transaction), absl::StrCat("lane ", spec_.name));
}

}  // namespace streamml::lane
