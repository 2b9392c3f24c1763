#include "worker/cli/progress_view.h"

#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "base/status.h"
#include "worker/cli/text.h"

namespace streamml::cli {
namespace {

constexpr int64_t kRateWindowUs = 2'000'000;

std::string Metrics(const lane::ModelProgress& model, const char* separator) {
  return absl::StrJoin(model.metrics, separator,
                       [](std::string* out, const learn::MetricValue& metric) {
                         absl::StrAppend(out, metric.name, " ", MetricText(metric.value));
                       });
}

}  // namespace

uint64_t ProgressView::Rate(uint64_t rows, int64_t now_us) {
  if (start_us_ < 0) start_us_ = now_us;
  samples_.push_back({now_us, rows});
  while (samples_.size() > 2 && now_us - samples_[1].time_us >= kRateWindowUs) samples_.pop_front();
  const int64_t elapsed = now_us - samples_.front().time_us;
  if (elapsed <= 0) return 0;
  return static_cast<uint64_t>(static_cast<double>(rows - samples_.front().rows) * 1e6 /
                               static_cast<double>(elapsed));
}

std::string ProgressView::Bold(const std::string& text) const {
  return options_.color ? absl::StrCat("\x1b[1m", text, "\x1b[0m") : text;
}

std::vector<std::string> ProgressView::Block(const std::vector<lane::LaneProgress>& lanes,
                                             int64_t now_us) {
  const Totals totals = TotalsOf(plan_, lanes);
  const uint64_t rate = Rate(totals.rows, now_us);
  std::vector<std::string> lines;
  lines.push_back(absl::StrCat(Bold(options_.job), "  running ",
                               Seconds(static_cast<double>(now_us - start_us_) / 1e6)));
  lines.push_back(absl::StrCat("  rows       ", Bold(WithCommas(totals.rows)), "  (",
                               WithCommas(rate), " rows/s)  late ", WithCommas(totals.late),
                               "  dead ", WithCommas(totals.dead)));
  lines.push_back(absl::StrCat("  watermark  ", WatermarkText(totals.watermark)));
  for (const lane::LaneProgress& lane : lanes) {
    for (const lane::ModelProgress& model : lane.models) {
      lines.push_back(absl::StrFormat("  %-9s  version %s  %s", model.name,
                                      WithCommas(model.version), Metrics(model, "  ")));
    }
  }
  return lines;
}

std::string ProgressView::Line(const std::vector<lane::LaneProgress>& lanes, int64_t now_us) {
  const Totals totals = TotalsOf(plan_, lanes);
  const uint64_t rate = Rate(totals.rows, now_us);
  std::string line = absl::StrCat(options_.job, ": ", totals.rows, " rows, ", rate,
                                  " rows/s, watermark ", WatermarkText(totals.watermark), ", ",
                                  totals.late, " late, ", totals.dead, " dead");
  for (const lane::LaneProgress& lane : lanes) {
    for (const lane::ModelProgress& model : lane.models) {
      absl::StrAppend(&line, "; ", model.name, " version ", model.version, ", ",
                      Metrics(model, ", "));
    }
  }
  return line;
}

}  // namespace streamml::cli
