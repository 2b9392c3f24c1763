#include "worker/operators/row_error.h"

#include <utility>

#include "worker/data/json_text.h"

namespace streamml::operators {

RowError MakeRowError(const data::Batch& input, size_t row, std::string reason) {
  std::string text = "{";
  for (size_t i = 0; i < input.schema().size(); ++i) {
    if (i > 0) text.append(", ");
    data::AppendJsonString(input.schema().field(i).name, text);
    text.append(": ");
    data::AppendJsonValue(input.column(i), row, text);
  }
  text.push_back('}');
  return {input.origin(row), std::move(reason), std::move(text)};
}

}  // namespace streamml::operators
