// Rules of sources, views and sinks.
#include <algorithm>
#include <map>
#include <string>

#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "base/status.h"
#include "base/wording.h"
#include "job/manifest/internal/checker.h"

namespace streamml::manifest::internal {
namespace {

using job::v1::Column;
using job::v1::Source;

void CheckUniqueNames(Checker& checker) {
  std::map<std::string, std::string> first;  // name -> path of the first relation that has it
  const auto check = [&](std::string_view list, const auto& relations) {
    for (const auto& relation : relations) {
      const std::string path = absl::StrCat("spec.", list, "[", relation.name(), "]");
      const auto [found, is_new] = first.try_emplace(relation.name(), path);
      // Twice in one list was refused when the manifest was read.
      if (is_new || found->second == path) continue;
      checker.Error(absl::StrCat(path, ".name"),
                    absl::StrCat(Quoted(relation.name()), " is already the name of ", found->second,
                                 "; names are unique over sources, views and models"));
    }
  };
  check("sources", checker.spec().sources());
  check("views", checker.spec().views());
  check("models", checker.spec().models());
}

// JSON Pointer (RFC 6901), or $ followed by .name one or more times.
bool IsJsonPath(std::string_view path) {
  if (path.front() == '/') {
    for (size_t i = path.find('~'); i != std::string_view::npos; i = path.find('~', i + 1)) {
      if (i + 1 == path.size() || (path[i + 1] != '0' && path[i + 1] != '1')) return false;
    }
    return true;
  }
  if (!path.starts_with("$.")) return false;
  const std::vector<std::string> parts = absl::StrSplit(std::string(path.substr(2)), '.');
  for (const std::string& part : parts) {
    if (part.empty() || part.find_first_of("[]*?'\"") != std::string_view::npos) return false;
  }
  return true;
}

// Most often a bare key was written, or keys with dots between.
std::string Suggestion(const std::string& path) {
  const std::string pointer = absl::StrCat("/", absl::StrReplaceAll(path, {{".", "/"}}));
  if (path.find_first_of("/$~[]*?'\"") != std::string::npos) return "";
  return absl::StrCat("; write ", Quoted(pointer));
}

struct MetadataRule {
  std::string_view name;
  std::string_view type;
};
constexpr MetadataRule kMetadata[] = {
    {"key", "text"},         {"header", "text"},   {"timestamp", "timestamp"},
    {"partition", "bigint"}, {"offset", "bigint"}, {"tombstone", "boolean"}};

// A column that is not part of a record's value.
void CheckMetadata(const Source& source, const Column& column, const std::string& path,
                   Checker& checker) {
  if (!source.file().empty()) {
    checker.Error(absl::StrCat(path, ".metadata"),
                  "only the records of a topic have metadata; the source is a file");
  }
  for (const MetadataRule& rule : kMetadata) {
    if (column.metadata() != rule.name || column.type() == rule.type) continue;
    checker.Error(absl::StrCat(path, ".type"),
                  absl::StrCat("metadata ", rule.name, " is ", rule.type, "; got ", column.type(),
                               ", to which a view may cast it"));
  }
  if (!column.unit().empty()) {
    checker.Error(absl::StrCat(path, ".unit"), "metadata has no unit");
  }
  const bool is_header = column.metadata() == "header";
  if (is_header == column.path().empty()) {
    checker.Error(absl::StrCat(path, is_header ? ".metadata" : ".path"),
                  is_header ? "a header needs path: the name of the header"
                            : "of all metadata only a header has a path");
  }
}

void CheckFraming(const Source& source, const std::string& path, Checker& checker) {
  if (source.framing().empty()) return;
  if (!source.file().empty()) {
    checker.Error(absl::StrCat(path, ".framing"),
                  "it is for topics; the lines of a file are its events");
  } else if (source.framing() == "lines" && source.format() != "json") {
    checker.Error(absl::StrCat(path, ".framing"),
                  absl::StrCat("'lines' is for json; format is ", source.format()));
  }
}

void CheckColumn(const Source& source, const Column& column, const std::string& path,
                 Checker& checker) {
  if (!column.metadata().empty()) return CheckMetadata(source, column, path, checker);
  if (!column.unit().empty() && column.type() != "timestamp") {
    checker.Error(absl::StrCat(path, ".unit"),
                  absl::StrCat("a unit is for timestamps; the column is ", column.type()));
  }
  if (source.format() == "json" && !column.path().empty() && !IsJsonPath(column.path())) {
    checker.Error(absl::StrCat(path, ".path"),
                  absl::StrCat("expected a JSON Pointer (/a/b) or $.a.b; got ",
                               Quoted(column.path()), Suggestion(column.path())));
  }
}

const Column* FindColumn(const Source& source, std::string_view name) {
  for (const Column& column : source.columns()) {
    if (column.name() == name) return &column;
  }
  return nullptr;
}

bool HasTombstones(const Source& source) {
  return std::any_of(source.columns().begin(), source.columns().end(),
                     [](const Column& column) { return column.metadata() == "tombstone"; });
}

std::vector<std::string> ColumnNames(const Source& source) {
  std::vector<std::string> names;
  for (const Column& column : source.columns()) names.push_back(column.name());
  return names;
}

void CheckFollow(const Source& source, const std::string& path, Checker& checker) {
  const std::string& name = source.watermark().follow();
  if (name.empty()) return;
  const auto& sources = checker.spec().sources();
  const auto followed = std::find_if(sources.begin(), sources.end(),
                                     [&](const Source& other) { return other.name() == name; });
  if (followed == sources.end()) {
    checker.Error(path, absl::StrCat("no source ", Quoted(name)));
  } else if (name == source.name()) {
    checker.Error(path, "a source cannot follow itself");
  } else if (!followed->has_watermark()) {
    checker.Error(path, absl::StrCat("source ", Quoted(name), " has no watermark to follow"));
  }
}

void CheckWatermark(const Source& source, const std::string& path, Checker& checker) {
  if (!source.has_watermark()) return;
  const std::string& name = source.watermark().column();
  const std::string column_path = absl::StrCat(path, ".watermark.column");
  const Column* column = FindColumn(source, name);
  if (column == nullptr) {
    CheckReference(column_path, "column", name, ColumnNames(source), checker);
  } else if (column->type() != "timestamp") {
    checker.Error(column_path, absl::StrCat("event time is a timestamp; column ", Quoted(name),
                                            " is ", column->type()));
  } else if (column->metadata().empty() && HasTombstones(source)) {
    checker.Error(column_path, absl::StrCat("a tombstone has no value to read ", Quoted(name),
                                            " from; with a column of metadata: tombstone, event "
                                            "time is a column of metadata: timestamp"));
  }
  CheckFollow(source, absl::StrCat(path, ".watermark.follow"), checker);
}

void CheckCluster(const std::string& path, const std::string& cluster, const std::string& topic,
                  Checker& checker) {
  if (!cluster.empty()) {
    CheckReference(absl::StrCat(path, ".cluster"), "cluster", cluster, ClusterNames(checker.spec()),
                   checker);
  }
  if (!topic.empty() && cluster.empty()) {
    checker.Error(absl::StrCat(path, ".topic"), "a topic needs a cluster; none is given");
  } else if (topic.empty() && !cluster.empty()) {
    checker.Error(absl::StrCat(path, ".cluster"), "a cluster needs a topic; none is given");
  }
}

void CheckSource(const Source& source, Checker& checker) {
  const std::string path = absl::StrCat("spec.sources[", source.name(), "]");
  CheckCluster(path, source.cluster(), source.topic(), checker);
  for (const Column& column : source.columns()) {
    CheckColumn(source, column, absl::StrCat(path, ".columns[", column.name(), "]"), checker);
  }
  CheckFraming(source, path, checker);
  CheckWatermark(source, path, checker);
  for (int i = 0; i < source.partitioned_by().columns_size(); ++i) {
    CheckReference(absl::StrCat(path, ".partitionedBy.columns[", i, "]"), "column",
                   source.partitioned_by().columns(i), ColumnNames(source), checker);
  }
  if (!source.on_error().topic().empty() && source.on_error().policy() != "deadLetter") {
    checker.Error(
        absl::StrCat(path, ".onError.topic"),
        absl::StrCat("only policy deadLetter has a topic; policy is ", source.on_error().policy()));
  }
}

}  // namespace

std::vector<std::string> RelationNames(const job::v1::JobSpec& spec) {
  std::vector<std::string> names;
  for (const auto& source : spec.sources()) names.push_back(source.name());
  for (const auto& view : spec.views()) names.push_back(view.name());
  for (const auto& model : spec.models()) names.push_back(model.name());
  return names;
}

std::vector<std::string> ClusterNames(const job::v1::JobSpec& spec) {
  std::vector<std::string> names;
  for (const auto& cluster : spec.clusters()) names.push_back(cluster.name());
  return names;
}

void CheckReference(const std::string& path, std::string_view kind, const std::string& name,
                    const std::vector<std::string>& known, Checker& checker) {
  if (std::find(known.begin(), known.end(), name) != known.end()) return;
  std::vector<std::string> distinct;  // names that are there twice are a mistake of their own
  for (const std::string& one : known) {
    if (std::find(distinct.begin(), distinct.end(), one) == distinct.end()) distinct.push_back(one);
  }
  const std::string there = distinct.empty()
                                ? "there are none"
                                : absl::StrCat("there are ", absl::StrJoin(distinct, ", "));
  checker.Error(path,
                absl::StrCat("no ", kind, " ", Quoted(name), DidYouMean(name, known), "; ", there));
}

void CheckRelations(Checker& checker) {
  CheckUniqueNames(checker);
  for (const Source& source : checker.spec().sources()) CheckSource(source, checker);
}

void CheckSinks(Checker& checker) {
  for (const auto& sink : checker.spec().sinks()) {
    const std::string path = absl::StrCat("spec.sinks[", sink.name(), "]");
    CheckCluster(path, sink.cluster(), sink.topic(), checker);
    if (sink.from().empty()) continue;
    const std::string relation = sink.from().substr(0, sink.from().find('.'));
    CheckReference(absl::StrCat(path, ".from"), "relation", relation, RelationNames(checker.spec()),
                   checker);
  }
}

}  // namespace streamml::manifest::internal
