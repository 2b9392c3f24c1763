#include "job/manifest/validate.h"

#include <algorithm>
#include <string>

#include "base/status.h"
#include "job/manifest/internal/checker.h"

namespace streamml::manifest {
namespace internal {

void CheckOauth(const job::v1::Sasl& sasl, const std::string& path, Checker& checker) {
  const job::v1::Oauth& oauth = sasl.oauth();
  const bool asks = !oauth.token_endpoint().empty();
  const auto expect = [&](bool given, std::string_view field) {
    if (given == asks) return;
    checker.Error(absl::StrCat(path, ".oauth", given ? absl::StrCat(".", field) : ""),
                  given ? "only with tokenEndpoint; leave it out"
                        : absl::StrCat(field, " must be given with tokenEndpoint"));
  };
  expect(oauth.has_client_id_from(), "clientIdFrom");
  expect(oauth.has_client_secret_from(), "clientSecretFrom");
  if (!asks && !oauth.scope().empty()) expect(true, "scope");
}

// A mechanism has credentials of its kind and no others.
void CheckSasl(const job::v1::Sasl& sasl, const std::string& path, Checker& checker) {
  const bool is_oauth = sasl.mechanism() == "OAUTHBEARER";
  const auto expect = [&](bool given, bool wanted, std::string_view field) {
    if (given == wanted) return;
    checker.Error(given ? absl::StrCat(path, ".", field) : path,
                  given ? absl::StrCat("not with mechanism ", sasl.mechanism(), "; leave it out")
                        : absl::StrCat(field, " must be given with mechanism ", sasl.mechanism()));
  };
  expect(sasl.has_username_from(), !is_oauth, "usernameFrom");
  expect(sasl.has_password_from(), !is_oauth, "passwordFrom");
  expect(sasl.has_oauth(), is_oauth, "oauth");
  if (is_oauth && sasl.has_oauth()) CheckOauth(sasl, path, checker);
}

void CheckClusters(Checker& checker) {
  for (const job::v1::Cluster& cluster : checker.spec().clusters()) {
    if (!cluster.kafka().has_sasl()) continue;
    CheckSasl(cluster.kafka().sasl(),
              absl::StrCat("spec.clusters[", cluster.name(), "].kafka.sasl"), checker);
  }
}

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
  internal::CheckClusters(checker);
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
