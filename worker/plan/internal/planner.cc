#include "worker/plan/internal/planner.h"

#include <algorithm>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/at_field.h"
#include "base/bytes.h"
#include "base/hash.h"
#include "base/status.h"
#include "google/protobuf/io/coded_stream.h"
#include "google/protobuf/io/zero_copy_stream_impl_lite.h"
#include "job/manifest/values.h"

namespace streamml::plan::internal {
namespace {

using manifest::Diagnostic;

// Raised whenever stored formats or results of operators and learners change: data folders of other
// builds are then refused instead of misread.
constexpr uint64_t kFormatGeneration = 2;

// Of what decides results. Where files lie, how often snapshots are taken and what only Kubernetes
// uses does not; files are known by their content.
uint64_t JobHash(const job::v1::JobSpec& spec, const JobPlan& plan) {
  job::v1::JobSpec relevant = spec;
  relevant.clear_identity();
  relevant.clear_image();
  relevant.clear_clusters();
  relevant.clear_snapshots();
  relevant.clear_replay();
  if (relevant.has_workers()) {
    relevant.mutable_workers()->clear_resources();
    relevant.mutable_workers()->clear_pod_template();
  }
  for (job::v1::Source& source : *relevant.mutable_sources()) {
    source.clear_file();
    source.clear_topic();
    source.clear_cluster();
  }
  std::string bytes;
  {
    google::protobuf::io::StringOutputStream stream(&bytes);
    google::protobuf::io::CodedOutputStream coded(&stream);
    coded.SetSerializationDeterministic(true);
    relevant.SerializeToCodedStream(&coded);
  }
  ByteWriter writer(bytes);
  writer.U64(kFormatGeneration);
  // The number of files or partitions decides how many lanes read them, and so the index of every
  // lane.
  for (const SourcePlan& source : plan.sources) writer.U64(source.num_partitions());
  for (const StagePlan& stage : plan.stages) writer.U64(stage.num_lanes);
  return Hash64(bytes);
}

std::string ListPath(std::string_view list, const std::string& name) {
  return absl::StrCat("spec.", list, "[", name, "]");
}

connectors::SourceColumn ToSourceColumn(const job::v1::Column& column) {
  connectors::SourceColumn result;
  result.name = column.name();
  result.type = data::TypeFromName(column.type()).value_or(data::Type::kText);
  result.path = column.path();
  if (column.unit() == "s") result.unit = data::TimeUnit::kSeconds;
  if (column.unit() == "ms") result.unit = data::TimeUnit::kMilliseconds;
  if (column.unit() == "us") result.unit = data::TimeUnit::kMicroseconds;
  return result;
}

lane::OnError ToOnError(const std::string& policy) {
  if (policy == "skip") return lane::OnError::kSkip;
  if (policy == "fail") return lane::OnError::kFail;
  return lane::OnError::kDeadLetter;
}

operators::ModelSpec ToModelSpec(const job::v1::Model& model) {
  operators::ModelSpec spec;
  spec.name = model.name();
  spec.features.numeric.assign(model.features().numeric().begin(),
                               model.features().numeric().end());
  spec.features.scale =
      model.features().scale() == "standard" ? learn::Scale::kStandard : learn::Scale::kNone;
  for (const job::v1::Categorical& categorical : model.features().categorical()) {
    spec.features.categorical.emplace_back(categorical.columns().begin(),
                                           categorical.columns().end());
  }
  spec.features.hash_bits = model.features().hash_bits();
  spec.learner = model.learner().name();
  for (const auto& [name, value] : model.learner().parameters()) spec.parameters[name] = value;
  spec.label = model.train().label();
  spec.metrics.assign(model.metrics().begin(), model.metrics().end());
  return spec;
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
              static_cast<uint32_t>(spec_.log().partitions())) {}

absl::StatusOr<JobPlan> Planner::Run() {
  AddSources();
  if (problems_.empty()) AddRelations();
  if (problems_.empty()) AddSinks();
  if (!problems_.empty()) {
    std::stable_sort(
        problems_.begin(), problems_.end(),
        [](const Diagnostic& a, const Diagnostic& b) { return a.position < b.position; });
    return manifest::ToStatus(problems_, manifest_.file_name);
  }
  stages_.Finish(plan_);
  plan_.job_hash = JobHash(spec_, plan_);
  const auto interval = manifest::ParseDuration(spec_.snapshots().interval());
  plan_.snapshot_interval_us = interval.ok() ? *interval : 10'000'000;
  return std::move(plan_);
}

void Planner::Report(const std::string& path, const absl::Status& status) {
  problems_.push_back({manifest::Severity::kError, path, manifest_.positions.Find(path),
                       std::string(status.message())});
}

void Planner::ReportSql(const std::string& path, const absl::Status& status) {
  Report(path, status);
  const int offset = sql::ErrorOffset(status);
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
    if (!delay.ok()) return Report(absl::StrCat(path, ".watermark.delay"), delay.status());
    result.delay_us = *delay;
    if (!source.watermark().idle().empty()) {
      const auto idle = manifest::ParseDuration(source.watermark().idle());
      if (!idle.ok()) return Report(absl::StrCat(path, ".watermark.idle"), idle.status());
      result.idle_us = *idle;
    }
  }
  result.on_error = ToOnError(source.on_error().policy());
  if (!FindInput(source, result)) return;
  Define(source.name(), stages_.AddSource(result));
  plan_.sources.push_back(std::move(result));
}

bool Planner::FindInput(const job::v1::Source& source, SourcePlan& plan) {
  if (files_ == nullptr) {
    plan.files = {source.file().empty() ? source.topic() : source.file()};
    return true;
  }
  if (files_->contains(source.name())) return FindFiles(source, plan);
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

// Views and models may stand in any order: those that can be planned are, until nothing changes.
void Planner::AddRelations() {
  std::vector<int> views;
  std::vector<int> models;
  views.reserve(static_cast<size_t>(spec_.views_size()));
  models.reserve(static_cast<size_t>(spec_.models_size()));
  for (int i = 0; i < spec_.views_size(); ++i) views.push_back(i);
  for (int i = 0; i < spec_.models_size(); ++i) models.push_back(i);
  bool progress = true;
  while (progress && problems_.empty()) {
    const size_t before = views.size() + models.size();
    std::erase_if(views, [this](int i) { return problems_.empty() && TryView(i, false); });
    std::erase_if(models, [this](int i) { return problems_.empty() && TryModel(i, false); });
    progress = views.size() + models.size() < before;
  }
  if (!problems_.empty()) return;
  for (const int i : views) TryView(i, true);
  if (!problems_.empty()) return;  // a model whose view is wrong has no mistake of its own
  for (const int i : models) TryModel(i, true);
}

bool Planner::TryView(int index, bool last_try) {
  const job::v1::View& view = spec_.views(index);
  const std::string path = absl::StrCat(ListPath("views", view.name()), ".sql");
  // Analysed apart, so that a second try does not leave operators of the first behind.
  auto node = sql::Analyze(view.sql(), catalog_);
  if (!node.ok()) {
    if (last_try) ReportSql(path, node.status());
    return false;
  }
  const auto place =
      stages_.AddQuery(std::shared_ptr<const sql::Node>(*std::move(node)), view.name(), relations_);
  if (!place.ok()) {
    Report(path, place.status());
    return true;
  }
  Define(view.name(), *place);
  return true;
}

bool Planner::TryModel(int index, bool last_try) {
  const job::v1::Model& model = spec_.models(index);
  const std::string path = ListPath("models", model.name());
  const auto from = relations_.find(model.score());
  if (from == relations_.end()) {
    if (last_try) {
      Report(absl::StrCat(path, ".score"),
             absl::InvalidArgumentError(absl::StrCat(
                 "relation '", model.score(),
                 "' could not be planned: it has a mistake of its own, or it "
                 "depends on this model (a model must not score what its own scores produce)")));
    }
    return false;
  }
  if (model.train().from() != model.score()) {
    Report(absl::StrCat(path, ".train.from"),
           absl::InvalidArgumentError(
               absl::StrCat("inline training learns from the rows it scores: '",
                            model.train().from(), "' seen, '", model.score(),
                            "' (the relation of score) needed; training from another relation is "
                            "not built yet")));
    return true;
  }
  const auto place = stages_.AddModel(ToModelSpec(model), from->second);
  if (!place.ok()) {
    const std::string field = FieldOf(place.status());
    Report(field.empty() ? path : absl::StrCat(path, ".", field), place.status());
    return true;
  }
  Define(model.name(), *place);
  return true;
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
    if (!FindTopic(absl::StrCat(path, ".topic"), sink.cluster(), sink.topic(), description)) return;
    output.topic = sink.topic();
    output.num_partitions = description.num_partitions;
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
      } else {
        ReportSql(absl::StrCat(path, ".sql"), place.status());
      }
      continue;
    }
    const auto found = relations_.find(sink.from());
    if (found != relations_.end()) {
      AddSink(sink, found->second);
    } else {
      Report(absl::StrCat(path, ".from"),
             absl::InvalidArgumentError(absl::StrCat(
                 "'", sink.from(),
                 "' cannot be a sink's relation in this build; dead letters and late rows are "
                 "always written to DATA_DIR/<source>.dead/ and DATA_DIR/<source>.late/")));
    }
  }
}

}  // namespace streamml::plan::internal
