#include "job/manifest/internal/scalars.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/ascii.h"
#include "base/status.h"
#include "base/wording.h"
#include "job/manifest/internal/allowed.h"
#include "job/manifest/internal/form.h"
#include "job/manifest/internal/plain.h"
#include "job/manifest/values.h"

namespace streamml::manifest::internal {
namespace {

constexpr size_t kDefaultMaxSize = 1024;

template <typename... Parts>
absl::Status Wrong(const Parts&... parts) {
  return absl::InvalidArgumentError(absl::StrCat(parts...));
}

// kubectl turns such a text into a boolean, a number or nothing before the API server sees it.
absl::Status CheckPlain(const YamlNode& node, const Rule& rule) {
  if (!node.plain) return absl::OkStatus();
  const PlainKind kind = ClassifyPlain(node.text);
  const bool number_ok = rule.form() == SCALAR || rule.form() == QUANTITY;
  if (kind == PlainKind::kText || (kind == PlainKind::kNumber && number_ok)) {
    return absl::OkStatus();
  }
  if (rule.form() == SCALAR && (node.text == "true" || node.text == "false")) {
    return absl::OkStatus();
  }
  const std::string_view taken_for = kind == PlainKind::kNumber ? "a number" : "a boolean";
  // Quotes would not help a bare 5 where a duration stands.
  if (rule.form() != TEXT && rule.form() != SCALAR && !HasForm(node.text, rule.form())) {
    return Wrong("expected ", Describe(rule.form()), "; got ", node.text);
  }
  return Wrong("expected a text; ", node.text, " is ", taken_for, " in YAML, write \"", node.text,
               "\"");
}

absl::StatusOr<int64_t> Measure(std::string_view text, Form form) {
  if (form == DURATION) return ParseDuration(text);
  if (form == PERCENT) {
    ASSIGN_OR_RETURN(const double share, ParsePercent(text));
    return static_cast<int64_t>(std::lround(share * 1e8));
  }
  return ParseInteger(text);
}

// Bounds of a rule, for whole numbers, durations and percentages.
absl::Status CheckBounds(std::string_view text, const Rule& rule) {
  if (rule.min().empty() && rule.max().empty()) return absl::OkStatus();
  ASSIGN_OR_RETURN(const int64_t value, Measure(text, rule.form()));
  const std::string allowed = rule.max().empty() ? absl::StrCat("at least ", rule.min())
                              : rule.min().empty()
                                  ? absl::StrCat("at most ", rule.max())
                                  : absl::StrCat("from ", rule.min(), " to ", rule.max());
  if (!rule.min().empty()) {
    ASSIGN_OR_RETURN(const int64_t min, Measure(rule.min(), rule.form()));
    if (value < min) return Wrong(text, " is too small; allowed is ", allowed);
  }
  if (!rule.max().empty()) {
    ASSIGN_OR_RETURN(const int64_t max, Measure(rule.max(), rule.form()));
    if (value > max) return Wrong(text, " is too large; allowed is ", allowed);
  }
  return absl::OkStatus();
}

// What other systems call what is meant.
struct OtherName {
  std::string_view seen;
  std::string_view meant;
};
constexpr OtherName kOtherNames[] = {
    {"bool", "boolean"},
    {"int", "bigint"},
    {"int4", "bigint"},
    {"int8", "bigint"},
    {"int32", "bigint"},
    {"int64", "bigint"},
    {"integer", "bigint"},
    {"long", "bigint"},
    {"smallint", "bigint"},
    {"double", "double precision"},
    {"float", "double precision"},
    {"float4", "double precision"},
    {"float8", "double precision"},
    {"float32", "double precision"},
    {"float64", "double precision"},
    {"number", "double precision"},
    {"real", "double precision"},
    {"string", "text"},
    {"str", "text"},
    {"varchar", "text"},
    {"date", "timestamp"},
    {"datetime", "timestamp"},
    {"timestamptz", "timestamp"},
    {"decimal", "numeric"},
    {"jsonl", "json"},
    {"ndjson", "json"},
    {"online", "inline"},
    {"drop", "skip"},
};

std::string WhatIsMeant(std::string_view seen, const std::vector<std::string>& known) {
  const std::string lower = absl::AsciiStrToLower(std::string(seen));
  for (const OtherName& name : kOtherNames) {
    const bool is_known = std::find(known.begin(), known.end(), name.meant) != known.end();
    if (name.seen == lower && is_known) {
      return absl::StrCat("; did you mean ", Quoted(name.meant), "?");
    }
  }
  return DidYouMean(seen, known);
}

absl::Status CheckWord(const std::string& text, const Rule& rule) {
  const auto& words = rule.one_of();
  if (words.empty() || std::find(words.begin(), words.end(), text) != words.end()) {
    return absl::OkStatus();
  }
  const std::vector<std::string> known(words.begin(), words.end());
  return Wrong("unknown value ", Quoted(text), WhatIsMeant(text, known), "; ", AllowedWords(rule));
}

}  // namespace

std::string Seen(const YamlNode& node) {
  switch (node.kind) {
    case YamlNode::Kind::kNull:
      return "nothing";
    case YamlNode::Kind::kList:
      return "a list";
    case YamlNode::Kind::kMap:
      return "a mapping";
    case YamlNode::Kind::kScalar:
      break;
  }
  if (node.plain && ClassifyPlain(node.text) != PlainKind::kText) return Quoted(node.text);
  return absl::StrCat("the text ", Quoted(node.text));
}

absl::StatusOr<std::string> ReadText(const YamlNode& node, const Rule& rule) {
  if (node.kind != YamlNode::Kind::kScalar) return Wrong("expected a text; got ", Seen(node));
  RETURN_IF_ERROR(CheckPlain(node, rule));
  const std::string& text = node.text;
  const size_t max_size = rule.max_size() == 0 ? kDefaultMaxSize : rule.max_size();
  if (text.empty()) return Wrong("empty text; give a value or leave the field out");
  if (text.size() > max_size) {
    return Wrong("text of ", text.size(), " bytes; allowed are ", max_size);
  }
  RETURN_IF_ERROR(CheckWord(text, rule));
  if (!HasForm(text, rule.form())) {
    return Wrong("expected ", Describe(rule.form()), "; got ", Quoted(text));
  }
  if (rule.form() == DURATION || rule.form() == PERCENT) RETURN_IF_ERROR(CheckBounds(text, rule));
  return text;
}

absl::StatusOr<int64_t> ReadInteger(const YamlNode& node, const Rule& rule, int64_t low,
                                    int64_t high) {
  if (node.kind == YamlNode::Kind::kScalar && !node.plain && ParseInteger(node.text).ok()) {
    return Wrong("expected a whole number; got a text, write ", node.text, " without quotes");
  }
  const absl::StatusOr<int64_t> value = ParseInteger(node.text);
  if (node.kind != YamlNode::Kind::kScalar || !node.plain || !value.ok()) {
    return Wrong("expected a whole number in decimal digits; got ", Seen(node));
  }
  // go-yaml, in kubectl, reads 010 as 8.
  const std::string_view digits = std::string_view(node.text).substr(node.text[0] == '-');
  if (digits.size() > 1 && digits[0] == '0') {
    return Wrong("expected a whole number; ", node.text,
                 " has a leading zero, which YAML 1.1 reads "
                 "as octal");
  }
  RETURN_IF_ERROR(CheckBounds(node.text, rule));
  if (*value < low || *value > high) {
    return Wrong(node.text, " is out of range; allowed is from ", low, " to ", high);
  }
  return *value;
}

absl::StatusOr<bool> ReadBoolean(const YamlNode& node) {
  if (node.kind == YamlNode::Kind::kScalar && node.plain) {
    if (node.text == "true") return true;
    if (node.text == "false") return false;
    if (ClassifyPlain(node.text) == PlainKind::kBoolean) {
      return Wrong("write true or false; ", node.text,
                   " is a boolean for some YAML readers and a text for others");
    }
  }
  return Wrong("expected true or false; got ", Seen(node));
}

}  // namespace streamml::manifest::internal
