// Numbers from text and to text, the same on every machine and in every locale.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace streamml::data {

// The whole text must be a decimal integer within int64; a sign in front is allowed, blanks are
// not.
std::optional<int64_t> ParseBigint(std::string_view text);

// The same for any decimal number whose value is a whole one, also when it is written with a point
// or an exponent, as programs that know only doubles do: 1.0, 1e3, 9223372036854775807.0. Exact:
// nothing goes through a double. nullopt for 1.5, and for what does not fit into int64.
std::optional<int64_t> ParseWholeNumber(std::string_view text);

// The whole text must be a decimal number with optional sign, fraction and exponent, or NaN,
// Infinity or inf in any case, as in PostgreSQL. Rounded to nearest, half to even; nullopt also
// when the value is above or (not being zero) below the range of double. Blanks are not allowed.
std::optional<double> ParseDouble(std::string_view text);

void AppendBigintText(int64_t value, std::string& out);

// The shortest text that reads back as the same double, laid out as PostgreSQL does: 100000, 0.1,
// 1e+15, 1e-05, -0, NaN, Infinity, -Infinity.
void AppendDoubleText(double value, std::string& out);

}  // namespace streamml::data
