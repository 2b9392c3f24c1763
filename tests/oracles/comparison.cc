#include "tests/oracles/comparison.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/str_format.h"

namespace streamml::oracles {

namespace {

constexpr size_t kMaxFailures = 5;

std::string Print(std::optional<double> value) {
  return value.has_value() ? absl::StrFormat("%.17g", *value) : "none";
}

}  // namespace

void Comparison::RealWithin(Tolerance tolerance, const std::string& name,
                            std::optional<double> seen, std::optional<double> expected) {
  ++compared_;
  if (!seen.has_value() || !expected.has_value()) {
    if (seen.has_value() != expected.has_value()) {
      Fail(name + ": " + Print(seen) + ", oracle " + Print(expected));
    }
    return;
  }
  const double difference = std::abs(*seen - *expected);
  const double allowed = tolerance.relative * std::abs(*expected) + tolerance.absolute;
  if (!(difference <= allowed)) Fail(name + ": " + Print(seen) + ", oracle " + Print(expected));
  if (difference / allowed <= worst_share_) return;
  worst_share_ = difference / allowed;
  worst_name_ = name;
  worst_difference_ =
      tolerance.relative == 0
          ? difference
          : difference / std::max(std::abs(*expected), tolerance.absolute / tolerance.relative);
}

void Comparison::Exact(const std::string& name, std::optional<double> seen,
                       std::optional<double> expected) {
  ++compared_;
  if (seen != expected) Fail(name + ": " + Print(seen) + ", oracle " + Print(expected));
}

void Comparison::True(const std::string& name, bool holds) {
  ++compared_;
  if (!holds) Fail(name);
}

void Comparison::Fail(const std::string& text) {
  ++failed_;
  if (failures_.size() < kMaxFailures) failures_.push_back(text);
}

std::optional<double> ExactAuc(std::vector<Scored> examples) {
  std::sort(examples.begin(), examples.end(),
            [](const Scored& a, const Scored& b) { return a.score < b.score; });
  double negatives = 0, positives = 0, ordered = 0;
  for (size_t begin = 0; begin < examples.size();) {
    double tied[2] = {0, 0};
    size_t end = begin;
    for (; end < examples.size() && examples[end].score == examples[begin].score; ++end) {
      tied[examples[end].label ? 1 : 0] += 1;
    }
    ordered += tied[1] * (negatives + tied[0] / 2);
    negatives += tied[0];
    positives += tied[1];
    begin = end;
  }
  if (negatives == 0 || positives == 0) return std::nullopt;
  return ordered / (negatives * positives);
}

}  // namespace streamml::oracles
