// +, -, *, /, % and sign change; PostgreSQL's int8.c and float.c are the model of what fails.
#include <cmath>
#include <cstdint>
#include <limits>

#include "worker/operators/internal/kernels.h"

namespace streamml::operators::internal {

namespace {

using data::Type;

constexpr const char* kBigintRange = "bigint out of range";
constexpr const char* kZeroDivisor = "division by zero";
constexpr const char* kOverflow = "value out of range: overflow";
constexpr const char* kUnderflow = "value out of range: underflow";
constexpr int64_t kMinBigint = std::numeric_limits<int64_t>::min();

// Each Apply sets `result`, or returns why it cannot.
struct Add {
  static const char* Apply(int64_t a, int64_t b, int64_t& result) {
    return __builtin_add_overflow(a, b, &result) ? kBigintRange : nullptr;
  }
  static const char* Apply(double a, double b, double& result) {
    result = a + b;
    return std::isinf(result) && !std::isinf(a) && !std::isinf(b) ? kOverflow : nullptr;
  }
};

struct Subtract {
  static const char* Apply(int64_t a, int64_t b, int64_t& result) {
    return __builtin_sub_overflow(a, b, &result) ? kBigintRange : nullptr;
  }
  static const char* Apply(double a, double b, double& result) { return Add::Apply(a, -b, result); }
};

struct Multiply {
  static const char* Apply(int64_t a, int64_t b, int64_t& result) {
    return __builtin_mul_overflow(a, b, &result) ? kBigintRange : nullptr;
  }
  static const char* Apply(double a, double b, double& result) {
    result = a * b;
    if (std::isinf(result) && !std::isinf(a) && !std::isinf(b)) return kOverflow;
    return result == 0 && a != 0 && b != 0 ? kUnderflow : nullptr;
  }
};

struct Divide {
  static const char* Apply(int64_t a, int64_t b, int64_t& result) {
    if (b == 0) return kZeroDivisor;
    if (a == kMinBigint && b == -1) return kBigintRange;
    result = a / b;
    return nullptr;
  }
  static const char* Apply(double a, double b, double& result) {
    if (b == 0 && !std::isnan(a)) return kZeroDivisor;
    result = a / b;
    if (std::isinf(result) && !std::isinf(a)) return kOverflow;
    return result == 0 && a != 0 && !std::isinf(b) ? kUnderflow : nullptr;
  }
};

struct Modulo {
  static const char* Apply(int64_t a, int64_t b, int64_t& result) {
    if (b == 0) return kZeroDivisor;
    result = b == -1 ? 0 : a % b;  // the smallest bigint % -1 would trap
    return nullptr;
  }
  // PostgreSQL has % for numeric only; this is its rule (sign of the dividend), computed exactly.
  static const char* Apply(double a, double b, double& result) {
    if (b == 0 && !std::isnan(a)) return kZeroDivisor;
    result = std::fmod(a, b);
    return nullptr;
  }
};

template <typename Operation>
Values Binary(const sql::Expression& call, Arguments arguments, size_t rows) {
  const Values& a = arguments[0];
  const Values& b = arguments[1];
  if (call.type == Type::kDouble) {
    return Strict(call.type, arguments, rows, [&](size_t row, Result& result) {
      double value = 0;
      const char* problem = Operation::Apply(a.Double(row), b.Double(row), value);
      problem == nullptr ? result.ComputedDouble(value) : result.Fail(problem);
    });
  }
  return Strict(call.type, arguments, rows, [&](size_t row, Result& result) {
    int64_t value = 0;
    const char* problem = Operation::Apply(a.Integer(row), b.Integer(row), value);
    problem == nullptr ? result.Integer(value) : result.Fail(problem);
  });
}

Values Negate(const sql::Expression& call, Arguments arguments, size_t rows) {
  const Values& a = arguments[0];
  if (call.type == Type::kDouble) {
    return Strict(call.type, arguments, rows,
                  [&](size_t row, Result& result) { result.ComputedDouble(-a.Double(row)); });
  }
  return Strict(call.type, arguments, rows, [&](size_t row, Result& result) {
    const int64_t value = a.Integer(row);
    value == kMinBigint ? result.Fail(kBigintRange) : result.Integer(-value);
  });
}

constexpr KernelEntry kEntries[] = {
    {sql::Function::kAdd, "+", Signature::kSameNumbers, 2, 2, Binary<Add>},
    {sql::Function::kSubtract, "-", Signature::kSameNumbers, 2, 2, Binary<Subtract>},
    {sql::Function::kMultiply, "*", Signature::kSameNumbers, 2, 2, Binary<Multiply>},
    {sql::Function::kDivide, "/", Signature::kSameNumbers, 2, 2, Binary<Divide>},
    {sql::Function::kModulo, "%", Signature::kSameNumbers, 2, 2, Binary<Modulo>},
    {sql::Function::kNegate, "-", Signature::kSameNumbers, 1, 1, Negate},
};

}  // namespace

absl::Span<const KernelEntry> ArithmeticKernels() { return kEntries; }

}  // namespace streamml::operators::internal
