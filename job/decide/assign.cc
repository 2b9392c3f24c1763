#include "job/decide/assign.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <set>
#include <tuple>

namespace streamml::decide {
namespace {

// Who has which lanes, with what they weigh. Workers are numbers in order of their names.
class Shelves {
 public:
  Shelves(const std::vector<LaneWeight>& lanes, size_t num_workers)
      : lanes_(lanes), load_(num_workers), held_(num_workers) {}

  void Put(size_t worker, size_t lane) {
    held_[worker].insert(lane);
    load_[worker] = Sum(worker);
  }
  void Take(size_t worker, size_t lane) {
    held_[worker].erase(lane);
    load_[worker] = Sum(worker);
  }
  double load(size_t worker) const { return load_[worker]; }
  const std::set<size_t>& held(size_t worker) const { return held_[worker]; }
  size_t NumOfStage(size_t worker, uint32_t stage) const {
    return static_cast<size_t>(
        std::count_if(held_[worker].begin(), held_[worker].end(),
                      [&](size_t lane) { return lanes_[lane].stage == stage; }));
  }
  // The worker with the least load but `excluded`; of equals that with the fewest lanes of the
  // stage, then the first. There is one.
  size_t Emptiest(uint32_t stage, std::optional<size_t> excluded) const {
    std::optional<size_t> best;
    const auto rank = [&](size_t worker) {
      return std::make_tuple(load_[worker], held_[worker].size(), NumOfStage(worker, stage));
    };
    for (size_t worker = 0; worker < load_.size(); ++worker) {
      if (worker == excluded) continue;
      if (!best.has_value() || rank(worker) < rank(*best)) best = worker;
    }
    return *best;
  }

 private:
  // Summed anew in a fixed order: what was taken leaves no rounding error behind.
  double Sum(size_t worker) const {
    double sum = 0;
    for (const size_t lane : held_[worker]) sum += lanes_[lane].weight;
    return sum;
  }

  const std::vector<LaneWeight>& lanes_;
  std::vector<double> load_;
  std::vector<std::set<size_t>> held_;
};

struct Move {
  size_t lane = 0;
  size_t from = 0;
  size_t to = 0;
};

// One planning. Lanes and workers are indices here.
class Planner {
 public:
  Planner(std::vector<LaneWeight> lanes, std::vector<std::string> workers)
      : lanes_(std::move(lanes)), workers_(std::move(workers)) {
    std::sort(workers_.begin(), workers_.end());
    std::sort(lanes_.begin(), lanes_.end(),
              [](const LaneWeight& a, const LaneWeight& b) { return a.lane < b.lane; });
    for (LaneWeight& lane : lanes_) {
      if (!(lane.weight > 0) || !std::isfinite(lane.weight)) lane.weight = 1;
    }
    owner_.resize(lanes_.size());
    standby_.resize(lanes_.size());
  }

  Assignment Run(const Assignment& current, Standby standby) {
    if (!workers_.empty()) {
      PlaceOwners(current);
      if (standby == Standby::kEach && workers_.size() > 1) PlaceStandbys(current);
    }
    Assignment result;
    for (size_t lane = 0; lane < lanes_.size(); ++lane) {
      result[lanes_[lane].lane] = {NameOf(owner_[lane]), NameOf(standby_[lane])};
    }
    return result;
  }

 private:
  using Places = std::vector<std::optional<size_t>>;  // by lane

  std::string NameOf(std::optional<size_t> worker) const {
    return worker.has_value() ? workers_[*worker] : "";
  }
  std::optional<size_t> Find(const std::string& name) const {
    const auto found = std::lower_bound(workers_.begin(), workers_.end(), name);
    if (found == workers_.end() || *found != name) return std::nullopt;
    return static_cast<size_t>(found - workers_.begin());
  }
  static const Placement& Before(const Assignment& current, uint32_t lane) {
    static const Placement nobody;
    const auto found = current.find(lane);
    return found == current.end() ? nobody : found->second;
  }

  // Heavy ones first, so that light ones can even out what these leave.
  std::vector<size_t> Unplaced(const Places& places) const {
    std::vector<size_t> lanes;
    for (size_t lane = 0; lane < lanes_.size(); ++lane) {
      if (!places[lane].has_value()) lanes.push_back(lane);
    }
    std::stable_sort(lanes.begin(), lanes.end(),
                     [&](size_t a, size_t b) { return lanes_[a].weight > lanes_[b].weight; });
    return lanes;
  }

  void PlaceOwners(const Assignment& current) {
    Shelves shelves(lanes_, workers_.size());
    for (size_t lane = 0; lane < lanes_.size(); ++lane) {
      const Placement& before = Before(current, lanes_[lane].lane);
      owner_[lane] = Find(before.owner);
      if (!owner_[lane].has_value()) owner_[lane] = Find(before.standby);
      if (owner_[lane].has_value()) shelves.Put(*owner_[lane], lane);
    }
    for (const size_t lane : Unplaced(owner_)) {
      owner_[lane] = shelves.Emptiest(lanes_[lane].stage, std::nullopt);
      shelves.Put(*owner_[lane], lane);
    }
    Balance(owner_, shelves, Places(lanes_.size()));
  }

  // A lane that moves leaves what it needs with its last owner, who is therefore a good standby.
  void PlaceStandbys(const Assignment& current) {
    Shelves shelves(lanes_, workers_.size());
    for (size_t lane = 0; lane < lanes_.size(); ++lane) {
      const Placement& before = Before(current, lanes_[lane].lane);
      for (const std::string& name : {before.standby, before.owner}) {
        const std::optional<size_t> worker = Find(name);
        if (!worker.has_value() || worker == owner_[lane]) continue;
        standby_[lane] = worker;
        shelves.Put(*worker, lane);
        break;
      }
    }
    for (const size_t lane : Unplaced(standby_)) {
      standby_[lane] = shelves.Emptiest(lanes_[lane].stage, owner_[lane]);
      shelves.Put(*standby_[lane], lane);
    }
    Balance(standby_, shelves, owner_);
  }

  // Each move makes the sum of squared loads smaller, so that there is an end.
  void Balance(Places& places, Shelves& shelves, const Places& forbidden) const {
    while (const std::optional<Move> move = BestMove(shelves, forbidden)) {
      shelves.Take(move->from, move->lane);
      shelves.Put(move->to, move->lane);
      places[move->lane] = move->to;
    }
  }

  // From the fullest worker to the emptiest for which that helps; of several lanes the one that
  // evens them out best, then one of the stage that the fuller has most of beyond the other.
  std::optional<Move> BestMove(const Shelves& shelves, const Places& forbidden) const {
    std::vector<size_t> order(workers_.size());
    for (size_t i = 0; i < order.size(); ++i) order[i] = i;
    std::stable_sort(order.begin(), order.end(),
                     [&](size_t a, size_t b) { return shelves.load(a) < shelves.load(b); });
    for (size_t low = 0; low < order.size(); ++low) {
      for (size_t high = order.size() - 1; high > low; --high) {
        const std::optional<Move> move = BestMove(shelves, order[high], order[low], forbidden);
        if (move.has_value()) return move;
      }
    }
    return std::nullopt;
  }

  std::optional<Move> BestMove(const Shelves& shelves, size_t from, size_t to,
                               const Places& forbidden) const {
    const double gap = shelves.load(from) - shelves.load(to);
    std::optional<Move> best;
    std::tuple<double, int64_t> best_rank;
    for (const size_t lane : shelves.held(from)) {
      const double weight = lanes_[lane].weight;
      if (weight >= gap || forbidden[lane] == to) continue;
      const uint32_t stage = lanes_[lane].stage;
      const auto excess = static_cast<int64_t>(shelves.NumOfStage(from, stage)) -
                          static_cast<int64_t>(shelves.NumOfStage(to, stage));
      const std::tuple<double, int64_t> rank{std::abs(gap - 2 * weight), -excess};
      if (best.has_value() && rank >= best_rank) continue;
      best = {lane, from, to};
      best_rank = rank;
    }
    return best;
  }

  std::vector<LaneWeight> lanes_;
  std::vector<std::string> workers_;
  Places owner_;
  Places standby_;
};

}  // namespace

Assignment Assign(std::vector<LaneWeight> lanes, std::vector<std::string> workers,
                  const Assignment& current, Standby standby) {
  return Planner(std::move(lanes), std::move(workers)).Run(current, standby);
}

}  // namespace streamml::decide
