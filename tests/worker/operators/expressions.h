// Short names to write expressions in tests, and a way to run them.
#pragma once

#include <string>
#include <vector>

#include "worker/sql/expression.h"

namespace streamml::operators {

using sql::Expression;
using sql::Function;

Expression Boolean(bool value);
Expression Bigint(int64_t value);
Expression Double(double value);
Expression Text(std::string value);
// Microseconds since 1970.
Expression Time(int64_t value);
// "2026-03-01 10:20:30.5", UTC.
Expression Time(const std::string& value);
Expression Null(data::Type type);
Expression Column(size_t index, data::Type type);
Expression Call(Function function, data::Type type, std::vector<Expression> arguments);
Expression Case(std::vector<Expression> arguments);
Expression Cast(Expression value, data::Type type);
// A bigint that fails: 1 / 0.
Expression Failing();
// The same of any type.
Expression Failing(data::Type type);

// The value of an expression without columns, as text: true, 12, 0.5, 'text', 2026-03-01 10:20:30,
// NULL, or "error: " and the reason. It is computed twice, with constants and with columns of the
// same values in several rows, and must be the same (a gtest failure otherwise).
std::string ValueOf(const Expression& expression);

}  // namespace streamml::operators
