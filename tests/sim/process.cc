#include "tests/sim/process.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "worker/lane/replay.h"
#include "worker/log/file/file_log.h"
#include "worker/state/plain_snapshots.h"

namespace streamml::sim {
namespace {

constexpr char kFolder[] = "data";

}  // namespace

const char* PhaseName(Phase phase) {
  switch (phase) {
    case Phase::kOpenLog:
      return "open log";
    case Phase::kRecovery:
      return "recovery";
    case Phase::kAdvance:
      return "advance";
    case Phase::kCommit:
      return "commit";
    case Phase::kSnapshot:
      return "snapshot";
    case Phase::kFinish:
      return "finish";
    case Phase::kStop:
      return "stop";
  }
  return "?";
}

std::string Difference(const Outcome& expected, const Outcome& seen) {
  for (const auto& [path, content] : expected.sink_files) {
    const auto found = seen.sink_files.find(path);
    if (found == seen.sink_files.end()) return absl::StrCat(path, " is missing");
    if (found->second == content) continue;
    size_t byte = 0;
    while (byte < content.size() && byte < found->second.size() &&
           content[byte] == found->second[byte])
      ++byte;
    return absl::StrCat(path, " differs from byte ", byte, " on (", content.size(),
                        " bytes expected, ", found->second.size(), " seen)");
  }
  for (const auto& [path, content] : seen.sink_files) {
    if (!expected.sink_files.contains(path) && !content.empty())
      return absl::StrCat(path, " is too many");
  }
  for (size_t i = 0; i < expected.lanes.size(); ++i) {
    const Outcome::LaneOutcome& a = expected.lanes[i];
    const Outcome::LaneOutcome& b = seen.lanes[i];
    if (a.output_digest != b.output_digest)
      return absl::StrCat("output digest of ", a.name, " differs");
    if (a.state_digest != b.state_digest)
      return absl::StrCat("state digest of ", a.name, " differs");
    for (size_t c = 0; c < a.counters.size(); ++c) {
      if (a.counters[c] == b.counters[c]) continue;
      return absl::StrCat("counter ", a.counters[c].first, " of ", a.name, " is ",
                          b.counters[c].second, ", not ", a.counters[c].second);
    }
  }
  return "";
}

Process::Process(const World& world, support::ModelDisk& disk, support::Random& random,
                 std::string fingerprint, Keeping* keeping)
    : world_(world),
      disk_(disk),
      random_(random),
      fingerprint_(std::move(fingerprint)),
      keeping_(keeping == nullptr ? own_keeping_ : *keeping),
      background_lag_(1 + random.Below(60)) {
  if (random.OneIn(3)) memory_.emplace(static_cast<int64_t>(random.Below(20'000)));
}
Process::~Process() = default;

absl::Status Process::Start() {
  phase_ = Phase::kOpenLog;
  const plan::JobPlan& plan = world_.plan();
  log::FileLogOptions options;
  options.segment_bytes = 3000;  // so that segments roll
  options.readers = plan::ReadersOfLanes(plan);
  ASSIGN_OR_RETURN(log_,
                   log::OpenFileLog(disk_, absl::StrCat(kFolder, "/log"),
                                    static_cast<uint32_t>(plan.lanes.size()), options, notes_));
  phase_ = Phase::kRecovery;
  for (uint32_t i = 0; i < plan.lanes.size(); ++i) {
    stores_.push_back(state::MakePlainSnapshots(disk_, absl::StrCat(kFolder, "/snapshots-", i)));
    ASSIGN_OR_RETURN(lane::LaneSpec spec, plan::MakeLaneSpec(plan, i, *log_));
    lane::LaneEnvironment environment{disk_,   *log_, *stores_.back(), background_,
                                      kFolder, "sim", fingerprint_,    plan.job_hash};
    environment.restore = restore_;
    environment.keep_us = keeping_.keep_us;
    environment.utc_us = [this] { return keeping_.now_us; };
    ASSIGN_OR_RETURN(const bool is_truncated, IsTruncated(i));
    opened_truncated_ = opened_truncated_ || is_truncated;
    if (memory_.has_value()) environment.memory = &*memory_;
    ASSIGN_OR_RETURN(std::unique_ptr<lane::Lane> lane,
                     lane::Lane::Open(std::move(spec), environment, notes_));
    lanes_.push_back(std::move(lane));
  }
  for (const std::unique_ptr<lane::Lane>& lane : lanes_) RETURN_IF_ERROR(lane->Claim());
  return absl::OkStatus();
}

absl::StatusOr<bool> Process::IsTruncated(uint32_t index) const {
  ASSIGN_OR_RETURN(const std::unique_ptr<log::JournalReader> reader, log_->OpenJournal(index));
  ASSIGN_OR_RETURN(const std::optional<log::JournalEntry> first, reader->Next());
  return first.has_value() && first->sequence > 1;
}

bool Process::finished() const {
  for (const std::unique_ptr<lane::Lane>& lane : lanes_) {
    if (!lane->finished()) return false;
  }
  return true;
}

bool Process::snapshot_under_way() const {
  for (const std::unique_ptr<lane::Lane>& lane : lanes_) {
    if (lane->snapshot_under_way()) return true;
  }
  return false;
}

bool Process::read_values_back() const {
  return std::any_of(lanes_.begin(), lanes_.end(), [](const std::unique_ptr<lane::Lane>& lane) {
    const state::Spill* spill = lane->executor().states().spill();
    return spill != nullptr && spill->num_read() > 0;
  });
}

absl::Status Process::CheckSnapshots() const {
  for (const std::unique_ptr<lane::Lane>& lane : lanes_) {
    if (lane->snapshot_sequence() == lane->restored_sequence()) continue;
    return absl::InternalError(absl::StrCat(
        "the journal of ", lane->spec().name, " tells of a snapshot at ", lane->snapshot_sequence(),
        ", but the lane began from ", lane->restored_sequence()));
  }
  return absl::OkStatus();
}

absl::Status Process::Commit(lane::Lane& lane) {
  phase_ = Phase::kCommit;
  const uint64_t before = lane.num_commits();
  const bool under_way = lane.snapshot_under_way();
  RETURN_IF_ERROR(lane.Commit());
  if (under_way && lane.snapshot_under_way() && lane.num_commits() > before)
    committed_meanwhile_ = true;
  return absl::OkStatus();
}

absl::Status Process::Act() {
  keeping_.now_us += static_cast<int64_t>(random_.Below(2'000'000));
  if (background_.has_work() && random_.OneIn(background_lag_)) {
    phase_ = Phase::kSnapshot;
    background_.RunOldest();
    return absl::OkStatus();
  }
  lane::Lane& lane = *lanes_[random_.Below(lanes_.size())];
  if (lane.finished()) return absl::OkStatus();
  const uint64_t choice = random_.Below(12);
  if (choice < 7) {
    phase_ = Phase::kAdvance;
    ASSIGN_OR_RETURN(const bool progress, lane.Advance(1 + random_.Below(60)));
    if (progress || !lane.at_end()) return absl::OkStatus();
    phase_ = Phase::kFinish;
    return lane.Finish();
  }
  RETURN_IF_ERROR(Commit(lane));
  return choice < 11 ? absl::OkStatus() : lane.StartSnapshot();
}

absl::Status Process::StopAll() {
  phase_ = Phase::kStop;
  for (const std::unique_ptr<lane::Lane>& lane : lanes_) RETURN_IF_ERROR(lane->Stop());
  return absl::OkStatus();
}

Outcome Process::Collect() {
  Outcome outcome;
  for (const std::unique_ptr<lane::Lane>& lane : lanes_) {
    outcome.lanes.push_back({lane->spec().name, lane->output_digest().ToHex(),
                             lane->state_digest().ToHex(), lane->executor().counters()});
  }
  for (const std::string& path : disk_.Files()) {
    if (!path.ends_with(".jsonl")) continue;
    const auto content = ReadWhole(disk_, path);
    outcome.sink_files[path] = content.ok() ? *content : std::string(content.status().message());
  }
  return outcome;
}

absl::Status Process::ReplayAll() {
  for (uint32_t i = 0; i < lanes_.size(); ++i) RETURN_IF_ERROR(ReplayLane(i));
  return absl::OkStatus();
}

absl::Status Process::ReplayLane(uint32_t index) {
  ASSIGN_OR_RETURN(const lane::LaneSpec spec, plan::MakeLaneSpec(world_.plan(), index, *log_));
  std::vector<std::string> sinks(spec.stage->sinks.size());
  lane::ReplayStart start;
  lane::ReplayOptions options;
  options.fingerprint = fingerprint_;
  options.job_hash = world_.plan().job_hash;
  options.snapshots = stores_[index].get();
  options.start = [&start](const lane::ReplayStart& told) {
    start = told;
    return absl::OkStatus();
  };
  options.receive = [&sinks](size_t sink, std::string_view bytes) {
    sinks[sink].append(bytes);
    return absl::OkStatus();
  };
  ASSIGN_OR_RETURN(const lane::ReplayResult result, lane::Replay(spec, *log_, options));
  if (start.sequence > 0 && start.first_own_claim > 0 && start.sequence > start.first_own_claim) {
    return absl::InternalError(absl::StrCat("replay of ", spec.name, " begins after ",
                                            start.sequence, ", but could after ",
                                            start.first_own_claim - 1));
  }
  // Where not all is kept it is a promise, and more may be there.
  const uint64_t oldest = lanes_[index]->oldest_replayable();
  const uint64_t begin = start.sequence + 1;
  if (keeping_.keep_us == 0 ? begin != oldest : begin > oldest || oldest == 0) {
    return absl::InternalError(absl::StrCat(
        "replay of ", spec.name, " begins after ", start.sequence,
        ", and the oldest position is said to be ", lanes_[index]->oldest_replayable()));
  }
  replayed_from_snapshot_ = replayed_from_snapshot_ || !start.fingerprint.empty();
  ASSIGN_OR_RETURN(const bool is_truncated, IsTruncated(index));
  replayed_truncated_ = replayed_truncated_ || is_truncated;
  if (result.output_digest != lanes_[index]->output_digest() ||
      result.state_digest != lanes_[index]->state_digest()) {
    return absl::InternalError(absl::StrCat("replay of ", spec.name, " ends with other digests"));
  }
  for (size_t s = 0; s < sinks.size(); ++s) {
    const auto written = ReadWhole(disk_, lane::PartPath(kFolder, spec.stage->sinks[s], spec.part));
    const std::string content = written.ok() ? *written : "";
    if (content.size() >= start.sink_bytes[s] && content.substr(start.sink_bytes[s]) == sinks[s])
      continue;
    return absl::InternalError(
        absl::StrCat("replay of ", spec.name, " gives another sink ", spec.stage->sinks[s].name));
  }
  return absl::OkStatus();
}

}  // namespace streamml::sim
