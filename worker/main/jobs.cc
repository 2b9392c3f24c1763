#include "worker/main/jobs.h"

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <map>
#include <set>
#include <utility>

#include "absl/cleanup/cleanup.h"
#include "base/clock.h"
#include "base/mutex.h"
#include "base/status.h"
#include "base/wording.h"
#include "job/manifest/diagnostic.h"
#include "job/manifest/manifest.h"
#include "job/manifest/validate.h"
#include "worker/cli/beginning.h"
#include "worker/cli/clusters.h"
#include "worker/cli/lane_snapshots.h"
#include "worker/cli/log_patience.h"
#include "worker/cli/store_view.h"
#include "worker/lane/background.h"
#include "worker/lane/fingerprint.h"
#include "worker/log/kafka/kafka_log.h"
#include "worker/main/mistakes.h"
#include "worker/plan/plan.h"
#include "worker/savepoint/lane_part.h"

namespace streamml::worker {
namespace {

constexpr int64_t kAskAgainUs = 60'000'000;  // a store that was away

// A manifest, planned with the topics that its brokers have.
struct PlannedJob {
  manifest::Manifest manifest;
  std::shared_ptr<cli::Clusters> clusters;  // shared with the plan's way to topics
  plan::JobPlan plan;
};

absl::StatusOr<manifest::Manifest> ParseAndCheck(const std::string& text,
                                                 const std::string& file_name) {
  ASSIGN_OR_RETURN(manifest::Manifest manifest, manifest::Parse(text, file_name));
  RETURN_IF_ERROR(manifest::ToStatus(manifest::Validate(manifest), file_name));
  RETURN_IF_ERROR(manifest::ToStatus(manifest::ValidateForWorkers(manifest), file_name));
  return manifest;
}

// To the planner brokers that do not answer are a mistake of the manifest, as they are to a person
// at a terminal. Here they are trouble that may pass: UNAVAILABLE.
absl::Status CheckReachable(const manifest::Manifest& manifest, cli::Clusters& clusters) {
  std::set<std::pair<std::string, std::string>> topics;  // with their clusters
  for (const auto& source : manifest.job.spec().sources()) {
    topics.emplace(source.cluster(), source.topic());
  }
  for (const auto& sink : manifest.job.spec().sinks()) topics.emplace(sink.cluster(), sink.topic());
  for (const auto& [cluster, topic] : topics) {
    absl::Status status;
    const absl::StatusOr<log::KafkaCluster*> connected = clusters.Get(cluster);
    status = connected.ok() ? (*connected)->Describe(topic).status() : connected.status();
    if (absl::IsUnavailable(status)) {
      return Annotate(status,
                      absl::StrCat("topic ", Quoted(topic), " of cluster ", Quoted(cluster)));
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<PlannedJob>> PlanJob(const std::string& text,
                                                    const std::string& file_name,
                                                    uint32_t incarnation) {
  auto job = std::make_unique<PlannedJob>();
  ASSIGN_OR_RETURN(job->manifest, ParseAndCheck(text, file_name));
  job->clusters = std::make_shared<cli::Clusters>(job->manifest.job);
  RETURN_IF_ERROR(CheckReachable(job->manifest, *job->clusters));
  const auto topics = [clusters =
                           job->clusters](const std::string& name) -> absl::StatusOr<log::Topics*> {
    return clusters->Get(name);
  };
  ASSIGN_OR_RETURN(job->plan, plan::MakePlan(job->manifest, manifest::Bindings{}, plan::RealFiles(),
                                             topics, std::max(incarnation, 1U)));
  return job;
}

fleet::v1::PlanReply ToReply(const PlannedJob& job, const std::string& fingerprint) {
  fleet::v1::PlanReply reply;
  reply.mutable_job()->set_identity(job.plan.owner.identity);
  reply.mutable_job()->set_incarnation(job.plan.owner.incarnation);
  for (const plan::StagePlan& stage : job.plan.stages) {
    fleet::v1::Stage& out = *reply.add_stages();
    out.set_name(stage.spec->name);
    out.set_first_lane(stage.first_lane);
    out.set_num_lanes(stage.num_lanes);
    out.set_reads_source(stage.source >= 0);
    out.set_input(stage.source >= 0 ? job.plan.sources[static_cast<size_t>(stage.source)].name
                                    : stage.topic);
    for (const std::string& column : stage.key) out.add_key(column);
    out.set_trains(stage.trains);
  }
  for (size_t i = 0; i < job.plan.lanes.size(); ++i) {
    fleet::v1::Lane& out = *reply.add_lanes();
    out.set_lane(static_cast<uint32_t>(i));
    out.set_name(job.plan.lanes[i].name);
    out.set_stage(job.plan.lanes[i].stage);
  }
  reply.set_job_hash(job.plan.job_hash);
  reply.set_fingerprint(fingerprint);
  return reply;
}

// The lanes of one job, and all that they stand on.
class HostedJob final : public control::JobLanes {
 public:
  HostedJob(std::unique_ptr<PlannedJob> job, const JobsOptions& options, Disk& disk,
            const std::string& fingerprint)
      : job_(std::move(job)),
        options_(options),
        disk_(disk),
        fingerprint_(fingerprint),
        patience_(options.give_up),
        snapshots_(job_->manifest.job.spec().snapshots(), job_->plan, disk,
                   absl::StrCat(options.snapshot_folder, "/", job_->plan.owner.identity, ".",
                                job_->plan.owner.incarnation),
                   options.give_up) {
    if (options.state_memory > 0) memory_.emplace(static_cast<int64_t>(options.state_memory));
  }

  absl::Status Open() {
    RETURN_IF_ERROR(ReadBeginning());
    ASSIGN_OR_RETURN(log::KafkaCluster * cluster, job_->clusters->Get(job_->plan.log_cluster));
    log::KafkaLogOptions log_options = cli::KafkaLogOptionsOf(job_->plan);
    log_options.note = [this](const std::string& news) { patience_.Tell(news); };
    ASSIGN_OR_RETURN(log_, log::OpenKafkaLog(*cluster, log_options));
    lane::RunOptions run = options_.run;
    if (run.snapshot_interval_us < 0) run.snapshot_interval_us = job_->plan.snapshot_interval_us;
    host_ = std::make_unique<lane::LaneHost>(Factory(), *log_, SystemClock(), run, options_.note);
    return absl::OkStatus();
  }

  absl::Status Assign(uint64_t epoch, const std::map<uint32_t, lane::Role>& lanes) override {
    return host_->Assign(epoch, lanes);
  }
  std::vector<lane::LaneFacts> Facts() const override {
    std::vector<lane::LaneFacts> facts = host_->Facts();
    TellOfStore(facts);
    return facts;
  }
  uint64_t version() const override { return host_->version(); }
  void AwaitChange(uint64_t seen, int64_t timeout_us) override {
    const std::string news = patience_.TakeNews();
    if (!news.empty()) options_.note(news);
    host_->AwaitChange(seen, timeout_us);
  }
  absl::StatusOr<std::vector<lane::LaneSnapshot>> Snapshot(const std::vector<uint32_t>& lanes,
                                                           int64_t timeout_us) override {
    return host_->Snapshot(lanes, timeout_us);
  }
  absl::StatusOr<fleet::v1::SnapshotReply> TakeParts(const fleet::v1::SnapshotRequest& request,
                                                     int64_t timeout_us) override;
  void Stop() override { host_->Stop(); }

 private:
  void TellOfStore(const std::vector<lane::LaneFacts>& facts) const {
    if (job_->plan.snapshot_store.empty()) return;
    std::vector<std::optional<state::UploadStatus>> uploads;
    uploads.reserve(facts.size());
    for (const lane::LaneFacts& lane : facts) uploads.push_back(lane.progress.uploads);
    std::string news;
    {
      const MutexLock lock(mutex_);
      news = store_news_.Take(uploads);
    }
    if (!news.empty()) options_.note(news);
  }

  // The store may take its time: nobody else waits for that.
  absl::Status ReadBeginning() {
    cli::Beginning beginning =
        cli::BeginningOf(job_->manifest.job, job_->plan.owner.incarnation, disk_, options_.give_up);
    ASSIGN_OR_RETURN(auto restore, cli::MakeSource(beginning, job_->plan));
    const MutexLock lock(mutex_);
    if (restore_ != nullptr) return absl::OkStatus();
    beginning_ = std::move(beginning);
    restore_ = std::move(restore);
    return absl::OkStatus();
  }

  // A store that was away is asked again now and then when a lane is opened; most lanes need
  // nothing of it.
  void TellBeginning(lane::LaneEnvironment& environment) {
    bool ask = false;
    {
      const MutexLock lock(mutex_);
      const int64_t now = SystemClock().MonotonicMicroseconds();
      ask = absl::IsUnavailable(beginning_.problem) && now >= ask_again_us_;
      if (ask) ask_again_us_ = now + kAskAgainUs;
    }
    const absl::Status read = ask ? ReadBeginning() : absl::OkStatus();
    const MutexLock lock(mutex_);
    environment.restore = restore_.get();
    environment.restore_problem = read.ok() ? beginning_.problem : read;
  }

  lane::LaneFactory Factory() {
    lane::LaneFactory factory;
    factory.spec = [this](uint32_t lane, const lane::StopFunction& stop) {
      return plan::MakeLaneSpec(job_->plan, lane, *log_, stop);
    };
    factory.snapshots = [this](uint32_t lane) { return snapshots_.Open(lane); };
    factory.environment = [this](state::SnapshotStore& snapshots, lane::StopFunction stop) {
      lane::LaneEnvironment environment{disk_,
                                        *log_,
                                        snapshots,
                                        *background_,
                                        options_.output_folder,
                                        options_.worker,
                                        fingerprint_,
                                        job_->plan.job_hash,
                                        std::move(stop),
                                        [this](const absl::Status& status, int attempt) {
                                          return patience_.Wait(status, attempt);
                                        }};
      TellBeginning(environment);
      environment.incarnation = job_->plan.owner.incarnation;
      environment.keep_us = job_->plan.keep_us;
      environment.utc_us = [] { return SystemClock().UtcMicroseconds(); };
      if (memory_.has_value()) environment.memory = &*memory_;
      return environment;
    };
    return factory;
  }

  const std::unique_ptr<PlannedJob> job_;
  const JobsOptions& options_;
  Disk& disk_;
  const std::string& fingerprint_;
  cli::LogPatience patience_;
  const cli::LaneSnapshots snapshots_;
  mutable Mutex mutex_;
  cli::Beginning beginning_ ABSL_GUARDED_BY(mutex_);
  // Null: lanes begin from nothing, or it is not known; once known it stays.
  std::unique_ptr<lane::RestoreSource> restore_ ABSL_GUARDED_BY(mutex_);
  int64_t ask_again_us_ ABSL_GUARDED_BY(mutex_) = 0;
  mutable cli::StoreNews store_news_ ABSL_GUARDED_BY(mutex_);
  std::optional<state::MemoryBudget> memory_;
  std::unique_ptr<log::Log> log_;
  std::unique_ptr<lane::BackgroundRunner> background_ = lane::MakeThreadRunner();
  std::unique_ptr<lane::LaneHost> host_;  // last: it uses the others
};

// What lanes write of a savepoint, while somebody waits for it or not any more.
struct PartsTaken {
  cli::Savepoints savepoints;
  std::atomic<bool> is_over = false;  // nobody waits
  Mutex mutex;
  std::map<uint32_t, absl::StatusOr<savepoint::v1::LanePart>> parts ABSL_GUARDED_BY(mutex);
};

absl::StatusOr<fleet::v1::SnapshotReply> HostedJob::TakeParts(
    const fleet::v1::SnapshotRequest& request, int64_t timeout_us) {
  // Shared with lanes that are still at work when the time is over.
  const auto taken = std::make_shared<PartsTaken>();
  ASSIGN_OR_RETURN(taken->savepoints,
                   cli::OpenSavepoints(job_->manifest.job, request.savepoint().store(), disk_,
                                       options_.give_up));
  const absl::Cleanup end = [taken] { taken->is_over = true; };
  const auto make = [&](uint32_t lane) -> lane::SnapshotExport {
    savepoint::LaneTaken wanted{request.savepoint().name(), lane, fingerprint_};
    wanted.stop = [taken, give_up = options_.give_up] {
      return taken->is_over.load() || (give_up && give_up());
    };
    return [taken, wanted](const state::SnapshotInfo& snapshot, state::SnapshotStore& snapshots) {
      auto part = savepoint::WriteLanePart(*taken->savepoints.store, wanted, snapshot, snapshots);
      const MutexLock lock(taken->mutex);
      taken->parts.insert_or_assign(wanted.lane, std::move(part));
    };
  };
  ASSIGN_OR_RETURN(
      const std::vector<lane::LaneSnapshot> snapshots,
      host_->Export({request.lanes().begin(), request.lanes().end()}, make, timeout_us));
  fleet::v1::SnapshotReply reply;
  const MutexLock lock(taken->mutex);
  for (const lane::LaneSnapshot& snapshot : snapshots) {
    const auto part = taken->parts.find(snapshot.lane);
    if (part == taken->parts.end()) {
      return absl::FailedPreconditionError(
          absl::StrCat("lane ", snapshot.lane, " was let go before it gave its part"));
    }
    RETURN_IF_ERROR(part->second.status());
    fleet::v1::LaneSnapshot& out = *reply.add_snapshots();
    out.set_lane(snapshot.lane);
    out.set_position(part->second->journal_position());
    *out.mutable_part() = *part->second;
  }
  return reply;
}

class Jobs final : public control::JobMaker {
 public:
  Jobs(JobsOptions options, Disk& disk)
      : options_(std::move(options)), disk_(disk), fingerprint_(lane::Fingerprint()) {}

  absl::StatusOr<fleet::v1::PlanReply> Plan(const fleet::v1::PlanRequest& request) override {
    const std::string file_name = request.file_name().empty() ? "job.yaml" : request.file_name();
    const auto job = PlanJob(request.manifest(), file_name, request.incarnation());
    if (job.ok()) return ToReply(**job, fingerprint_);
    if (!absl::IsInvalidArgument(job.status())) return job.status();
    fleet::v1::PlanReply reply;
    for (fleet::v1::Mistake& mistake : ToMistakes(std::string(job.status().message()), file_name)) {
      *reply.add_mistakes() = std::move(mistake);
    }
    return reply;
  }

  absl::StatusOr<control::OpenedJob> Open(const fleet::v1::JobRef& ref,
                                          const std::string& manifest) override {
    ASSIGN_OR_RETURN(std::unique_ptr<PlannedJob> job,
                     PlanJob(manifest, "job.yaml", ref.incarnation()));
    const log::TopicOwner& owner = job->plan.owner;
    if (owner.identity != ref.identity() || owner.incarnation != ref.incarnation()) {
      return absl::InvalidArgumentError(absl::StrCat(
          "job: the manifest is of ", Quoted(owner.identity), ", incarnation ", owner.incarnation,
          ", and not of ", Quoted(ref.identity()), ", incarnation ", ref.incarnation()));
    }
    control::OpenedJob opened;
    opened.plan = ToReply(*job, fingerprint_);
    auto hosted = std::make_unique<HostedJob>(std::move(job), options_, disk_, fingerprint_);
    RETURN_IF_ERROR(hosted->Open());
    opened.lanes = std::move(hosted);
    return opened;
  }

 private:
  const JobsOptions options_;
  Disk& disk_;
  const std::string fingerprint_;
};

}  // namespace

std::unique_ptr<control::JobMaker> MakeJobs(JobsOptions options, Disk& disk) {
  return std::make_unique<Jobs>(std::move(options), disk);
}

}  // namespace streamml::worker
