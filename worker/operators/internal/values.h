// Columns of intermediate values with the reasons of failed ones, and the loops that build them.
#pragma once

#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/types/span.h"
#include "worker/data/column.h"

namespace streamml::operators::internal {

// The reason is `message` followed by `detail` followed by `rest`. Only failures that quote their
// input have a detail, so that 1/0 in a branch that is not taken costs no allocation.
struct Failure {
  uint32_t row = 0;
  const char* message = "";  // a literal
  std::string detail;
  const char* rest = "";  // a literal
};

// The values of one expression. `constant`: one row stands for all. `failures` has one entry for
// each row marked kFailed, in order of rows.
struct Values {
  // Shared because a bare column of the input is passed on without a copy.
  std::shared_ptr<const data::Column> column;
  bool constant = false;
  std::vector<Failure> failures;

  size_t At(size_t row) const { return constant ? 0 : row; }
  data::Type type() const { return column->type(); }
  data::Mark mark(size_t row) const { return column->mark(At(row)); }
  bool Boolean(size_t row) const { return column->Boolean(At(row)); }
  int64_t Integer(size_t row) const { return column->Integer(At(row)); }
  double Double(size_t row) const { return column->Double(At(row)); }
  std::string_view Text(size_t row) const { return column->Text(At(row)); }
};
using Arguments = absl::Span<const Values>;

// Builds the values of one result, row after row.
class Result {
 public:
  Result(data::Type type, size_t rows) : column_(std::make_shared<data::Column>(type)) {
    column_->Reserve(rows);
  }

  void Null() { column_->AppendNull(); }
  void Boolean(bool value) { column_->AppendBoolean(value); }
  void Integer(int64_t value) { column_->AppendInteger(value); }
  void Double(double value) { column_->AppendDouble(value); }
  // A computed number: NaNs lose their payload, which no standard defines.
  void ComputedDouble(double value) {
    column_->AppendDouble(value == value ? value : std::numeric_limits<double>::quiet_NaN());
  }
  void Text(std::string_view value) { column_->AppendText(value); }
  void Fail(const char* message, std::string detail = {}, const char* rest = "") {
    failures_.push_back({static_cast<uint32_t>(column_->size()), message, std::move(detail), rest});
    column_->AppendFailed();
  }
  // The value, NULL or failure that `values`, which have the type of the result, hold in `row`.
  void Copy(const Values& values, size_t row);
  // Fails for the reason of the first argument that failed in `row`; one has.
  void FailAs(Arguments arguments, size_t row);

  Values Finish(bool constant) { return {std::move(column_), constant, std::move(failures_)}; }

 private:
  std::shared_ptr<data::Column> column_;
  std::vector<Failure> failures_;
};

inline bool AllConstant(Arguments arguments) {
  for (const Values& argument : arguments) {
    if (!argument.constant) return false;
  }
  return true;
}

// What a strict function gives before it looks at values: failed beats NULL beats a value.
inline data::Mark StrictMark(Arguments arguments, size_t row) {
  data::Mark result = data::Mark::kValue;
  for (const Values& argument : arguments) {
    const data::Mark mark = argument.mark(row);
    if (mark == data::Mark::kFailed) return mark;
    if (mark == data::Mark::kNull) result = mark;
  }
  return result;
}

// Calls body(row, result), which appends one value, for each row where all arguments have values.
// The result is constant where all arguments are; `rows` is then not looked at.
template <typename Body>
Values Strict(data::Type type, Arguments arguments, size_t rows, Body body) {
  const bool constant = AllConstant(arguments);
  if (constant) rows = 1;
  Result result(type, rows);
  for (size_t row = 0; row < rows; ++row) {
    const data::Mark mark = StrictMark(arguments, row);
    if (mark == data::Mark::kValue) {
      body(row, result);
    } else if (mark == data::Mark::kNull) {
      result.Null();
    } else {
      result.FailAs(arguments, row);
    }
  }
  return result.Finish(constant);
}

// The same for functions that see NULLs themselves: failed arguments still make the row fail.
template <typename Body>
Values NullAware(data::Type type, Arguments arguments, size_t rows, Body body) {
  const bool constant = AllConstant(arguments);
  if (constant) rows = 1;
  Result result(type, rows);
  for (size_t row = 0; row < rows; ++row) {
    if (StrictMark(arguments, row) == data::Mark::kFailed) {
      result.FailAs(arguments, row);
    } else {
      body(row, result);
    }
  }
  return result.Finish(constant);
}

}  // namespace streamml::operators::internal
