// AND, OR, NOT, IS ..., COALESCE and CASE: where NULLs and failures are decided, not passed on.
#include "worker/operators/internal/kernels.h"

namespace streamml::operators::internal {

namespace {

using data::Mark;
using data::Type;

// `deciding` is false for AND and true for OR. A deciding argument wins wherever it stands; then a
// failed one, then NULL.
void DecideRow(Arguments arguments, size_t row, bool deciding, Result& result) {
  Mark worst = Mark::kValue;
  for (const Values& argument : arguments) {
    const Mark mark = argument.mark(row);
    if (mark == Mark::kValue && argument.Boolean(row) == deciding) return result.Boolean(deciding);
    if (mark == Mark::kFailed || worst == Mark::kValue) worst = mark;
  }
  if (worst == Mark::kFailed) return result.FailAs(arguments, row);
  worst == Mark::kNull ? result.Null() : result.Boolean(!deciding);
}

Values Decide(Arguments arguments, size_t rows, bool deciding) {
  const bool constant = AllConstant(arguments);
  if (constant) rows = 1;
  Result result(Type::kBoolean, rows);
  for (size_t row = 0; row < rows; ++row) DecideRow(arguments, row, deciding, result);
  return result.Finish(constant);
}

Values And(const sql::Expression&, Arguments arguments, size_t rows) {
  return Decide(arguments, rows, false);
}

Values Or(const sql::Expression&, Arguments arguments, size_t rows) {
  return Decide(arguments, rows, true);
}

Values Not(const sql::Expression&, Arguments arguments, size_t rows) {
  return Strict(Type::kBoolean, arguments, rows,
                [&](size_t row, Result& result) { result.Boolean(!arguments[0].Boolean(row)); });
}

template <bool wanted>
Values TestNull(const sql::Expression&, Arguments arguments, size_t rows) {
  return NullAware(Type::kBoolean, arguments, rows, [&](size_t row, Result& result) {
    result.Boolean((arguments[0].mark(row) == Mark::kNull) == wanted);
  });
}

// IS [NOT] TRUE / FALSE: `value` is what is asked for, `wanted` what the answer is if it is so.
template <bool value, bool wanted>
Values TestBoolean(const sql::Expression&, Arguments arguments, size_t rows) {
  return NullAware(Type::kBoolean, arguments, rows, [&](size_t row, Result& result) {
    const bool is_so = arguments[0].mark(row) == Mark::kValue && arguments[0].Boolean(row) == value;
    result.Boolean(is_so == wanted);
  });
}

Values Coalesce(const sql::Expression& call, Arguments arguments, size_t rows) {
  const bool constant = AllConstant(arguments);
  if (constant) rows = 1;
  Result result(call.type, rows);
  for (size_t row = 0; row < rows; ++row) {
    size_t taken = 0;
    while (taken + 1 < arguments.size() && arguments[taken].mark(row) == Mark::kNull) ++taken;
    result.Copy(arguments[taken], row);
  }
  return result.Finish(constant);
}

// Index of the argument whose value CASE gives in `row`; that of a failed condition if one was met
// on the way; arguments.size() if no condition holds and there is no ELSE.
size_t TakenBranch(Arguments arguments, size_t row) {
  size_t index = 0;
  for (; index + 1 < arguments.size(); index += 2) {
    const Values& condition = arguments[index];
    if (condition.mark(row) == Mark::kFailed) return index;
    if (condition.mark(row) == Mark::kValue && condition.Boolean(row)) return index + 1;
  }
  return index;
}

constexpr KernelEntry kEntries[] = {
    {sql::Function::kAnd, "AND", Signature::kBooleans, 1, kAnyNumber, And},
    {sql::Function::kOr, "OR", Signature::kBooleans, 1, kAnyNumber, Or},
    {sql::Function::kNot, "NOT", Signature::kBooleans, 1, 1, Not},
    {sql::Function::kIsNull, "IS NULL", Signature::kTest, 1, 1, TestNull<true>},
    {sql::Function::kIsNotNull, "IS NOT NULL", Signature::kTest, 1, 1, TestNull<false>},
    {sql::Function::kIsTrue, "IS TRUE", Signature::kBooleans, 1, 1, TestBoolean<true, true>},
    {sql::Function::kIsNotTrue, "IS NOT TRUE", Signature::kBooleans, 1, 1,
     TestBoolean<true, false>},
    {sql::Function::kIsFalse, "IS FALSE", Signature::kBooleans, 1, 1, TestBoolean<false, true>},
    {sql::Function::kIsNotFalse, "IS NOT FALSE", Signature::kBooleans, 1, 1,
     TestBoolean<false, false>},
    {sql::Function::kCoalesce, "coalesce", Signature::kSameTypes, 1, kAnyNumber, Coalesce},
};

}  // namespace

Values EvaluateCase(const sql::Expression& expression, Arguments arguments, size_t rows) {
  const bool constant = AllConstant(arguments);
  if (constant) rows = 1;
  Result result(expression.type, rows);
  for (size_t row = 0; row < rows; ++row) {
    const size_t taken = TakenBranch(arguments, row);
    if (taken == arguments.size()) {
      result.Null();
    } else if (arguments[taken].mark(row) == Mark::kFailed) {
      result.FailAs(arguments.subspan(taken, 1), row);
    } else {
      result.Copy(arguments[taken], row);
    }
  }
  return result.Finish(constant);
}

absl::Span<const KernelEntry> LogicKernels() { return kEntries; }

}  // namespace streamml::operators::internal
