// One planning of one manifest: resolves relations in order of their dependencies and collects
// mistakes.
#pragma once

#include <set>
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

// The view's rows are wanted as they come, not in event order.
bool EmitsOnArrival(const job::v1::View& view);

class Planner {
 public:
  // Without `files`, sources are planned with one file or partition each, and nobody is asked for
  // topics. All must outlive the planner.
  Planner(const manifest::Manifest& manifest, const manifest::Bindings* files,
          const FileAccess& access, const TopicAccess& topics);
  absl::StatusOr<JobPlan> Run(uint32_t incarnation);

 private:
  // A view or model.
  struct Relation {
    std::string name;
    int index = 0;  // in its list
    bool is_view = false;
    std::string reads;    // what it waits for, once it was tried
    absl::Status status;  // why it could not be planned when it was tried last
  };

  void AddSources();
  void AddSource(int index);
  void AddPartitioning(const job::v1::Source& source, SourcePlan& plan);
  // Where its rows come from; false when that is not known.
  bool FindInput(const job::v1::Source& source, SourcePlan& plan);
  bool FindFiles(const job::v1::Source& source, SourcePlan& plan);
  bool FindTopic(const std::string& path, const std::string& cluster, const std::string& topic,
                 log::TopicDescription& description);
  // Views and models; in planner_relations.cc.
  void AddRelations();
  void TryUntilNothingChanges();
  // False while it reads what is not planned yet.
  bool TryRelation(Relation& relation);
  bool TryView(Relation& relation);
  bool TryModel(Relation& relation);
  void AddTrainer(const job::v1::Model& model);
  void CheckModelAlone(const job::v1::Model& model);
  void ReportUnknown();
  std::vector<const Relation*> WayFrom(const Relation& start) const;
  void ReportCircles();
  void AddSinks();
  void AddSink(const job::v1::Sink& sink, const Place& place);
  void AddSnapshots();
  void AddReplay();
  absl::StatusOr<Place> PlanSql(const std::string& sql, const std::string& owner);
  void Define(const std::string& name, const Place& place);
  void Report(const std::string& path, const absl::Status& status);
  void ReportSql(const std::string& path, const absl::Status& status);
  // At byte `offset` of the SQL text at `path`, unless it is -1.
  void ReportSqlAt(const std::string& path, const absl::Status& status, int offset);

  const manifest::Manifest& manifest_;
  const manifest::Bindings* files_;
  const FileAccess& access_;
  const TopicAccess& topics_;
  const job::v1::JobSpec& spec_;
  JobPlan plan_;
  StageBuilder stages_;
  sql::Catalog catalog_;
  absl::btree_map<std::string, Place> relations_;
  std::vector<Relation> pending_;  // not planned yet
  // With a mistake, or reading one that has: those who read them say nothing of it.
  std::set<std::string> failed_;
  std::vector<manifest::Diagnostic> problems_;
};

}  // namespace streamml::plan::internal
