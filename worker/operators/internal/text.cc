// Functions of text. Text is UTF-8; a byte that continues a character is never counted by itself,
// and text that is not UTF-8 is worked on byte by byte where it is broken.
#include <cstdint>
#include <string>
#include <string_view>

#include "worker/operators/internal/kernels.h"
#include "worker/operators/internal/letter_case.h"

namespace streamml::operators::internal {

namespace {

using data::Type;

bool StartsCharacter(char byte) { return (static_cast<uint8_t>(byte) & 0xC0) != 0x80; }

// Bytes of the character at the front of `text`, which is not empty.
size_t FirstCharacterSize(std::string_view text) {
  size_t size = 1;
  while (size < text.size() && !StartsCharacter(text[size])) ++size;
  return size;
}

int64_t CountCharacters(std::string_view text) {
  int64_t count = 0;
  for (const char byte : text) count += StartsCharacter(byte);
  return count;
}

// Without the first `count` characters; empty when there are not so many.
std::string_view SkipCharacters(std::string_view text, int64_t count) {
  size_t bytes = 0;
  for (; bytes < text.size(); ++bytes) {
    if (StartsCharacter(text[bytes]) && count-- == 0) break;
  }
  return text.substr(bytes);
}

Values Lower(const sql::Expression&, Arguments arguments, size_t rows) {
  std::string buffer;
  return Strict(Type::kText, arguments, rows, [&](size_t row, Result& result) {
    ToLower(arguments[0].Text(row), buffer);
    result.Text(buffer);
  });
}

Values Upper(const sql::Expression&, Arguments arguments, size_t rows) {
  std::string buffer;
  return Strict(Type::kText, arguments, rows, [&](size_t row, Result& result) {
    ToUpper(arguments[0].Text(row), buffer);
    result.Text(buffer);
  });
}

Values Length(const sql::Expression&, Arguments arguments, size_t rows) {
  return Strict(Type::kBigint, arguments, rows, [&](size_t row, Result& result) {
    result.Integer(CountCharacters(arguments[0].Text(row)));
  });
}

Values Concatenate(const sql::Expression&, Arguments arguments, size_t rows) {
  std::string buffer;
  return Strict(Type::kText, arguments, rows, [&](size_t row, Result& result) {
    buffer.clear();
    for (const Values& argument : arguments) buffer.append(argument.Text(row));
    result.Text(buffer);
  });
}

// Positions count from 1 and may lie before the text: substring('abc', 0, 2) is 'a'.
std::string_view SubstringFrom(std::string_view text, int64_t start) {
  return start <= 1 ? text : SkipCharacters(text, start - 1);
}

Values Substring(const sql::Expression&, Arguments arguments, size_t rows) {
  const bool to_end = arguments.size() == 2;
  return Strict(Type::kText, arguments, rows, [&](size_t row, Result& result) {
    const std::string_view text = arguments[0].Text(row);
    const int64_t start = arguments[1].Integer(row);
    const std::string_view rest = SubstringFrom(text, start);
    if (to_end) return result.Text(rest);
    const int64_t length = arguments[2].Integer(row);
    if (length < 0) return result.Fail("negative substring length not allowed");
    int64_t end = 0;  // the first position that is left out
    if (__builtin_add_overflow(start, length, &end)) return result.Text(rest);
    if (end <= 1) return result.Text({});
    const size_t left_out = SkipCharacters(rest, end - (start < 1 ? 1 : start)).size();
    result.Text(rest.substr(0, rest.size() - left_out));
  });
}

enum class Match : uint8_t { kNo, kYes, kDanglingEscape };

// PostgreSQL's LIKE: % is any text, _ one character, backslash makes the next character literal.
// After a mismatch, the last % swallows one more character; earlier ones need not be tried again.
Match MatchLike(std::string_view text, std::string_view pattern) {
  std::string_view retry_text, retry_pattern;
  bool can_retry = false;
  while (!text.empty()) {
    bool matches = false;
    if (!pattern.empty() && pattern[0] == '%') {
      pattern.remove_prefix(1);
      retry_text = text;
      retry_pattern = pattern;
      can_retry = true;
      continue;
    }
    if (!pattern.empty() && pattern[0] == '_') {
      text.remove_prefix(FirstCharacterSize(text));
      pattern.remove_prefix(1);
      continue;
    }
    if (!pattern.empty()) {
      const size_t escape = pattern[0] == '\\' ? 1 : 0;
      if (pattern.size() == escape) return Match::kDanglingEscape;
      matches = pattern[escape] == text[0];
      if (matches) {
        pattern.remove_prefix(escape + 1);
        text.remove_prefix(1);
      }
    }
    if (matches) continue;
    if (!can_retry) return Match::kNo;
    retry_text.remove_prefix(FirstCharacterSize(retry_text));
    text = retry_text;
    pattern = retry_pattern;
  }
  return pattern.find_first_not_of('%') == std::string_view::npos ? Match::kYes : Match::kNo;
}

template <bool wanted>
Values Like(const sql::Expression&, Arguments arguments, size_t rows) {
  return Strict(Type::kBoolean, arguments, rows, [&](size_t row, Result& result) {
    const Match match = MatchLike(arguments[0].Text(row), arguments[1].Text(row));
    if (match == Match::kDanglingEscape) {
      return result.Fail("LIKE pattern must not end with escape character");
    }
    result.Boolean((match == Match::kYes) == wanted);
  });
}

constexpr KernelEntry kEntries[] = {
    {sql::Function::kLower, "lower", Signature::kTexts, 1, 1, Lower},
    {sql::Function::kUpper, "upper", Signature::kTexts, 1, 1, Upper},
    {sql::Function::kLength, "length", Signature::kTextToBigint, 1, 1, Length},
    {sql::Function::kConcatenate, "||", Signature::kTexts, 1, kAnyNumber, Concatenate},
    {sql::Function::kSubstring, "substring", Signature::kSubstring, 2, 3, Substring},
    {sql::Function::kLike, "LIKE", Signature::kTextsToBoolean, 2, 2, Like<true>},
    {sql::Function::kNotLike, "NOT LIKE", Signature::kTextsToBoolean, 2, 2, Like<false>},
};

}  // namespace

absl::Span<const KernelEntry> TextKernels() { return kEntries; }

}  // namespace streamml::operators::internal
