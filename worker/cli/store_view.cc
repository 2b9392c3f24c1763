#include "worker/cli/store_view.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "worker/cli/text.h"

namespace streamml::cli {
namespace {

std::string Lanes(size_t number) {
  return absl::StrCat(number, " ", number == 1 ? "lane" : "lanes");
}

}  // namespace

StoreTotals StoreTotalsOf(const std::vector<lane::LaneProgress>& lanes, int64_t now_us) {
  StoreTotals store;
  for (const lane::LaneProgress& lane : lanes) {
    if (!lane.uploads.has_value()) continue;
    store.is_there = true;
    if (store.problem.empty()) store.problem = lane.uploads->problem;
    if (lane.uploads->num_pending == 0) continue;
    ++store.num_lacking;
    store.seconds =
        std::max(store.seconds, static_cast<double>(now_us - lane.uploads->since_us) / 1e6);
  }
  return store;
}

std::string StoreText(const StoreTotals& store) {
  std::string text = store.num_lacking == 0
                         ? std::string("has the newest snapshots")
                         : absl::StrCat("lacks snapshots of ", Lanes(store.num_lacking), " for ",
                                        Seconds(store.seconds));
  if (!store.problem.empty()) absl::StrAppend(&text, ": ", store.problem);
  return text;
}

std::string StoreNews::Take(const std::vector<std::optional<state::UploadStatus>>& lanes) {
  size_t num_away = 0;
  std::string problem;
  for (const std::optional<state::UploadStatus>& lane : lanes) {
    if (!lane.has_value() || lane->problem.empty()) continue;
    ++num_away;
    problem = lane->problem;
  }
  if (num_away > 0 && !is_away_) {
    is_away_ = true;
    return absl::StrCat("the store of snapshots does not take them: ", problem,
                        "; the job goes on, and the newest snapshots of ", Lanes(num_away),
                        " are on this machine only");
  }
  if (num_away == 0 && is_away_) {
    is_away_ = false;
    return "the store of snapshots takes them again";
  }
  return "";
}

}  // namespace streamml::cli
