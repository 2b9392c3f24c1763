// Differences between what was computed and what an oracle says.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace streamml::oracles {

// |seen - expected| <= relative * |expected| + absolute.
struct Tolerance {
  double relative = 0;
  double absolute = 0;
};

class Comparison {
 public:
  explicit Comparison(Tolerance tolerance) : tolerance_(tolerance) {}

  void Real(const std::string& name, std::optional<double> seen, std::optional<double> expected) {
    RealWithin(tolerance_, name, seen, expected);
  }
  void RealWithin(Tolerance tolerance, const std::string& name, std::optional<double> seen,
                  std::optional<double> expected);
  void Exact(const std::string& name, std::optional<double> seen, std::optional<double> expected);
  void True(const std::string& name, bool holds);

  Tolerance tolerance() const { return tolerance_; }
  uint64_t compared() const { return compared_; }
  uint64_t failed() const { return failed_; }
  // Largest difference of a Real as a share of what its tolerance allows; at most 1 where all pass.
  double worst_share() const { return worst_share_; }
  // The largest |seen - expected| / max(|expected|, absolute / relative) of a Real within the
  // comparison's own tolerance; the plain difference where that is absolute.
  double worst_difference() const { return worst_difference_; }
  const std::string& worst_name() const { return worst_name_; }
  const std::vector<std::string>& failures() const { return failures_; }  // the first few

 private:
  void Fail(const std::string& text);

  Tolerance tolerance_;
  uint64_t compared_ = 0;
  uint64_t failed_ = 0;
  double worst_share_ = 0;
  double worst_difference_ = 0;
  std::string worst_name_;
  std::vector<std::string> failures_;
};

struct Scored {
  double score;
  bool label;
};

// Rank AUC, ties count half; nullopt unless both classes are there. Sorts a copy.
std::optional<double> ExactAuc(std::vector<Scored> examples);

}  // namespace streamml::oracles
