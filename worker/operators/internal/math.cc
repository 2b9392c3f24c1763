// Functions of numbers; domains and words of errors are those of PostgreSQL's float.c. exp, ln,
// log10 and power are our own (base/math.h), the others are exact in IEEE 754.
#include "base/math.h"

#include <cmath>
#include <cstdint>
#include <limits>

#include "base/math_pow.h"
#include "worker/operators/internal/kernels.h"

namespace streamml::operators::internal {

namespace {

using data::Type;

constexpr const char* kOverflow = "value out of range: overflow";
constexpr const char* kUnderflow = "value out of range: underflow";

// Each function sets `result`, or returns why it cannot.
using DoubleFunction = const char* (*)(double x, double& result);

const char* Ln(double x, double& result) {
  if (x == 0) return "cannot take logarithm of zero";
  if (x < 0) return "cannot take logarithm of a negative number";
  result = Log(x);
  return nullptr;
}

const char* LogTen(double x, double& result) {
  if (x == 0) return "cannot take logarithm of zero";
  if (x < 0) return "cannot take logarithm of a negative number";
  result = Log10(x);
  return nullptr;
}

const char* Exponential(double x, double& result) {
  result = Exp(x);
  if (std::isinf(x) || std::isnan(x)) return nullptr;
  if (std::isinf(result)) return kOverflow;
  return result == 0 ? kUnderflow : nullptr;
}

const char* SquareRoot(double x, double& result) {
  if (x < 0) return "cannot take square root of a negative number";
  result = std::sqrt(x);
  return nullptr;
}

const char* Floor(double x, double& result) {
  result = std::floor(x);
  return nullptr;
}

const char* Ceil(double x, double& result) {
  result = std::ceil(x);
  return nullptr;
}

// Half to even, as PostgreSQL rounds double precision. The rounding mode is never changed.
const char* Round(double x, double& result) {
  result = std::nearbyint(x);
  return nullptr;
}

template <DoubleFunction function>
Values Unary(const sql::Expression& call, Arguments arguments, size_t rows) {
  return Strict(call.type, arguments, rows, [&](size_t row, Result& result) {
    double value = 0;
    const char* problem = function(arguments[0].Double(row), value);
    problem == nullptr ? result.ComputedDouble(value) : result.Fail(problem);
  });
}

const char* PowerOf(double x, double y, double& result) {
  if (x == 0 && y < 0) return "zero raised to a negative power is undefined";
  if (x < 0 && std::isfinite(x) && std::isfinite(y) && std::floor(y) != y) {
    return "a negative number raised to a non-integer power yields a complex result";
  }
  result = Pow(x, y);
  if (!std::isfinite(x) || !std::isfinite(y)) return nullptr;
  if (std::isinf(result)) return kOverflow;
  return result == 0 && x != 0 ? kUnderflow : nullptr;
}

Values Power(const sql::Expression& call, Arguments arguments, size_t rows) {
  return Strict(call.type, arguments, rows, [&](size_t row, Result& result) {
    double value = 0;
    const char* problem = PowerOf(arguments[0].Double(row), arguments[1].Double(row), value);
    problem == nullptr ? result.ComputedDouble(value) : result.Fail(problem);
  });
}

Values Absolute(const sql::Expression& call, Arguments arguments, size_t rows) {
  const Values& x = arguments[0];
  if (call.type == Type::kDouble) {
    return Strict(call.type, arguments, rows, [&](size_t row, Result& result) {
      result.ComputedDouble(std::fabs(x.Double(row)));
    });
  }
  return Strict(call.type, arguments, rows, [&](size_t row, Result& result) {
    const int64_t value = x.Integer(row);
    if (value == std::numeric_limits<int64_t>::min()) return result.Fail("bigint out of range");
    result.Integer(value < 0 ? -value : value);
  });
}

// -1, 0 or 1; 0 for NaN, as in PostgreSQL.
Values Sign(const sql::Expression& call, Arguments arguments, size_t rows) {
  const Values& x = arguments[0];
  if (call.type == Type::kDouble) {
    return Strict(call.type, arguments, rows, [&](size_t row, Result& result) {
      const double value = x.Double(row);
      result.Double(static_cast<double>((value > 0) - (value < 0)));
    });
  }
  return Strict(call.type, arguments, rows, [&](size_t row, Result& result) {
    const int64_t value = x.Integer(row);
    result.Integer((value > 0) - (value < 0));
  });
}

constexpr KernelEntry kEntries[] = {
    {sql::Function::kAbs, "abs", Signature::kSameNumbers, 1, 1, Absolute},
    {sql::Function::kSign, "sign", Signature::kSameNumbers, 1, 1, Sign},
    {sql::Function::kLn, "ln", Signature::kDoubles, 1, 1, Unary<Ln>},
    {sql::Function::kLog10, "log10", Signature::kDoubles, 1, 1, Unary<LogTen>},
    {sql::Function::kExp, "exp", Signature::kDoubles, 1, 1, Unary<Exponential>},
    {sql::Function::kSqrt, "sqrt", Signature::kDoubles, 1, 1, Unary<SquareRoot>},
    {sql::Function::kPower, "power", Signature::kDoubles, 2, 2, Power},
    {sql::Function::kFloor, "floor", Signature::kDoubles, 1, 1, Unary<Floor>},
    {sql::Function::kCeil, "ceil", Signature::kDoubles, 1, 1, Unary<Ceil>},
    {sql::Function::kRound, "round", Signature::kDoubles, 1, 1, Unary<Round>},
};

}  // namespace

absl::Span<const KernelEntry> MathKernels() { return kEntries; }

}  // namespace streamml::operators::internal
