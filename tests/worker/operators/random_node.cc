#include "tests/worker/operators/random_node.h"

#include <cmath>
#include <limits>
#include <string>

#include "tests/worker/operators/expressions.h"

namespace streamml::operators {

namespace {

using data::Type;
using sql::AggregateFunction;
using sql::TimeField;
using support::Random;

constexpr Type kTypes[] = {Type::kBoolean, Type::kBigint, Type::kDouble, Type::kText,
                           Type::kTimestamp};

template <typename T, size_t size>
const T& OneOf(Random& random, const T (&choices)[size]) {
  return choices[random.Below(size)];
}

int64_t RandomBigint(Random& random) {
  constexpr int64_t kSpecial[] = {0, 1, -1, std::numeric_limits<int64_t>::max(),
                                  std::numeric_limits<int64_t>::min()};
  return random.OneIn(8) ? OneOf(random, kSpecial) : random.Between(-1000, 1000);
}

double RandomDouble(Random& random) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  constexpr double kSpecial[] = {
      0,     -0.0,   kInfinity, -kInfinity,
      1e308, -1e308, 5e-324,    std::numeric_limits<double>::quiet_NaN()};
  if (random.OneIn(8)) return OneOf(random, kSpecial);
  return (random.Unit() - 0.5) * std::exp2(static_cast<double>(random.Between(-20, 20)));
}

std::string RandomText(Random& random) {
  constexpr const char* kTexts[] = {"",
                                    "a",
                                    "b",
                                    "ab",
                                    "12",
                                    " 7 ",
                                    "0.5",
                                    "true",
                                    "gr\u00fcn",
                                    "%a_",
                                    "2026-03-01 01:02:03",
                                    "NaN",
                                    "x\\",
                                    "1e400"};
  return OneOf(random, kTexts);
}

int64_t RandomTime(Random& random) {
  return random.OneIn(20) ? RandomBigint(random)
                          : random.Between(-4'000'000'000'000'000, 4'000'000'000'000'000);
}

sql::Value RandomValue(Random& random, Type type) {
  if (random.OneIn(6)) return std::monostate();
  switch (type) {
    case Type::kBoolean:
      return random.OneIn(2);
    case Type::kBigint:
      return RandomBigint(random);
    case Type::kDouble:
      return RandomDouble(random);
    case Type::kText:
      return RandomText(random);
    case Type::kTimestamp:
      return RandomTime(random);
  }
  return std::monostate();
}

void Append(const sql::Value& value, data::Column& column) {
  if (std::holds_alternative<std::monostate>(value)) {
    column.AppendNull();
  } else if (const auto* boolean = std::get_if<bool>(&value)) {
    column.AppendBoolean(*boolean);
  } else if (const auto* integer = std::get_if<int64_t>(&value)) {
    column.AppendInteger(*integer);
  } else if (const auto* number = std::get_if<double>(&value)) {
    column.AppendDouble(*number);
  } else {
    column.AppendText(std::get<std::string>(value));
  }
}

Expression RandomConstant(Random& random, Type type) {
  Expression constant = Null(type);
  constant.constant = RandomValue(random, type);
  return constant;
}

Expression RandomColumn(Random& random, Type type) {
  const auto schema = RandomSchema();
  size_t column = random.Below(schema->size());
  while (schema->field(column).type != type) column = (column + 1) % schema->size();
  return Column(column, type);
}

// Writes calls with random arguments.
class Caller {
 public:
  Caller(Random& random, int depth) : random_(random), depth_(depth) {}

  Expression Any(Type type) { return RandomExpression(random_, type, depth_ - 1); }
  Expression Of(Function function, Type type, Type argument, size_t arguments) {
    std::vector<Expression> made;
    for (size_t i = 0; i < arguments; ++i) made.push_back(Any(argument));
    return Call(function, type, std::move(made));
  }
  size_t Some() { return 2 + random_.Below(3); }

  Expression Boolean() {
    using enum Function;
    constexpr Function kCompare[] = {kEqual,   kNotEqual,       kLess,     kLessOrEqual,
                                     kGreater, kGreaterOrEqual, kDistinct, kNotDistinct};
    constexpr Function kTests[] = {kNot, kIsTrue, kIsNotTrue, kIsFalse, kIsNotFalse};
    switch (random_.Below(7)) {
      case 0:
        return Of(OneOf(random_, kCompare), Type::kBoolean, OneOf(random_, kTypes), 2);
      case 1:
        return Of(kAnd, Type::kBoolean, Type::kBoolean, Some());
      case 2:
        return Of(kOr, Type::kBoolean, Type::kBoolean, Some());
      case 3:
        return Of(OneOf(random_, kTests), Type::kBoolean, Type::kBoolean, 1);
      case 4:
        return Of(random_.OneIn(2) ? kIsNull : kIsNotNull, Type::kBoolean, OneOf(random_, kTypes),
                  1);
      case 5:
        return Of(kIn, Type::kBoolean, OneOf(random_, kTypes), Some());
      default:
        return Of(random_.OneIn(2) ? kLike : kNotLike, Type::kBoolean, Type::kText, 2);
    }
  }

  Expression Number(Type type) {
    using enum Function;
    constexpr Function kTwo[] = {kAdd, kSubtract, kMultiply, kDivide, kModulo};
    constexpr Function kOne[] = {kNegate, kAbs, kSign};
    constexpr Function kDoubles[] = {kLn, kLog10, kExp, kSqrt, kFloor, kCeil, kRound};
    if (random_.OneIn(4)) return Of(OneOf(random_, kOne), type, type, 1);
    if (type == Type::kBigint && random_.OneIn(4)) return Of(kLength, type, Type::kText, 1);
    if (type == Type::kDouble && random_.OneIn(3))
      return Of(OneOf(random_, kDoubles), type, type, 1);
    if (type == Type::kDouble && random_.OneIn(6)) return Of(kPower, type, type, 2);
    if (type == Type::kDouble && random_.OneIn(5))
      return AtField(kExtract, type, TimeField::kEpoch);
    return Of(OneOf(random_, kTwo), type, type, 2);
  }

  Expression AtField(Function function, Type type, TimeField last) {
    Expression call = Of(function, type, Type::kTimestamp, 1);
    call.field = static_cast<TimeField>(random_.Below(static_cast<uint64_t>(last) + 1));
    return call;
  }

  Expression OfText() {
    using enum Function;
    if (random_.OneIn(3)) {
      return Call(kSubstring, Type::kText,
                  {Any(Type::kText), Any(Type::kBigint), Any(Type::kBigint)});
    }
    if (random_.OneIn(2))
      return Of(random_.OneIn(2) ? kLower : kUpper, Type::kText, Type::kText, 1);
    return Of(kConcatenate, Type::kText, Type::kText, Some());
  }

  Expression OfTime() {
    if (random_.OneIn(2)) {
      return AtField(Function::kDateTrunc, Type::kTimestamp, TimeField::kDay);
    }
    return Call(Function::kAddMicroseconds, Type::kTimestamp,
                {Any(Type::kTimestamp), Any(Type::kBigint)});
  }

  // Functions of every type.
  Expression Conditional(Type type) {
    using enum Function;
    switch (random_.Below(5)) {
      case 0:
        return Case({Any(Type::kBoolean), Any(type), Any(Type::kBoolean), Any(type), Any(type)});
      case 1:
        return Of(kCoalesce, type, type, Some());
      case 2:
        return Of(kNullIf, type, type, 2);
      case 3:
        return Of(random_.OneIn(2) ? kGreatest : kLeast, type, type, Some());
      default:
        return Cast(type == Type::kText ? Any(OneOf(random_, kTypes)) : Any(Type::kText), type);
    }
  }

 private:
  Random& random_;
  int depth_;
};

sql::Node RandomWindow(Random& random) {
  sql::Node node;
  node.kind = sql::Node::Kind::kWindow;
  const auto input = RandomSchema();
  std::vector<data::Field> fields = input->fields();
  node.preceding_us = static_cast<int64_t>(random.Below(4)) * 1'500'000;
  for (size_t column = 0; column < input->size(); ++column) {
    if (random.OneIn(4) && node.partition_columns.size() < 2)
      node.partition_columns.push_back(column);
  }
  const size_t wanted = 1 + random.Below(6);
  while (node.aggregates.size() < wanted) {
    sql::Aggregate aggregate;
    aggregate.function = static_cast<AggregateFunction>(random.Below(5));
    aggregate.argument = static_cast<int>(random.Below(input->size()));
    const Type type = input->field(static_cast<size_t>(aggregate.argument)).type;
    const bool is_count = aggregate.function == AggregateFunction::kCount;
    const bool is_average = aggregate.function == AggregateFunction::kAverage;
    const bool is_sum = aggregate.function == AggregateFunction::kSum || is_average;
    const bool is_number = type == Type::kBigint || type == Type::kDouble;
    if (is_sum && !is_number) continue;
    if (!is_count && type == Type::kBoolean) continue;
    if (is_count && random.OneIn(2)) aggregate.argument = -1;
    aggregate.output = {"w" + std::to_string(node.aggregates.size()), is_count     ? Type::kBigint
                                                                      : is_average ? Type::kDouble
                                                                                   : type};
    fields.push_back(aggregate.output);
    node.aggregates.push_back(aggregate);
  }
  node.schema = data::Schema(fields);
  return node;
}

}  // namespace

std::shared_ptr<const data::Schema> RandomSchema() {
  static const auto& schema = *new std::shared_ptr<const data::Schema>(
      std::make_shared<const data::Schema>(std::vector<data::Field>{{"b", Type::kBoolean},
                                                                    {"i", Type::kBigint},
                                                                    {"j", Type::kBigint},
                                                                    {"x", Type::kDouble},
                                                                    {"y", Type::kDouble},
                                                                    {"t", Type::kText},
                                                                    {"at", Type::kTimestamp}}));
  return schema;
}

data::Batch RandomRows(Random& random, size_t rows, int64_t disorder_us) {
  const auto schema = RandomSchema();
  data::BatchBuilder builder(schema);
  data::Origin origin{random.Between(-5'000'000, 5'000'000), 0, 0, 0};
  for (size_t row = 0; row < rows; ++row) {
    if (!random.OneIn(3)) origin.time += random.Between(0, random.OneIn(30) ? 9'000'000 : 300'000);
    ++origin.offset;
    data::Origin row_origin = origin;
    if (disorder_us > 0 && random.OneIn(3)) row_origin.time -= random.Between(0, disorder_us);
    builder.AddOrigin(row_origin);
    for (size_t i = 0; i < schema->size(); ++i) {
      Append(RandomValue(random, schema->field(i).type), builder.column(i));
    }
  }
  return builder.Finish();
}

sql::Expression RandomExpression(Random& random, Type type, int depth) {
  if (depth == 0 || random.OneIn(8)) {
    return random.OneIn(4) ? RandomConstant(random, type) : RandomColumn(random, type);
  }
  if (random.OneIn(20)) return Failing(type == Type::kBoolean ? Type::kBoolean : type);
  Caller caller(random, depth);
  if (random.OneIn(3)) return caller.Conditional(type);
  switch (type) {
    case Type::kBoolean:
      return caller.Boolean();
    case Type::kBigint:
    case Type::kDouble:
      return caller.Number(type);
    case Type::kText:
      return caller.OfText();
    case Type::kTimestamp:
      return caller.OfTime();
  }
  return caller.Boolean();
}

std::optional<sql::Node> RandomNode(Random& random, sql::Node::Kind kind) {
  sql::Node node;
  node.kind = kind;
  switch (kind) {
    case sql::Node::Kind::kFilter:
      node.schema = *RandomSchema();
      node.expressions.push_back(RandomExpression(random, Type::kBoolean, 4));
      return node;
    case sql::Node::Kind::kProject: {
      std::vector<data::Field> fields;
      const size_t columns = 1 + random.Below(5);
      for (size_t i = 0; i < columns; ++i) {
        fields.push_back({"p" + std::to_string(i), OneOf(random, kTypes)});
        node.expressions.push_back(RandomExpression(random, fields.back().type, 4));
      }
      node.schema = data::Schema(fields);
      return node;
    }
    case sql::Node::Kind::kWindow:
      return RandomWindow(random);
    case sql::Node::Kind::kArrivalWindow:
      node = RandomWindow(random);
      sql::AnswerOnArrival(node);
      return node;
    default:
      return std::nullopt;
  }
}

}  // namespace streamml::operators
