#include "tests/oracles/dataset.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/math.h"
#include "base/status.h"

namespace streamml::oracles {

namespace {

using connectors::SourceColumn;
using data::Type;

// The categorical columns of each set, as SETS in the oracles' generate.py has them; the oracle
// files do not repeat them.
const std::map<std::string, std::string>& CategoricalColumns() {
  static const std::map<std::string, std::string> columns = {
      {"bank", "job marital education default housing loan contact month poutcome"},
      {"kdd99", "protocol_type service flag"},
      {"clicks", "user ad site hour device position"},
      {"ai4i", "Type"},
      {"criteo",
       "C1 C2 C3 C4 C5 C6 C7 C8 C9 C10 C11 C12 C13 C14 C15 C16 C17 C18 C19 C20 C21 C22 C23 C24 C25 "
       "C26"},
  };
  return columns;
}

std::set<std::string> Words(const std::string& text, char separator) {
  std::set<std::string> words;
  for (absl::string_view word : absl::StrSplit(text, separator, absl::SkipEmpty())) {
    words.insert(std::string(word));
  }
  return words;
}

absl::StatusOr<std::vector<std::string>> HeaderOf(const std::string& path) {
  ASSIGN_OR_RETURN(auto source, connectors::OpenFile(path));
  ASSIGN_OR_RETURN(auto stream, connectors::OpenByteStream(std::move(source)));
  std::string line;
  char c = 0;
  while (true) {
    ASSIGN_OR_RETURN(const size_t read, stream->Read(&c, 1));
    if (read == 0 || c == '\n') break;
    if (c != '\r') line.push_back(c);
  }
  return std::vector<std::string>(absl::StrSplit(line, ','));
}

absl::StatusOr<std::unique_ptr<connectors::PartitionReader>> OpenCsv(
    const std::string& path, std::vector<SourceColumn> columns) {
  std::vector<data::Field> fields;
  for (const SourceColumn& column : columns) fields.push_back({column.name, column.type});
  ASSIGN_OR_RETURN(auto source, connectors::OpenFile(path));
  return connectors::PartitionReader::Open({.format = connectors::FileFormat::kCsv,
                                            .columns = std::move(columns),
                                            .schema = std::make_shared<const data::Schema>(fields)},
                                           0, std::move(source), {});
}

}  // namespace

absl::StatusOr<Preprocessing> ReadPreprocessing(const std::string& id) {
  if (id == "raw") return Preprocessing{};
  if (id == "none") return Preprocessing{.numeric = false};
  if (id == "onehot") return Preprocessing{.numeric = false, .one_hot = true};
  if (id == "raw+onehot") return Preprocessing{.one_hot = true};
  if (id == "standard") return Preprocessing{.standard = true};
  if (id == "standard+onehot") return Preprocessing{.standard = true, .one_hot = true};
  if (id == "log1p+onehot") return Preprocessing{.log1p = true, .one_hot = true};
  return absl::UnimplementedError(absl::StrCat("preprocessing '", id, "' is not known"));
}

absl::Status DataSet::ReadHeader(const Json& info, const std::string& path) {
  ASSIGN_OR_RETURN(const std::vector<std::string> header, HeaderOf(path));
  const std::string drop = info["drop"].text();
  const std::set<std::string> dropped =
      Words(drop, drop.find(',') == std::string::npos ? ' ' : ',');
  const auto it = CategoricalColumns().find(info["name"].text());
  const std::set<std::string> categorical =
      Words(it == CategoricalColumns().end() ? "" : it->second, ' ');
  for (const std::string& column : header) {
    if (column == label_ || dropped.contains(column)) continue;
    const bool is_text = categorical.contains(column);
    if (is_text && preprocessing_.one_hot) categorical_.push_back(column);
    if (!is_text && preprocessing_.numeric) numeric_.push_back(column);
  }
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<DataSet>> DataSet::Open(const Json& info, const std::string& folder,
                                                       const Preprocessing& preprocessing) {
  const std::string path = absl::StrCat(folder, "/", info["file"].text());
  std::unique_ptr<DataSet> set(new DataSet());
  set->preprocessing_ = preprocessing;
  set->label_ = info["label"].text();
  set->positive_ = info["positive"].text();
  set->negative_ = info["negative"].text();
  RETURN_IF_ERROR(set->ReadHeader(info, path));
  const bool is_binary = !set->positive_.empty() || !set->negative_.empty();
  std::vector<SourceColumn> columns;
  std::vector<data::Field> fields;
  const auto add = [&](const std::string& name, Type type) {
    columns.push_back({name, type, "", std::nullopt});
    fields.push_back({name, type});
  };
  for (const std::string& name : set->numeric_) add(name, Type::kDouble);
  for (const std::string& name : set->categorical_) add(name, Type::kText);
  add(set->label_, is_binary ? Type::kText : Type::kDouble);
  fields.back() = {kTarget, is_binary ? Type::kBoolean : Type::kDouble};
  set->schema_ = std::make_shared<const data::Schema>(fields);
  ASSIGN_OR_RETURN(set->reader_, OpenCsv(path, std::move(columns)));
  return set;
}

absl::StatusOr<data::Batch> DataSet::Read(size_t max_rows) {
  ASSIGN_OR_RETURN(connectors::SourceBlock block, reader_->Read(max_rows));
  if (!block.dead.empty()) return absl::DataLossError(block.dead[0].reason);
  if (block.rows.num_rows() == 0) return block.rows;
  std::vector<std::shared_ptr<const data::Column>> columns = block.rows.columns();
  if (preprocessing_.log1p) {
    for (size_t i = 0; i < numeric_.size(); ++i) columns[i] = Prepared(columns[i]);
  }
  columns.back() = Target(columns.back());
  return data::Batch(schema_, std::move(columns), block.rows.shared_origins());
}

std::shared_ptr<const data::Column> DataSet::Prepared(
    const std::shared_ptr<const data::Column>& column) const {
  auto result = std::make_shared<data::Column>(Type::kDouble);
  for (size_t row = 0; row < column->size(); ++row) {
    const double x = column->HasValue(row) ? column->Double(row) : 0;
    if (x == 0) {
      result->AppendNull();
    } else {
      result->AppendDouble(std::copysign(Log1p(std::abs(x)), x));
    }
  }
  return result;
}

std::shared_ptr<const data::Column> DataSet::Target(
    const std::shared_ptr<const data::Column>& label) const {
  if (label->type() == Type::kDouble) return label;
  auto result = std::make_shared<data::Column>(Type::kBoolean);
  for (size_t row = 0; row < label->size(); ++row) {
    const std::string_view text = label->Text(row);
    result->AppendBoolean(positive_.empty() ? text != negative_ : text == positive_);
  }
  return result;
}

absl::StatusOr<std::vector<std::pair<std::string, double>>> ReadFeatureValues(
    const std::string& path) {
  ASSIGN_OR_RETURN(auto reader, OpenCsv(path, {{"feature", Type::kText, "", std::nullopt},
                                               {"value", Type::kDouble, "", std::nullopt}}));
  std::vector<std::pair<std::string, double>> result;
  while (true) {
    ASSIGN_OR_RETURN(connectors::SourceBlock block, reader->Read(1000));
    if (!block.dead.empty()) return absl::DataLossError(block.dead[0].reason);
    for (size_t row = 0; row < block.rows.num_rows(); ++row) {
      result.emplace_back(block.rows.column(0).Text(row), block.rows.column(1).Double(row));
    }
    if (block.at_end) return result;
  }
}

}  // namespace streamml::oracles
