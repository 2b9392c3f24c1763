#include "job/manifest/validate.h"

#include <algorithm>
#include <string>

#include "base/status.h"
#include "job/manifest/internal/checker.h"

namespace streamml::manifest {
namespace internal {

void CheckRunning(Checker& checker) {
  const job::v1::JobSpec& spec = checker.spec();
  if (!spec.log().cluster().empty()) {
    CheckReference("spec.log.cluster", "cluster", spec.log().cluster(), ClusterNames(spec),
                   checker);
  }
  if (spec.workers().lanes() > spec.log().partitions()) {
    checker.Error("spec.workers.lanes",
                  absl::StrCat(spec.workers().lanes(), " lanes, but log.partitions is ",
                               spec.log().partitions(), "; a lane has at least one partition"));
  }
  const job::v1::Snapshots& snapshots = spec.snapshots();
  if (snapshots.store().empty()) {
    constexpr const char* kNoStore = "there is no store; give snapshots.store, or leave this out";
    if (!snapshots.upload().empty()) checker.Error("spec.snapshots.upload", kNoStore);
    if (snapshots.has_credentials_from()) {
      checker.Error("spec.snapshots.credentialsFrom", kNoStore);
    }
  }
  if (!spec.has_autoscale()) return;
  if (spec.workers().has_replicas()) {
    checker.Error("spec.workers.replicas", "not together with autoscale; leave one of them out");
  }
  const job::v1::Autoscale& autoscale = spec.autoscale();
  if (autoscale.has_min() && autoscale.has_max() && autoscale.min() > autoscale.max()) {
    checker.Error("spec.autoscale.min",
                  absl::StrCat(autoscale.min(), " is above max, ", autoscale.max()));
  }
}

}  // namespace internal

std::vector<Diagnostic> Validate(const Manifest& manifest) {
  internal::Checker checker(manifest);
  internal::CheckRelations(checker);
  internal::CheckModels(checker);
  internal::CheckSinks(checker);
  internal::CheckRunning(checker);
  internal::CheckBuilt(manifest, checker);
  std::vector<Diagnostic> diagnostics = checker.Take();
  std::stable_sort(
      diagnostics.begin(), diagnostics.end(),
      [](const Diagnostic& a, const Diagnostic& b) { return a.position < b.position; });
  return diagnostics;
}

std::vector<Diagnostic> ValidateForWorkers(const Manifest& manifest) {
  std::vector<Diagnostic> problems;
  const auto add = [&](const std::string& path, const std::string& message) {
    problems.push_back({Severity::kNotBuilt, path, manifest.positions.Find(path), message});
  };
  for (const job::v1::Source& source : manifest.job.spec().sources()) {
    if (source.file().empty()) continue;
    add(absl::StrCat("spec.sources[", source.name(), "].file"),
        "several workers cannot read files; give the source a topic and a cluster, or use "
        "`streamml run`");
  }
  for (const job::v1::Sink& sink : manifest.job.spec().sinks()) {
    if (!sink.topic().empty()) continue;
    add(absl::StrCat("spec.sinks[", sink.name(), "]"),
        "several workers cannot write files; give the sink a topic and a cluster, or use "
        "`streamml run`");
  }
  return problems;
}

}  // namespace streamml::manifest
