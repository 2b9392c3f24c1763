#include "worker/plan/internal/planner.h"

#include <algorithm>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/at_field.h"
#include "base/status.h"
#include "base/wording.h"
#include "job/manifest/values.h"
#include "worker/plan/internal/job_hash.h"
#include "worker/plan/internal/source_columns.h"
#include "worker/state/store/store_location.h"

namespace streamml::plan::internal {
namespace {

using manifest::Diagnostic;

std::string ListPath(std::string_view list, const std::string& name) {
  return absl::StrCat("spec.", list, "[", name, "]");
}

}  // namespace

Planner::Planner(const manifest::Manifest& manifest, const manifest::Bindings* files,
                 const FileAccess& access, const TopicAccess& topics)
    : manifest_(manifest),
      files_(files),
      access_(access),
      topics_(topics),
      spec_(manifest.job.spec()),
      stages_(static_cast<uint32_t>(spec_.workers().lanes()),
              static_cast<uint32_t>(spec_.log().partitions()),
              std::any_of(spec_.views().begin(), spec_.views().end(), EmitsOnArrival)) {}

absl::StatusOr<JobPlan> Planner::Run(uint32_t incarnation) {
  plan_.owner.incarnation = incarnation;
  plan_.owner.identity =
      spec_.identity().empty() ? manifest_.job.metadata().name() : spec_.identity();
  AddSources();
  AddRelations();
  AddSinks();
  AddSnapshots();
  AddReplay();
  if (!problems_.empty()) {
    std::stable_sort(
        problems_.begin(), problems_.end(),
        [](const Diagnostic& a, const Diagnostic& b) { return a.position < b.position; });
    return manifest::ToStatus(problems_, manifest_.file_name);
  }
  stages_.Finish(plan_);
  plan_.job_hash = JobHash(spec_, plan_);
  plan_.job_parts = JobParts(spec_, plan_);
  return std::move(plan_);
}

void Planner::AddSnapshots() {
  const job::v1::Snapshots& snapshots = spec_.snapshots();
  const auto interval = manifest::ParseDuration(snapshots.interval());
  plan_.snapshot_interval_us = interval.ok() ? *interval : 10'000'000;
  const auto upload = manifest::ParseDuration(snapshots.upload());
  plan_.upload_interval_us = upload.ok() ? *upload : 60'000'000;
  plan_.snapshot_store = snapshots.store();
  if (snapshots.store().empty()) return;
  // Variables may be other ones where the job runs.
  const auto location =
      state::ParseStoreLocation(snapshots.store(), [](const std::string&) { return std::nullopt; });
  if (!location.ok()) return Report("spec.snapshots.store", location.status());
  if (location->folder.empty()) return;
  if (!location->folder.starts_with('/')) {
    Report("spec.snapshots.store",
           absl::InvalidArgumentError(absl::StrCat(
               "the path of a folder has to be absolute, as workers may run anywhere; got ",
               Quoted(snapshots.store()), "; s3://bucket/prefix is a bucket")));
  }
  if (snapshots.has_credentials_from()) {
    Report("spec.snapshots.credentialsFrom",
           absl::InvalidArgumentError("a folder is opened without credentials; leave it out"));
  }
}

// A log in files is lost together with the snapshots beside it. One on Kafka outlives them, and
// then what was cut off cannot be computed again: without a store nothing is.
void Planner::AddReplay() {
  const std::string& keep = spec_.replay().keep();
  const bool is_kafka = !plan_.log_cluster.empty();
  const bool has_store = !plan_.snapshot_store.empty();
  if (keep.empty()) return;
  const auto keep_us = manifest::ParseDuration(keep);
  plan_.keep_us = keep_us.ok() ? *keep_us : 0;
  if (!is_kafka || has_store) return;
  Report(
      "spec.replay.keep",
      absl::InvalidArgumentError(
          "with the log on Kafka this needs a store of snapshots: when the machine that has them "
          "is lost, what was cut off the journal cannot be computed again; give "
          "spec.snapshots.store, or leave this out, and all is kept"));
}

void Planner::Report(const std::string& path, const absl::Status& status) {
  problems_.push_back({manifest::Severity::kError, path, manifest_.positions.Find(path),
                       std::string(status.message())});
}

void Planner::ReportSql(const std::string& path, const absl::Status& status) {
  ReportSqlAt(path, status, sql::ErrorOffset(status));
}

void Planner::ReportSqlAt(const std::string& path, const absl::Status& status, int offset) {
  Report(path, status);
  if (offset >= 0) {
    problems_.back().position = manifest_.positions.FindInText(path, static_cast<size_t>(offset));
  }
}

void Planner::Define(const std::string& name, const Place& place) {
  catalog_[name] = *place.schema;
  relations_[name] = place;
}

void Planner::AddSources() {
  for (int i = 0; i < spec_.sources_size(); ++i) AddSource(i);
}

void Planner::AddSource(int index) {
  const job::v1::Source& source = spec_.sources(index);
  const std::string path = ListPath("sources", source.name());
  SourcePlan result;
  result.name = source.name();
  result.index = static_cast<uint32_t>(index);
  result.format =
      source.format() == "csv" ? connectors::FileFormat::kCsv : connectors::FileFormat::kJson;
  std::vector<data::Field> fields;
  int time_column = data::Schema::kNoTime;
  for (const job::v1::Column& column : source.columns()) {
    if (source.has_watermark() && column.name() == source.watermark().column()) {
      time_column = static_cast<int>(fields.size());
    }
    result.columns.push_back(ToSourceColumn(column));
    fields.push_back({column.name(), result.columns.back().type});
  }
  result.schema = std::make_shared<const data::Schema>(std::move(fields), time_column);
  if (source.has_watermark()) {
    const auto delay = manifest::ParseDuration(source.watermark().delay());
    if (!delay.ok()) Report(absl::StrCat(path, ".watermark.delay"), delay.status());
    result.delay_us = delay.value_or(0);
    if (!source.watermark().idle().empty()) {
      const auto idle = manifest::ParseDuration(source.watermark().idle());
      if (!idle.ok()) Report(absl::StrCat(path, ".watermark.idle"), idle.status());
      result.idle_us = idle.value_or(0);
    }
  }
  result.on_error = ToOnError(source.on_error().policy());
  if (!FindInput(source, result)) {  // what reads it is checked all the same
    result.topic.clear();
    result.files = {source.name()};
  }
  AddMetadata(source, result);
  AddPartitioning(source, result);
  Define(source.name(), stages_.AddSource(result));
  plan_.sources.push_back(std::move(result));
}

void Planner::AddPartitioning(const job::v1::Source& source, SourcePlan& plan) {
  for (int i = 0; i < source.partitioned_by().columns_size(); ++i) {
    const std::string& name = source.partitioned_by().columns(i);
    if (const std::optional<size_t> column = plan.schema->Find(name)) {
      plan.partition_columns.push_back(*column);
      continue;
    }
    Report(absl::StrCat(ListPath("sources", source.name()), ".partitionedBy.columns[", i, "]"),
           absl::NotFoundError(
               absl::StrCat("source '", source.name(), "' has no column '", name, "'")));
  }
  plan.partitioner = connectors::FindPartitioner(source.partitioned_by().partitioner())
                         .value_or(connectors::Partitioner::kMurmur2);
  // Files are not cut by key, whatever the topic is.
  if (!plan.is_topic()) plan.partition_columns.clear();
}

bool Planner::FindInput(const job::v1::Source& source, SourcePlan& plan) {
  if (files_ == nullptr && (source.topic().empty() || spec_.log().cluster().empty())) {
    plan.files = {source.topic().empty()
                      ? source.file()
                      : absl::StrCat("the file of --bind ", source.name(), "=FILE")};
    return true;
  }
  if (files_ != nullptr && files_->contains(source.name())) return FindFiles(source, plan);
  const std::string path = ListPath("sources", source.name());
  if (spec_.log().cluster().empty()) {
    Report(path, absl::InvalidArgumentError(
                     absl::StrCat("a source that is read from a topic needs a log on Kafka: give "
                                  "spec.log.cluster, or read a file in its place with --bind ",
                                  source.name(), "=FILE")));
    return false;
  }
  plan.topic = source.topic();
  plan.cluster = source.cluster();
  plan_.log_cluster = spec_.log().cluster();
  if (FindTopic(absl::StrCat(path, ".topic"), plan.cluster, plan.topic, plan.description)) {
    return true;
  }
  absl::StrAppend(&problems_.back().message, "; to read a file in its place: --bind ",
                  source.name(), "=FILE");
  return false;
}

bool Planner::FindFiles(const job::v1::Source& source, SourcePlan& plan) {
  std::set<std::string> files;  // sorted, each once
  for (const std::string& pattern : files_->at(source.name())) {
    const auto found = access_.list(pattern);
    if (!found.ok()) {
      const std::string path = ListPath("sources", source.name());
      const bool is_bound = !pattern.ends_with(source.file());
      Report(is_bound || source.file().empty() ? path : absl::StrCat(path, ".file"),
             found.status());
      return false;
    }
    files.insert(found->begin(), found->end());
  }
  plan.files.assign(files.begin(), files.end());
  return true;
}

bool Planner::FindTopic(const std::string& path, const std::string& cluster,
                        const std::string& topic, log::TopicDescription& description) {
  if (files_ == nullptr) {
    description.num_partitions = 1;
    return true;
  }
  if (!topics_) {
    Report(path, absl::InvalidArgumentError("there is no connection to Kafka here"));
    return false;
  }
  const auto connected = topics_(cluster);
  auto found = connected.ok() ? (*connected)->Describe(topic) : connected.status();
  if (!found.ok()) {
    Report(path, found.status());
    return false;
  }
  description = *std::move(found);
  return true;
}

absl::StatusOr<Place> Planner::PlanSql(const std::string& sql, const std::string& owner) {
  ASSIGN_OR_RETURN(std::unique_ptr<sql::Node> node, sql::Analyze(sql, catalog_));
  return stages_.AddQuery(std::shared_ptr<const sql::Node>(std::move(node)), owner, relations_);
}

void Planner::AddSink(const job::v1::Sink& sink, const Place& place) {
  const std::string path = ListPath("sinks", sink.name());
  lane::SinkOutput output;
  output.name = sink.name();
  for (const std::string& column : sink.key()) {
    const auto found = place.schema->Find(column);
    if (!found.has_value()) {
      Report(absl::StrCat(path, ".key"),
             absl::InvalidArgumentError(absl::StrCat("the sink has no column '", column, "'")));
      return;
    }
    output.key_columns.push_back(*found);
  }
  if (!plan_.log_cluster.empty() && !sink.topic().empty()) {
    if (sink.cluster() != plan_.log_cluster) {
      Report(absl::StrCat(path, ".cluster"),
             absl::InvalidArgumentError(absl::StrCat(
                 "'", sink.cluster(), "' seen, '", plan_.log_cluster,
                 "' (spec.log.cluster) needed: results and journal are written in one transaction, "
                 "and a transaction does not reach over two clusters")));
      return;
    }
    log::TopicDescription description;
    if (files_ != nullptr &&
        !FindTopic(absl::StrCat(path, ".topic"), sink.cluster(), sink.topic(), description)) {
      return;
    }
    output.topic = sink.topic();
    output.num_partitions = description.num_partitions;
    output.max_record_bytes = static_cast<size_t>(sink.max_record_bytes());
  }
  stages_.AddSink(std::move(output), place);
}

void Planner::AddSinks() {
  for (const job::v1::Sink& sink : spec_.sinks()) {
    const std::string path = ListPath("sinks", sink.name());
    if (!sink.sql().empty()) {
      const auto place = PlanSql(sink.sql(), sink.name());
      if (place.ok()) {
        AddSink(sink, *place);
      } else if (!failed_.contains(sql::UnknownRelation(place.status()))) {
        ReportSql(absl::StrCat(path, ".sql"), place.status());
      }
      continue;
    }
    const auto found = relations_.find(sink.from());
    if (found != relations_.end()) {
      AddSink(sink, found->second);
    } else if (!failed_.contains(sink.from())) {
      Report(absl::StrCat(path, ".from"),
             absl::InvalidArgumentError(absl::StrCat(
                 "'", sink.from(),
                 "' cannot be a sink's relation in this build; dead letters and late rows are "
                 "always written, to DATA_DIR/<source>.dead/ and DATA_DIR/<source>.late/, or to "
                 "topics of these names where the log is on Kafka")));
    }
  }
}

}  // namespace streamml::plan::internal
