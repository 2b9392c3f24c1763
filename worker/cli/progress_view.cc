#include "worker/cli/progress_view.h"

#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "base/status.h"
#include "worker/cli/store_view.h"
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

void ProgressView::Start(const std::vector<lane::LaneProgress>& lanes, int64_t now_us) {
  start_us_ = now_us;
  RatesOf(TotalsOf(plan_, lanes), now_us);
}

ProgressView::Rates ProgressView::RatesOf(const Totals& totals, int64_t now_us) {
  samples_.push_back({now_us, totals.rows, totals.examples});
  while (samples_.size() > 2 && now_us - samples_[1].time_us >= kRateWindowUs) samples_.pop_front();
  const int64_t elapsed = now_us - samples_.front().time_us;
  if (elapsed <= 0) return {};
  const auto rate = [elapsed](uint64_t more) {
    return static_cast<uint64_t>(static_cast<double>(more) * 1e6 / static_cast<double>(elapsed));
  };
  return {rate(totals.rows - samples_.front().rows),
          rate(totals.examples - samples_.front().examples)};
}

std::string ProgressView::Bold(const std::string& text) const {
  return options_.color ? absl::StrCat("\x1b[1m", text, "\x1b[0m") : text;
}

std::vector<std::string> ProgressView::Block(const std::vector<lane::LaneProgress>& lanes,
                                             int64_t now_us) {
  const Totals totals = TotalsOf(plan_, lanes);
  const Rates rates = RatesOf(totals, now_us);
  std::vector<std::string> lines;
  lines.push_back(absl::StrCat(Bold(options_.job), "  running ",
                               Seconds(static_cast<double>(now_us - start_us_) / 1e6)));
  lines.push_back(absl::StrCat("  rows       ", Bold(WithCommas(totals.rows)), "  (",
                               WithCommas(rates.rows), " rows/s)  late ", WithCommas(totals.late),
                               "  dead ", WithCommas(totals.dead)));
  if (totals.waiting > 0) {
    lines.push_back(absl::StrCat("  waiting    ", WithCommas(totals.waiting), " rows"));
  }
  if (totals.examples > 0) {
    lines.push_back(absl::StrCat("  learned    ", WithCommas(totals.examples), " examples  (",
                                 WithCommas(rates.examples), " examples/s)"));
  }
  lines.push_back(absl::StrCat("  watermark  ", WatermarkText(totals.watermark)));
  const StoreTotals store = StoreTotalsOf(lanes, now_us);
  if (store.is_there) lines.push_back(absl::StrCat("  store      ", StoreText(store)));
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
  const Rates rates = RatesOf(totals, now_us);
  std::string line =
      absl::StrCat(options_.job, ": ", WithCommas(totals.rows), " rows, ", WithCommas(rates.rows),
                   " rows/s, watermark ", WatermarkText(totals.watermark), ", ",
                   WithCommas(totals.late), " late, ", WithCommas(totals.dead), " dead");
  if (totals.waiting > 0) absl::StrAppend(&line, ", ", WithCommas(totals.waiting), " waiting");
  if (totals.examples > 0) {
    absl::StrAppend(&line, ", ", WithCommas(rates.examples), " examples/s");
  }
  const StoreTotals store = StoreTotalsOf(lanes, now_us);
  if (!store.problem.empty()) absl::StrAppend(&line, ", store ", StoreText(store));
  for (const lane::LaneProgress& lane : lanes) {
    for (const lane::ModelProgress& model : lane.models) {
      absl::StrAppend(&line, "; ", model.name, " version ", WithCommas(model.version), ", ",
                      Metrics(model, ", "));
    }
  }
  return line;
}

}  // namespace streamml::cli
