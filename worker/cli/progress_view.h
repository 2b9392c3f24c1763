// The progress of a running job as lines of text. Pure: time and numbers come in.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <vector>

#include "worker/cli/summary.h"
#include "worker/lane/run.h"

namespace streamml::cli {

struct ProgressOptions {
  std::string job;
  bool color = false;
};

// One thread.
class ProgressView {
 public:
  ProgressView(const plan::JobPlan& plan, ProgressOptions options)
      : plan_(plan), options_(std::move(options)) {}

  // What rates are counted from. First, and once.
  void Start(const std::vector<lane::LaneProgress>& lanes, int64_t now_us);
  // The block for a terminal. `now_us` never goes back.
  std::vector<std::string> Block(const std::vector<lane::LaneProgress>& lanes, int64_t now_us);
  // The same as one plain line.
  std::string Line(const std::vector<lane::LaneProgress>& lanes, int64_t now_us);

 private:
  struct Sample {
    int64_t time_us;
    uint64_t rows;
    uint64_t examples;
  };
  // Per second, over the last two seconds or so.
  struct Rates {
    uint64_t rows = 0;
    uint64_t examples = 0;
  };
  Rates RatesOf(const Totals& totals, int64_t now_us);
  std::string Bold(const std::string& text) const;

  const plan::JobPlan& plan_;
  const ProgressOptions options_;
  std::deque<Sample> samples_;
  int64_t start_us_ = -1;
};

}  // namespace streamml::cli
