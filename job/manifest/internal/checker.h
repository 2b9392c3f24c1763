// What the checks of Validate share: where mistakes go.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "job/manifest/diagnostic.h"
#include "job/manifest/manifest.h"

namespace streamml::manifest::internal {

// A view: the manifest must outlive it.
class Checker {
 public:
  explicit Checker(const Manifest& manifest) : manifest_(manifest) {}

  const job::v1::JobSpec& spec() const { return manifest_.job.spec(); }
  void Error(const std::string& path, std::string message) {
    Add(Severity::kError, path, std::move(message));
  }
  void NotBuilt(const std::string& path, std::string message) {
    Add(Severity::kNotBuilt, path, std::move(message));
  }
  std::vector<Diagnostic> Take() { return std::move(diagnostics_); }

 private:
  void Add(Severity severity, const std::string& path, std::string message) {
    diagnostics_.push_back({severity, path, manifest_.positions.Find(path), std::move(message)});
  }

  const Manifest& manifest_;
  std::vector<Diagnostic> diagnostics_;
};

// Names that a reference may have, in the order of the manifest.
std::vector<std::string> RelationNames(const job::v1::JobSpec& spec);
std::vector<std::string> ClusterNames(const job::v1::JobSpec& spec);

// An error at `path` unless `name` is one of `known`; `kind` is what they are ("relation").
void CheckReference(const std::string& path, std::string_view kind, const std::string& name,
                    const std::vector<std::string>& known, Checker& checker);

void CheckClusters(Checker& checker);   // credentials
void CheckRelations(Checker& checker);  // names, sources, views
void CheckModels(Checker& checker);
void CheckSinks(Checker& checker);
void CheckRunning(Checker& checker);  // log, workers, autoscale
// Everything whose rule in the .proto says that it is not built.
void CheckBuilt(const Manifest& manifest, Checker& checker);

}  // namespace streamml::manifest::internal
