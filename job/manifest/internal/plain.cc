#include "job/manifest/internal/plain.h"

#include <algorithm>
#include <array>
#include <string>

#include "absl/strings/ascii.h"

namespace streamml::manifest::internal {
namespace {

constexpr std::array<std::string_view, 8> kBooleans = {"y",  "n",   "yes",  "no",
                                                       "on", "off", "true", "false"};

// Takes `prefix` off the front of `text`, if it is there.
bool Take(std::string_view prefix, std::string_view& text) {
  if (!text.starts_with(prefix)) return false;
  text.remove_prefix(prefix.size());
  return true;
}

bool IsDigits(std::string_view text, std::string_view digits) {
  return !text.empty() && text.find_first_not_of(digits) == std::string_view::npos;
}

// [0-9_]* [. [0-9_]*] [e [+-] [0-9]+], with a digit before the exponent.
bool IsDecimal(std::string_view text) {
  const size_t exponent = text.find_first_of("eE");
  if (exponent != std::string_view::npos) {
    std::string_view digits = text.substr(exponent + 1);
    if (!Take("+", digits)) Take("-", digits);
    if (!IsDigits(digits, "0123456789")) return false;
    text = text.substr(0, exponent);
  }
  return IsDigits(text, "0123456789._") && std::count(text.begin(), text.end(), '.') <= 1 &&
         text.find_first_of("0123456789") != std::string_view::npos && text.front() != '_';
}

bool IsNumber(std::string_view text) {
  if (!Take("-", text)) Take("+", text);
  if (text.empty()) return false;
  if (Take("0x", text)) return IsDigits(text, "0123456789abcdefABCDEF_");
  if (Take("0b", text)) return IsDigits(text, "01_");
  if (Take("0o", text)) return IsDigits(text, "01234567_");
  return text == ".inf" || text == ".nan" || IsDecimal(text);
}

}  // namespace

PlainKind ClassifyPlain(std::string_view text) {
  // YAML knows three spellings of each word; taking them all the same errs on the safe side.
  const std::string lower = absl::AsciiStrToLower(std::string(text));
  if (text.empty() || text == "~" || lower == "null") return PlainKind::kNull;
  if (std::find(kBooleans.begin(), kBooleans.end(), lower) != kBooleans.end()) {
    return PlainKind::kBoolean;
  }
  return IsNumber(lower) ? PlainKind::kNumber : PlainKind::kText;
}

}  // namespace streamml::manifest::internal
