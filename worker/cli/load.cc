#include "worker/cli/load.h"

#include <algorithm>
#include <filesystem>
#include <optional>
#include <utility>

#include "base/posix_disk.h"
#include "base/status.h"
#include "job/manifest/bind.h"
#include "job/manifest/diagnostic.h"
#include "job/manifest/validate.h"
#include "worker/cli/signals.h"
#include "worker/cli/slow_note.h"

namespace streamml::cli {

absl::StatusOr<manifest::Manifest> LoadManifest(const std::string& path) {
  const std::unique_ptr<Disk> disk = MakePosixDisk();
  ASSIGN_OR_RETURN(const std::unique_ptr<ReadFile> file, disk->OpenForRead(path));
  std::string text;  // one byte too many tells Parse that the file is too large
  const absl::Status read = file->ReadAt(0, manifest::kMaxManifestBytes + 1, text);
  if (!read.ok())
    return absl::InvalidArgumentError(absl::StrCat("manifest: ", std::string(read.message())));
  return manifest::Parse(text, path);
}

namespace {

// Names of files stand in dead letters, so the same file must have the same name wherever the
// command is given.
manifest::Bindings WithAbsolutePaths(manifest::Bindings files) {
  for (auto& [source, paths] : files) {
    for (std::string& path : paths) {
      std::error_code error;
      const std::filesystem::path absolute = std::filesystem::absolute(path, error);
      if (!error) path = absolute.lexically_normal().string();
    }
  }
  return files;
}

// Whether a source is read from its topic.
bool NeedsBrokers(const job::v1::JobSpec& spec, const manifest::Bindings& files) {
  return !spec.log().cluster().empty() &&
         std::any_of(spec.sources().begin(), spec.sources().end(),
                     [&files](const auto& source) { return !files.contains(source.name()); });
}

// For people: the job's log's.
std::string BrokersOf(const job::v1::JobSpec& spec) {
  for (const job::v1::Cluster& cluster : spec.clusters()) {
    if (cluster.name() != spec.log().cluster()) continue;
    return absl::StrCat("cluster '", cluster.name(), "' (", cluster.kafka().brokers(), ")");
  }
  return "the log";
}

absl::StatusOr<Beginning> BeginningOf(const manifest::Manifest& manifest,
                                      const manifest::Bindings& files, const Job& job,
                                      Clusters& clusters) {
  const job::v1::JobSpec& spec = manifest.job.spec();
  if (!NeedsBrokers(spec, files)) {
    return FindBeginning(manifest.job, job.data_dir, *job.disk, StopRequested);
  }
  ASSIGN_OR_RETURN(log::KafkaCluster * cluster, clusters.Get(spec.log().cluster()));
  return FindBeginningOnKafka(manifest.job, *cluster, *job.disk, StopRequested);
}

}  // namespace

absl::StatusOr<Job> LoadJob(const CommandLine& line) {
  Job job;
  ASSIGN_OR_RETURN(manifest::Manifest manifest, LoadManifest(line.job));
  RETURN_IF_ERROR(manifest::ToStatus(manifest::Validate(manifest), manifest.file_name));
  ASSIGN_OR_RETURN(const manifest::Bindings bindings, manifest::ParseBindings(line.bindings));
  ASSIGN_OR_RETURN(manifest::Bindings files, manifest::ResolveFiles(manifest, bindings));
  std::optional<SlowNote> note;
  if (NeedsBrokers(manifest.job.spec(), files))
    note.emplace("waiting for the brokers of " + BrokersOf(manifest.job.spec()));
  auto clusters = std::make_shared<Clusters>(manifest.job);
  const auto topics = [clusters](const std::string& name) -> absl::StatusOr<log::Topics*> {
    return clusters->Get(name);
  };
  job.name = manifest.job.metadata().name();
  job.data_dir = line.data_dir.empty() ? absl::StrCat("./", job.name, ".data") : line.data_dir;
  job.state_memory = line.state_memory;
  job.disk = MakePosixDisk();
  ASSIGN_OR_RETURN(job.beginning, BeginningOf(manifest, files, job, *clusters));
  ASSIGN_OR_RETURN(job.plan, plan::MakePlan(manifest, WithAbsolutePaths(std::move(files)),
                                            plan::RealFiles(), topics, job.beginning.incarnation));
  job.manifest = std::move(manifest);
  job.clusters = std::move(clusters);
  return job;
}

}  // namespace streamml::cli
