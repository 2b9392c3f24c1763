// The functions of SQL as operators run them: one entry each, in the table of its family.
#pragma once

#include <cstddef>

#include "absl/types/span.h"
#include "worker/operators/internal/values.h"
#include "worker/sql/expression.h"

namespace streamml::operators::internal {

// Which argument and result types a function takes. "Number" is bigint or double.
enum class Signature : uint8_t {
  kSameNumbers,     // numbers of one type, to that type
  kDoubles,         // doubles to double
  kAddTime,         // timestamp, bigint to timestamp
  kComparison,      // two of one type, to boolean
  kMembership,      // two or more of one type, to boolean
  kBooleans,        // booleans to boolean
  kTest,            // one of any type, to boolean
  kSameTypes,       // any number of one type, to that type
  kTexts,           // texts to text
  kTextsToBoolean,  // texts to boolean
  kTextToBigint,    // text to bigint
  kSubstring,       // text, bigint, optional bigint, to text
  kTimeToDouble,    // timestamp to double
  kTimeToTime,      // timestamp to timestamp
};

// `rows` is the number of rows of the batch; where all arguments are constant the result has one
// row.
using Kernel = Values (*)(const sql::Expression& call, Arguments arguments, size_t rows);

struct KernelEntry {
  sql::Function function;
  const char* name;  // as error messages call it
  Signature signature;
  size_t min_arguments;
  size_t max_arguments;
  Kernel kernel;
};

inline constexpr size_t kAnyNumber = static_cast<size_t>(-1);

absl::Span<const KernelEntry> ArithmeticKernels();
absl::Span<const KernelEntry> ComparisonKernels();
absl::Span<const KernelEntry> LogicKernels();
absl::Span<const KernelEntry> MathKernels();
absl::Span<const KernelEntry> TextKernels();
absl::Span<const KernelEntry> TimeKernels();

// CASE; see sql::Expression::Kind::kCase.
Values EvaluateCase(const sql::Expression& expression, Arguments arguments, size_t rows);
// CAST; the types were checked by CanCast.
Values EvaluateCast(const sql::Expression& expression, Arguments arguments, size_t rows);
bool CanCast(data::Type from, data::Type to);

// Order of two values: negative, zero or positive. NaN equals NaN and is above everything, -0
// equals +0, false is below true, text compares by bytes (code points, as it is UTF-8).
inline int Order(int64_t a, int64_t b) { return a < b ? -1 : a > b; }
inline int Order(bool a, bool b) { return static_cast<int>(a) - static_cast<int>(b); }
inline int Order(double a, double b) {
  if (a < b) return -1;
  if (a > b) return 1;
  if (a == b) return 0;
  return static_cast<int>(a != a) - static_cast<int>(b != b);
}
inline int Order(std::string_view a, std::string_view b) { return a.compare(b); }
// Both are of one type and have values.
int Order(const Values& a, const Values& b, size_t row);

}  // namespace streamml::operators::internal
