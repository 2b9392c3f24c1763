// Comparison, three-valued logic and conditionals against what PostgreSQL answers, and failures in
// branches that are not taken.
#include <gtest/gtest.h>

#include <limits>

#include "tests/worker/operators/expressions.h"

namespace streamml::operators {
namespace {

using data::Type;

const double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr const char* kFails = "error: division by zero";

std::string Truth(Function function, std::vector<Expression> arguments) {
  return ValueOf(Call(function, Type::kBoolean, std::move(arguments)));
}

Expression Unknown() { return Null(Type::kBoolean); }
Expression Broken() { return Failing(Type::kBoolean); }

TEST(Evaluate, ComparesEveryType) {
  EXPECT_EQ(Truth(Function::kLess, {Bigint(1), Bigint(2)}), "true");
  EXPECT_EQ(Truth(Function::kGreaterOrEqual, {Bigint(1), Bigint(2)}), "false");
  EXPECT_EQ(Truth(Function::kLessOrEqual, {Double(2), Double(2)}), "true");
  EXPECT_EQ(Truth(Function::kGreater, {Text("b"), Text("a")}), "true");
  EXPECT_EQ(Truth(Function::kEqual, {Boolean(true), Boolean(true)}), "true");
  EXPECT_EQ(Truth(Function::kLess, {Boolean(false), Boolean(true)}), "true");
  EXPECT_EQ(Truth(Function::kNotEqual, {Time(1), Time(2)}), "true");
  EXPECT_EQ(Truth(Function::kEqual, {Bigint(1), Null(Type::kBigint)}), "NULL");
  EXPECT_EQ(Truth(Function::kEqual, {Null(Type::kBigint), Failing()}), kFails);
}

TEST(Evaluate, OrdersNaNAboveEverythingAndAllZerosEqual) {
  EXPECT_EQ(Truth(Function::kEqual, {Double(kNaN), Double(kNaN)}), "true");
  EXPECT_EQ(Truth(Function::kGreater, {Double(kNaN), Double(kInfinity)}), "true");
  EXPECT_EQ(Truth(Function::kLess, {Double(kNaN), Double(1)}), "false");
  EXPECT_EQ(Truth(Function::kNotEqual, {Double(1), Double(kNaN)}), "true");
  EXPECT_EQ(Truth(Function::kEqual, {Double(0.0), Double(-0.0)}), "true");
}

TEST(Evaluate, ComparesTextByCodePoint) {
  EXPECT_EQ(Truth(Function::kLess, {Text("Z"), Text("a")}), "true");
  EXPECT_EQ(Truth(Function::kLess, {Text("a"), Text("ab")}), "true");
  EXPECT_EQ(Truth(Function::kLess, {Text("z"), Text("\u00e4")}), "true");
  EXPECT_EQ(Truth(Function::kLess, {Text("\uffff"), Text("\U00010000")}), "true");
  EXPECT_EQ(Truth(Function::kLess, {Text(std::string("a\0b", 3)), Text("aa")}), "true");
}

TEST(Evaluate, IsDistinctFromTreatsNullAsAValue) {
  const Expression null = Null(Type::kDouble);
  EXPECT_EQ(Truth(Function::kDistinct, {null, null}), "false");
  EXPECT_EQ(Truth(Function::kDistinct, {null, Double(1)}), "true");
  EXPECT_EQ(Truth(Function::kDistinct, {Double(1), Double(1)}), "false");
  EXPECT_EQ(Truth(Function::kNotDistinct, {null, null}), "true");
  EXPECT_EQ(Truth(Function::kNotDistinct, {Double(kNaN), Double(kNaN)}), "true");
  EXPECT_EQ(Truth(Function::kDistinct, {Failing(), Null(Type::kBigint)}), kFails);
}

TEST(Evaluate, AndOrFollowTheTablesOfThreeValuedLogic) {
  const Expression yes = Boolean(true), no = Boolean(false);
  EXPECT_EQ(Truth(Function::kAnd, {yes, yes}), "true");
  EXPECT_EQ(Truth(Function::kAnd, {yes, no}), "false");
  EXPECT_EQ(Truth(Function::kAnd, {Unknown(), yes}), "NULL");
  EXPECT_EQ(Truth(Function::kAnd, {Unknown(), no}), "false");
  EXPECT_EQ(Truth(Function::kAnd, {yes, Unknown(), no}), "false");
  EXPECT_EQ(Truth(Function::kOr, {no, no}), "false");
  EXPECT_EQ(Truth(Function::kOr, {no, Unknown()}), "NULL");
  EXPECT_EQ(Truth(Function::kOr, {Unknown(), yes}), "true");
  EXPECT_EQ(Truth(Function::kNot, {Unknown()}), "NULL");
  EXPECT_EQ(Truth(Function::kNot, {yes}), "false");
}

TEST(Evaluate, ADecidingArgumentOfAndOrHidesFailures) {
  EXPECT_EQ(Truth(Function::kAnd, {Boolean(false), Broken()}), "false");
  EXPECT_EQ(Truth(Function::kAnd, {Broken(), Boolean(false)}), "false");
  EXPECT_EQ(Truth(Function::kAnd, {Boolean(true), Broken()}), kFails);
  EXPECT_EQ(Truth(Function::kAnd, {Unknown(), Broken()}), kFails);
  EXPECT_EQ(Truth(Function::kAnd, {Broken(), Unknown()}), kFails);
  EXPECT_EQ(Truth(Function::kOr, {Broken(), Boolean(true)}), "true");
  EXPECT_EQ(Truth(Function::kOr, {Boolean(false), Broken()}), kFails);
  EXPECT_EQ(Truth(Function::kNot, {Broken()}), kFails);
}

TEST(Evaluate, IsTestsAreNeverNull) {
  const Expression yes = Boolean(true), no = Boolean(false), unknown = Unknown();
  struct Case {
    Function function;
    const char* of_true;
    const char* of_false;
    const char* of_null;
  };
  const Case cases[] = {
      {Function::kIsNull, "false", "false", "true"},
      {Function::kIsNotNull, "true", "true", "false"},
      {Function::kIsTrue, "true", "false", "false"},
      {Function::kIsNotTrue, "false", "true", "true"},
      {Function::kIsFalse, "false", "true", "false"},
      {Function::kIsNotFalse, "true", "false", "true"},
  };
  for (const Case& each : cases) {
    EXPECT_EQ(Truth(each.function, {yes}), each.of_true);
    EXPECT_EQ(Truth(each.function, {no}), each.of_false);
    EXPECT_EQ(Truth(each.function, {unknown}), each.of_null);
    EXPECT_EQ(Truth(each.function, {Broken()}), kFails);
  }
  EXPECT_EQ(Truth(Function::kIsNull, {Null(Type::kText)}), "true");
}

TEST(Evaluate, InIsAChainOfOr) {
  const Expression null = Null(Type::kBigint);
  EXPECT_EQ(Truth(Function::kIn, {Bigint(2), Bigint(1), Bigint(2)}), "true");
  EXPECT_EQ(Truth(Function::kIn, {Bigint(3), Bigint(1), Bigint(2)}), "false");
  EXPECT_EQ(Truth(Function::kIn, {Bigint(3), Bigint(1), null}), "NULL");
  EXPECT_EQ(Truth(Function::kIn, {Bigint(1), null, Bigint(1)}), "true");
  EXPECT_EQ(Truth(Function::kIn, {null, Bigint(1)}), "NULL");
  EXPECT_EQ(Truth(Function::kIn, {Bigint(1), Failing(), Bigint(1)}), "true");
  EXPECT_EQ(Truth(Function::kIn, {Bigint(2), Failing(), Bigint(1)}), kFails);
  EXPECT_EQ(Truth(Function::kIn, {Failing(), Bigint(1)}), kFails);
}

TEST(Evaluate, CoalesceTakesTheFirstThatIsNotNull) {
  const auto run = [](std::vector<Expression> arguments) {
    return ValueOf(Call(Function::kCoalesce, Type::kBigint, std::move(arguments)));
  };
  const Expression null = Null(Type::kBigint);
  EXPECT_EQ(run({null, Bigint(2), Bigint(3)}), "2");
  EXPECT_EQ(run({null, null}), "NULL");
  EXPECT_EQ(run({Bigint(1), Failing()}), "1");
  EXPECT_EQ(run({null, Failing(), Bigint(1)}), kFails);
}

TEST(Evaluate, NullIfGivesNullForEqualValues) {
  const auto run = [](Expression a, Expression b) {
    return ValueOf(Call(Function::kNullIf, Type::kBigint, {std::move(a), std::move(b)}));
  };
  EXPECT_EQ(run(Bigint(1), Bigint(1)), "NULL");
  EXPECT_EQ(run(Bigint(1), Bigint(2)), "1");
  EXPECT_EQ(run(Bigint(1), Null(Type::kBigint)), "1");
  EXPECT_EQ(run(Null(Type::kBigint), Bigint(1)), "NULL");
  EXPECT_EQ(run(Bigint(1), Failing()), kFails);
}

TEST(Evaluate, CaseTakesTheFirstBranchThatIsTrue) {
  EXPECT_EQ(ValueOf(Case({Boolean(true), Text("a"), Boolean(true), Text("b"), Text("c")})), "'a'");
  EXPECT_EQ(ValueOf(Case({Unknown(), Text("a"), Boolean(true), Text("b"), Text("c")})), "'b'");
  EXPECT_EQ(ValueOf(Case({Boolean(false), Text("a"), Unknown(), Text("b"), Text("c")})), "'c'");
  EXPECT_EQ(ValueOf(Case({Boolean(false), Text("a")})), "NULL");
  EXPECT_EQ(ValueOf(Case({Boolean(true), Null(Type::kText), Text("c")})), "NULL");
}

TEST(Evaluate, FailuresOfBranchesNotTakenDoNotEscape) {
  EXPECT_EQ(ValueOf(Case({Boolean(true), Bigint(1), Broken(), Failing(), Failing()})), "1");
  EXPECT_EQ(ValueOf(Case({Boolean(false), Failing(), Bigint(2)})), "2");
  EXPECT_EQ(ValueOf(Case({Boolean(false), Bigint(1), Failing()})), kFails);
  EXPECT_EQ(ValueOf(Case({Boolean(true), Failing(), Bigint(2)})), kFails);
  EXPECT_EQ(ValueOf(Case({Broken(), Bigint(1), Bigint(2)})), kFails);
  EXPECT_EQ(ValueOf(Case({Unknown(), Failing(), Broken(), Bigint(1), Bigint(2)})), kFails);
}

TEST(Evaluate, RefusesACaseOfMixedTypes) {
  EXPECT_EQ(ValueOf(Case({Boolean(true), Bigint(1), Text("c")})),
            "refused: CASE: part 3 is text, allowed bigint");
  EXPECT_EQ(ValueOf(Case({Bigint(1), Bigint(1), Bigint(2)})),
            "refused: CASE: part 1 is bigint, allowed boolean");
}

}  // namespace
}  // namespace streamml::operators
