// Small batches for the tests of this folder: a text, a number, an origin.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/status.h"
#include "worker/data/batch.h"

namespace streamml::lane {

struct TestRow {
  data::Origin origin;
  std::string name;
  double amount = 0;
};

inline std::shared_ptr<const data::Schema> TestSchema() {
  static const auto schema = std::make_shared<const data::Schema>(
      std::vector<data::Field>{{"name", data::Type::kText}, {"amount", data::Type::kDouble}});
  return schema;
}

inline data::Batch MakeBatch(const std::vector<TestRow>& rows) {
  data::BatchBuilder builder(TestSchema());
  for (const TestRow& row : rows) {
    builder.column(0).AppendText(row.name);
    builder.column(1).AppendDouble(row.amount);
    builder.AddOrigin(row.origin);
  }
  return builder.Finish();
}

// "time/source/partition/offset name" of each row.
inline std::vector<std::string> Texts(const data::Batch& batch) {
  std::vector<std::string> texts;
  for (size_t row = 0; row < batch.num_rows(); ++row) {
    const data::Origin& origin = batch.origin(row);
    texts.push_back(absl::StrCat(origin.time, "/", origin.source, "/", origin.partition, "/",
                                 origin.offset, " ", batch.column(0).Text(row)));
  }
  return texts;
}

}  // namespace streamml::lane
