// The data sets of the oracles as batches that a model takes.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "tests/oracles/json.h"
#include "worker/connectors/file_source.h"
#include "worker/data/batch.h"

namespace streamml::oracles {

// What is done to the columns before the model sees them; the ids of the oracle files.
struct Preprocessing {
  bool numeric = true;
  bool log1p = false;  // sign(x) ln(1 + |x|), and zeros are NULL
  bool standard = false;
  bool one_hot = false;
};
absl::StatusOr<Preprocessing> ReadPreprocessing(const std::string& id);

// Rows of a CSV file in file order: numeric columns (double precision), categorical ones (text),
// and "target": boolean for sets with a positive or negative value, else double precision.
class DataSet {
 public:
  // `info` is the oracle's "dataset". NOT_FOUND when the file is missing.
  static absl::StatusOr<std::unique_ptr<DataSet>> Open(const Json& info, const std::string& folder,
                                                       const Preprocessing& preprocessing);

  // Up to `max_rows`; no rows at the end.
  absl::StatusOr<data::Batch> Read(size_t max_rows);

  const std::vector<std::string>& numeric() const { return numeric_; }
  const std::vector<std::string>& categorical() const { return categorical_; }
  const std::shared_ptr<const data::Schema>& schema() const { return schema_; }
  static constexpr const char* kTarget = "target";

 private:
  DataSet() = default;
  absl::Status ReadHeader(const Json& info, const std::string& path);
  std::shared_ptr<const data::Column> Prepared(
      const std::shared_ptr<const data::Column>& column) const;
  std::shared_ptr<const data::Column> Target(
      const std::shared_ptr<const data::Column>& label) const;

  Preprocessing preprocessing_;
  std::string label_, positive_, negative_;
  std::vector<std::string> numeric_, categorical_;
  std::shared_ptr<const data::Schema> schema_;
  std::unique_ptr<connectors::PartitionReader> reader_;
};

// All cells of a gzipped CSV file of two columns, without its header: "feature,value" of big
// models.
absl::StatusOr<std::vector<std::pair<std::string, double>>> ReadFeatureValues(
    const std::string& path);

}  // namespace streamml::oracles
