#include "worker/operators/internal/drop_failed.h"

#include <algorithm>
#include <cstdint>
#include <utility>

#include "absl/strings/str_cat.h"
#include "worker/operators/row_error.h"

namespace streamml::operators::internal {

void NameColumn(const std::string& name, size_t begin, std::vector<FailedValue>& failed) {
  for (size_t i = begin; i < failed.size(); ++i) {
    absl::StrAppend(&failed[i].reason, " in column '", name, "'");
  }
}

data::Batch DropFailed(const data::Batch& input, data::Batch output,
                       std::vector<FailedValue> failed, Dropped& dropped) {
  if (failed.empty()) return output;
  std::stable_sort(failed.begin(), failed.end(),
                   [](const FailedValue& a, const FailedValue& b) { return a.row < b.row; });
  std::vector<uint32_t> kept;
  auto next = failed.begin();
  for (uint32_t row = 0; row < input.num_rows(); ++row) {
    if (next == failed.end() || next->row != row) {
      kept.push_back(row);
      continue;
    }
    dropped.failed.push_back(MakeRowError(input, row, std::move(next->reason)));
    while (next != failed.end() && next->row == row) ++next;
  }
  return data::Take(output, kept);
}

}  // namespace streamml::operators::internal
