// Arithmetic and functions of numbers against what PostgreSQL 17 answers.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "tests/worker/operators/expressions.h"

namespace streamml::operators {
namespace {

using data::Type;

constexpr int64_t kMost = std::numeric_limits<int64_t>::max();
constexpr int64_t kLeast = std::numeric_limits<int64_t>::min();
constexpr double kInfinity = std::numeric_limits<double>::infinity();
const double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr double kDenormal = std::numeric_limits<double>::denorm_min();

struct OfBigint {
  Function function;
  int64_t a;
  int64_t b;
  const char* expected;
};

TEST(Evaluate, ComputesWithBigintAndFailsWhereItOverflows) {
  const OfBigint cases[] = {
      {Function::kAdd, 2, 3, "5"},
      {Function::kAdd, kMost, 1, "error: bigint out of range"},
      {Function::kAdd, kLeast, -1, "error: bigint out of range"},
      {Function::kSubtract, 2, 3, "-1"},
      {Function::kSubtract, 0, kLeast, "error: bigint out of range"},
      {Function::kSubtract, -1, kLeast, "9223372036854775807"},
      {Function::kMultiply, -4, 3, "-12"},
      {Function::kMultiply, 3037000500, 3037000500, "error: bigint out of range"},
      {Function::kMultiply, kLeast, -1, "error: bigint out of range"},
      {Function::kDivide, 7, 2, "3"},
      {Function::kDivide, -7, 2, "-3"},
      {Function::kDivide, 7, 0, "error: division by zero"},
      {Function::kDivide, kLeast, -1, "error: bigint out of range"},
      {Function::kModulo, 7, 3, "1"},
      {Function::kModulo, -7, 3, "-1"},
      {Function::kModulo, 7, -3, "1"},
      {Function::kModulo, kLeast, -1, "0"},
      {Function::kModulo, 1, 0, "error: division by zero"},
  };
  for (const OfBigint& each : cases) {
    EXPECT_EQ(ValueOf(Call(each.function, Type::kBigint, {Bigint(each.a), Bigint(each.b)})),
              each.expected)
        << each.a << " and " << each.b;
  }
}

struct OfDouble {
  Function function;
  double a;
  double b;
  const char* expected;
};

TEST(Evaluate, ComputesWithDoubleAndFailsOnOverflowAndUnderflow) {
  const char* overflow = "error: value out of range: overflow";
  const char* underflow = "error: value out of range: underflow";
  const OfDouble cases[] = {
      {Function::kAdd, 0.1, 0.2, "0.30000000000000004"},
      {Function::kAdd, 1e308, 1e308, overflow},
      {Function::kAdd, kInfinity, 1, "Infinity"},
      {Function::kAdd, kInfinity, -kInfinity, "NaN"},
      {Function::kAdd, kNaN, 1, "NaN"},
      {Function::kAdd, -0.0, -0.0, "-0"},
      {Function::kSubtract, 1, 0.9, "0.09999999999999998"},
      {Function::kSubtract, -1e308, 1e308, overflow},
      {Function::kMultiply, 0.1, 3, "0.30000000000000004"},
      {Function::kMultiply, 1e200, 1e200, overflow},
      {Function::kMultiply, 1e-200, 1e-200, underflow},
      {Function::kMultiply, 0, kInfinity, "NaN"},
      {Function::kMultiply, -1, 0, "-0"},
      {Function::kDivide, 1, 3, "0.3333333333333333"},
      {Function::kDivide, 1, 0, "error: division by zero"},
      {Function::kDivide, 0, -0.0, "error: division by zero"},
      {Function::kDivide, kNaN, 0, "NaN"},
      {Function::kDivide, 1e308, 1e-308, overflow},
      {Function::kDivide, 1e-308, 1e308, underflow},
      {Function::kDivide, 1, kInfinity, "0"},
      {Function::kDivide, kInfinity, kInfinity, "NaN"},
      {Function::kModulo, 5.5, -2, "1.5"},
      {Function::kModulo, -5.5, 2, "-1.5"},
      {Function::kModulo, 1, 0, "error: division by zero"},
      {Function::kPower, 2, 10, "1024"},
      {Function::kPower, 2, 0.5, "1.4142135623730951"},
      {Function::kPower, -8, 3, "-512"},
      {Function::kPower, 0, 0, "1"},
      {Function::kPower, kNaN, 0, "1"},
      {Function::kPower, 1, kNaN, "1"},
      {Function::kPower, 0, -1, "error: zero raised to a negative power is undefined"},
      {Function::kPower, -8, 0.5,
       "error: a negative number raised to a non-integer power yields a complex result"},
      {Function::kPower, 10, 400, overflow},
      {Function::kPower, 10, -400, underflow},
      {Function::kPower, 0.5, kInfinity, "0"},
      {Function::kPower, kInfinity, 2, "Infinity"},
  };
  for (const OfDouble& each : cases) {
    EXPECT_EQ(ValueOf(Call(each.function, Type::kDouble, {Double(each.a), Double(each.b)})),
              each.expected)
        << each.a << " and " << each.b;
  }
}

struct OfOne {
  Function function;
  double x;
  const char* expected;
};

TEST(Evaluate, FunctionsOfOneDoubleHaveTheirDomains) {
  const OfOne cases[] = {
      {Function::kNegate, 0, "-0"},
      {Function::kNegate, kNaN, "NaN"},
      {Function::kAbs, -2.5, "2.5"},
      {Function::kAbs, -0.0, "0"},
      {Function::kSign, -3, "-1"},
      {Function::kSign, 0, "0"},
      {Function::kSign, kInfinity, "1"},
      {Function::kSign, kNaN, "0"},
      {Function::kLn, 10, "2.302585092994046"},
      {Function::kLn, 1, "0"},
      {Function::kLn, 0, "error: cannot take logarithm of zero"},
      {Function::kLn, -1, "error: cannot take logarithm of a negative number"},
      {Function::kLn, kInfinity, "Infinity"},
      {Function::kLog10, 1000, "3"},
      {Function::kLog10, 2, "0.3010299956639812"},
      {Function::kLog10, 0, "error: cannot take logarithm of zero"},
      {Function::kLog10, -0.5, "error: cannot take logarithm of a negative number"},
      {Function::kExp, 1, "2.718281828459045"},
      {Function::kExp, 1000, "error: value out of range: overflow"},
      {Function::kExp, -1000, "error: value out of range: underflow"},
      {Function::kExp, kInfinity, "Infinity"},
      {Function::kExp, -kInfinity, "0"},
      {Function::kSqrt, 2, "1.4142135623730951"},
      {Function::kSqrt, -1, "error: cannot take square root of a negative number"},
      {Function::kSqrt, kDenormal, "2.2227587494850775e-162"},
      {Function::kFloor, -1.5, "-2"},
      {Function::kCeil, -1.5, "-1"},
      {Function::kCeil, -0.5, "-0"},
      {Function::kRound, 0.5, "0"},
      {Function::kRound, 1.5, "2"},
      {Function::kRound, 2.5, "2"},
      {Function::kRound, -2.5, "-2"},
      {Function::kRound, 1e300, "1e+300"},
  };
  for (const OfOne& each : cases) {
    EXPECT_EQ(ValueOf(Call(each.function, Type::kDouble, {Double(each.x)})), each.expected)
        << "function " << static_cast<int>(each.function) << " of " << each.x;
  }
}

TEST(Evaluate, FunctionsOfOneBigint) {
  const auto run = [](Function function, int64_t x) {
    return ValueOf(Call(function, Type::kBigint, {Bigint(x)}));
  };
  EXPECT_EQ(run(Function::kNegate, 5), "-5");
  EXPECT_EQ(run(Function::kNegate, kLeast), "error: bigint out of range");
  EXPECT_EQ(run(Function::kAbs, -5), "5");
  EXPECT_EQ(run(Function::kAbs, kLeast), "error: bigint out of range");
  EXPECT_EQ(run(Function::kSign, kLeast), "-1");
  EXPECT_EQ(run(Function::kSign, 0), "0");
}

TEST(Evaluate, StrictFunctionsPassOnNullAndFailuresAndFailuresWin) {
  const auto add = [](Expression a, Expression b) {
    return ValueOf(Call(Function::kAdd, Type::kBigint, {std::move(a), std::move(b)}));
  };
  EXPECT_EQ(add(Null(Type::kBigint), Bigint(1)), "NULL");
  EXPECT_EQ(add(Bigint(1), Null(Type::kBigint)), "NULL");
  EXPECT_EQ(add(Failing(), Bigint(1)), "error: division by zero");
  EXPECT_EQ(add(Null(Type::kBigint), Failing()), "error: division by zero");
}

TEST(Evaluate, GivesTheReasonOfTheLeftmostArgumentThatFailed) {
  const Expression text = Cast(Text("x"), Type::kBigint);
  EXPECT_EQ(ValueOf(Call(Function::kAdd, Type::kBigint, {text, Failing()})),
            "error: invalid input syntax for type bigint: \"x\"");
  EXPECT_EQ(ValueOf(Call(Function::kAdd, Type::kBigint, {Failing(), text})),
            "error: division by zero");
}

TEST(Evaluate, GreatestAndLeastIgnoreNull) {
  const auto run = [](Function function, std::vector<Expression> arguments) {
    const Type type = arguments[0].type;
    return ValueOf(Call(function, type, std::move(arguments)));
  };
  const Expression null = Null(Type::kDouble);
  EXPECT_EQ(run(Function::kGreatest, {Double(1), null, Double(3), Double(2)}), "3");
  EXPECT_EQ(run(Function::kLeast, {null, Double(2), Double(1)}), "1");
  EXPECT_EQ(run(Function::kGreatest, {Double(1), Double(kNaN), Double(kInfinity)}), "NaN");
  EXPECT_EQ(run(Function::kLeast, {Double(kNaN), Double(kInfinity)}), "Infinity");
  EXPECT_EQ(run(Function::kGreatest, {null, null}), "NULL");
  EXPECT_EQ(run(Function::kLeast, {Text("b"), Text("a"), Text("B")}), "'B'");
  EXPECT_EQ(run(Function::kLeast, {Bigint(1), Failing()}), "error: division by zero");
}

TEST(Evaluate, RefusesTypesThatAFunctionDoesNotTake) {
  EXPECT_EQ(ValueOf(Call(Function::kAdd, Type::kBigint, {Bigint(1), Double(1)})),
            "refused: +: no such function from bigint, double precision to bigint");
  EXPECT_EQ(ValueOf(Call(Function::kSqrt, Type::kDouble, {Double(1), Double(1)})),
            "refused: sqrt: 2 arguments, allowed 1");
  EXPECT_EQ(ValueOf(Call(Function::kNot, Type::kBoolean, {Bigint(1)})),
            "refused: NOT: no such function from bigint to boolean");
  EXPECT_EQ(ValueOf(Column(0, Type::kBigint)), "refused: column 0 of an input with 0");
}

}  // namespace
}  // namespace streamml::operators
