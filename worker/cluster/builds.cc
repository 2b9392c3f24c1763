#include "worker/cluster/builds.h"

#include "absl/strings/str_cat.h"

namespace streamml::cluster {

std::string Builds::NameOf(uint32_t index) const {
  if (wanted_.revision == 0) return absl::StrCat("worker-", index);
  return absl::StrCat("worker-", index, "-r", wanted_.revision);
}

void Builds::Begin(const std::string& program, int64_t now_us) {
  wanted_ = {++num_begun_, program};
  since_us_ = now_us;
  outcome_.clear();
  was_taken_back_ = false;
}

bool Builds::Look(bool settled, const std::string& trouble, int64_t now_us) {
  if (!under_way()) return false;
  if (settled) {
    proven_ = wanted_;
    outcome_ = absl::StrCat("all lanes run with '", wanted_.program, "'");
    return true;
  }
  std::string why = trouble;
  if (why.empty() && now_us - since_us_ >= kProveUs) {
    why = absl::StrCat("not all lanes run on new workers after ", kProveUs / 1'000'000, " s");
  }
  if (why.empty()) return false;
  outcome_ = absl::StrCat("taken back to '", proven_.program, "': ", why);
  was_taken_back_ = true;
  wanted_ = proven_;
  return true;
}

}  // namespace streamml::cluster
