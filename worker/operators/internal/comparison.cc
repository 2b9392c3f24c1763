// =, <>, <, <=, >, >=, IS DISTINCT FROM, IN, greatest, least, nullif.
#include "worker/operators/internal/kernels.h"

namespace streamml::operators::internal {

namespace {

using data::Mark;
using data::Type;

struct IsEqual {
  static bool Of(int order) { return order == 0; }
};
struct IsNotEqual {
  static bool Of(int order) { return order != 0; }
};
struct IsLess {
  static bool Of(int order) { return order < 0; }
};
struct IsLessOrEqual {
  static bool Of(int order) { return order <= 0; }
};
struct IsGreater {
  static bool Of(int order) { return order > 0; }
};
struct IsGreaterOrEqual {
  static bool Of(int order) { return order >= 0; }
};

// The type is looked at once per batch, not once per row.
template <typename Test>
Values Compare(const sql::Expression&, Arguments arguments, size_t rows) {
  const Values& a = arguments[0];
  const Values& b = arguments[1];
  const auto loop = [&](auto order) {
    return Strict(Type::kBoolean, arguments, rows,
                  [order](size_t row, Result& result) { result.Boolean(Test::Of(order(row))); });
  };
  switch (a.type()) {
    case Type::kBoolean:
      return loop([&](size_t row) { return Order(a.Boolean(row), b.Boolean(row)); });
    case Type::kBigint:
    case Type::kTimestamp:
      return loop([&](size_t row) { return Order(a.Integer(row), b.Integer(row)); });
    case Type::kDouble:
      return loop([&](size_t row) { return Order(a.Double(row), b.Double(row)); });
    case Type::kText:
      break;
  }
  return loop([&](size_t row) { return Order(a.Text(row), b.Text(row)); });
}

bool Distinct(const Values& a, const Values& b, size_t row) {
  const bool a_null = a.mark(row) == Mark::kNull, b_null = b.mark(row) == Mark::kNull;
  if (a_null || b_null) return a_null != b_null;
  return Order(a, b, row) != 0;
}

Values IsDistinct(const sql::Expression&, Arguments arguments, size_t rows) {
  return NullAware(Type::kBoolean, arguments, rows, [&](size_t row, Result& result) {
    result.Boolean(Distinct(arguments[0], arguments[1], row));
  });
}

Values IsNotDistinct(const sql::Expression&, Arguments arguments, size_t rows) {
  return NullAware(Type::kBoolean, arguments, rows, [&](size_t row, Result& result) {
    result.Boolean(!Distinct(arguments[0], arguments[1], row));
  });
}

// x = a OR x = b OR ...: an equal one decides, else a failed one, else NULL if any comparison is
// NULL.
void InRow(Arguments arguments, size_t row, Result& result) {
  const Values& x = arguments[0];
  if (x.mark(row) == Mark::kFailed) return result.FailAs(arguments, row);
  bool failed = false;
  bool unknown = x.mark(row) == Mark::kNull;
  for (const Values& candidate : arguments.subspan(1)) {
    const Mark mark = candidate.mark(row);
    failed = failed || mark == Mark::kFailed;
    unknown = unknown || mark == Mark::kNull;
    const bool comparable = mark == Mark::kValue && x.mark(row) == Mark::kValue;
    if (comparable && Order(x, candidate, row) == 0) return result.Boolean(true);
  }
  if (failed) return result.FailAs(arguments, row);
  unknown ? result.Null() : result.Boolean(false);
}

Values In(const sql::Expression&, Arguments arguments, size_t rows) {
  const bool constant = AllConstant(arguments);
  if (constant) rows = 1;
  Result result(Type::kBoolean, rows);
  for (size_t row = 0; row < rows; ++row) InRow(arguments, row, result);
  return result.Finish(constant);
}

// `sign` 1 finds the greatest, -1 the least; the first of equals, NULLs left out.
Values Extreme(const sql::Expression& call, Arguments arguments, size_t rows, int sign) {
  return NullAware(call.type, arguments, rows, [&](size_t row, Result& result) {
    const Values* best = nullptr;
    for (const Values& argument : arguments) {
      if (argument.mark(row) == Mark::kNull) continue;
      if (best == nullptr || Order(argument, *best, row) * sign > 0) best = &argument;
    }
    best == nullptr ? result.Null() : result.Copy(*best, row);
  });
}

Values Greatest(const sql::Expression& call, Arguments arguments, size_t rows) {
  return Extreme(call, arguments, rows, 1);
}

Values Least(const sql::Expression& call, Arguments arguments, size_t rows) {
  return Extreme(call, arguments, rows, -1);
}

Values NullIf(const sql::Expression& call, Arguments arguments, size_t rows) {
  const Values& a = arguments[0];
  const Values& b = arguments[1];
  return NullAware(call.type, arguments, rows, [&](size_t row, Result& result) {
    const bool both = a.mark(row) == Mark::kValue && b.mark(row) == Mark::kValue;
    both&& Order(a, b, row) == 0 ? result.Null() : result.Copy(a, row);
  });
}

constexpr KernelEntry kEntries[] = {
    {sql::Function::kEqual, "=", Signature::kComparison, 2, 2, Compare<IsEqual>},
    {sql::Function::kNotEqual, "<>", Signature::kComparison, 2, 2, Compare<IsNotEqual>},
    {sql::Function::kLess, "<", Signature::kComparison, 2, 2, Compare<IsLess>},
    {sql::Function::kLessOrEqual, "<=", Signature::kComparison, 2, 2, Compare<IsLessOrEqual>},
    {sql::Function::kGreater, ">", Signature::kComparison, 2, 2, Compare<IsGreater>},
    {sql::Function::kGreaterOrEqual, ">=", Signature::kComparison, 2, 2, Compare<IsGreaterOrEqual>},
    {sql::Function::kDistinct, "IS DISTINCT FROM", Signature::kComparison, 2, 2, IsDistinct},
    {sql::Function::kNotDistinct, "IS NOT DISTINCT FROM", Signature::kComparison, 2, 2,
     IsNotDistinct},
    {sql::Function::kIn, "IN", Signature::kMembership, 2, kAnyNumber, In},
    {sql::Function::kNullIf, "nullif", Signature::kSameTypes, 2, 2, NullIf},
    {sql::Function::kGreatest, "greatest", Signature::kSameTypes, 1, kAnyNumber, Greatest},
    {sql::Function::kLeast, "least", Signature::kSameTypes, 1, kAnyNumber, Least},
};

}  // namespace

int Order(const Values& a, const Values& b, size_t row) {
  switch (a.type()) {
    case Type::kBoolean:
      return Order(a.Boolean(row), b.Boolean(row));
    case Type::kBigint:
    case Type::kTimestamp:
      return Order(a.Integer(row), b.Integer(row));
    case Type::kDouble:
      return Order(a.Double(row), b.Double(row));
    case Type::kText:
      break;
  }
  return Order(a.Text(row), b.Text(row));
}

absl::Span<const KernelEntry> ComparisonKernels() { return kEntries; }

}  // namespace streamml::operators::internal
