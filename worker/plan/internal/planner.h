// One planning of one manifest: resolves relations in order of their dependencies and collects
// mistakes.
#pragma once

#include <string>
#include <vector>

#include "absl/container/btree_map.h"
#include "absl/status/statusor.h"
#include "job/manifest/bind.h"
#include "job/manifest/diagnostic.h"
#include "job/manifest/manifest.h"
#include "worker/plan/internal/stages.h"
#include "worker/plan/plan.h"
#include "worker/sql/analyze.h"

namespace streamml::plan::internal {

class Planner {
 public:
  // Without `files`, sources are planned with one file each. All must outlive the planner.
  Planner(const manifest::Manifest& manifest, const manifest::Bindings* files,
          const FileAccess& access, const TopicAccess& topics);
  absl::StatusOr<JobPlan> Run();

 private:
  void AddSources();
  void AddSource(int index);
  // Where its rows come from; false when that is not known.
  bool FindInput(const job::v1::Source& source, SourcePlan& plan);
  bool FindFiles(const job::v1::Source& source, SourcePlan& plan);
  bool FindTopic(const std::string& path, const std::string& cluster, const std::string& topic,
                 log::TopicDescription& description);
  void AddRelations();
  // False when `status` may go away once other relations are planned.
  bool TryView(int index, bool last_try);
  bool TryModel(int index, bool last_try);
  void AddSinks();
  void AddSink(const job::v1::Sink& sink, const Place& place);
  absl::StatusOr<Place> PlanSql(const std::string& sql, const std::string& owner);
  void Define(const std::string& name, const Place& place);
  void Report(const std::string& path, const absl::Status& status);
  void ReportSql(const std::string& path, const absl::Status& status);

  const manifest::Manifest& manifest_;
  const manifest::Bindings* files_;
  const FileAccess& access_;
  const TopicAccess& topics_;
  const job::v1::JobSpec& spec_;
  JobPlan plan_;
  StageBuilder stages_;
  sql::Catalog catalog_;
  absl::btree_map<std::string, Place> relations_;
  std::vector<manifest::Diagnostic> problems_;
};

}  // namespace streamml::plan::internal
