// Laws of every operator in the table, over random nodes and rows. A new entry needs a line in
// RandomNode, nothing here.
//
// Mutants that were planted and killed here: the NULL bits left out of the stored frame; an erased
// key that is not told to the store; the frame's begin taken from the batch's first row instead of
// the row's own time; a failed row that is also counted as filtered.
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "tests/support/random.h"
#include "tests/worker/operators/random_node.h"
#include "tests/worker/operators/rows.h"

namespace streamml::operators {
namespace {

using support::Random;

constexpr int kRounds = 60;
constexpr size_t kRows = 150;
constexpr int64_t kDisorderUs = 4'000'000;  // where rows may come in any order

struct Subject {
  const OperatorEntry& entry;
  sql::Node node;
  data::Batch rows;
};

// Calls law(subject, random) for random nodes of every operator.
template <typename Law>
void ForEachOperator(Law law) {
  for (const OperatorEntry& entry : OperatorTable()) {
    for (uint64_t seed = 1; seed <= kRounds; ++seed) {
      SCOPED_TRACE(std::string(entry.name) + ", seed " + std::to_string(seed));
      Random random(seed);
      std::optional<sql::Node> node = RandomNode(random, entry.kind);
      ASSERT_TRUE(node.has_value()) << "an operator without random nodes: add it to RandomNode";
      const int64_t disorder_us = entry.needs_event_order ? 0 : kDisorderUs;
      const Subject subject{entry, *std::move(node), RandomRows(random, kRows, disorder_us)};
      law(subject, random);
      if (testing::Test::HasFailure()) return;
    }
  }
}

// Ends of batches at random places; where order matters, only between event times.
std::vector<size_t> Cuts(const Subject& subject, Random& random) {
  std::vector<size_t> cuts;
  const uint64_t rarity = 1 + random.Below(20);
  for (size_t row = 1; row < subject.rows.num_rows(); ++row) {
    const bool same_time = subject.rows.origin(row).time == subject.rows.origin(row - 1).time;
    if (subject.entry.needs_event_order && same_time) continue;
    if (random.OneIn(rarity)) cuts.push_back(row);
  }
  cuts.push_back(subject.rows.num_rows());
  return cuts;
}

void FeedAll(const Subject& subject, const std::vector<size_t>& cuts, size_t begin,
             Running& running) {
  for (const size_t end : cuts) {
    if (end <= begin) continue;
    running.Feed(Slice(subject.rows, begin, end));
    begin = end;
  }
}

void ExpectSameDropped(const Dropped& a, const Dropped& b) {
  EXPECT_EQ(a.filtered, b.filtered);
  ASSERT_EQ(a.failed.size(), b.failed.size());
  for (size_t i = 0; i < a.failed.size(); ++i) {
    EXPECT_EQ(a.failed[i].origin, b.failed[i].origin);
    EXPECT_EQ(a.failed[i].reason, b.failed[i].reason);
    EXPECT_EQ(a.failed[i].row, b.failed[i].row);
  }
}

TEST(OperatorLaws, CuttingTheStreamElsewhereChangesNothing) {
  ForEachOperator([](const Subject& subject, Random& random) {
    Running whole(subject.node, RandomSchema());
    whole.Feed(subject.rows);
    Entries whole_entries;
    ApplyChanges(*whole.states, whole_entries);

    Running cut(subject.node, RandomSchema());
    FeedAll(subject, Cuts(subject, random), 0, cut);
    Entries cut_entries;
    ApplyChanges(*cut.states, cut_entries);

    EXPECT_EQ(cut.output_bytes, whole.output_bytes);
    EXPECT_EQ(cut_entries, whole_entries);
    ExpectSameDropped(cut.dropped, whole.dropped);
  });
}

TEST(OperatorLaws, SavingNowAndThenGivesTheSameStateAsSavingOnce) {
  ForEachOperator([](const Subject& subject, Random& random) {
    Running once(subject.node, RandomSchema());
    Running often(subject.node, RandomSchema());
    Entries once_entries, often_entries;
    size_t begin = 0;
    for (const size_t end : Cuts(subject, random)) {
      once.Feed(Slice(subject.rows, begin, end));
      often.Feed(Slice(subject.rows, begin, end));
      begin = end;
      if (random.OneIn(2)) ApplyChanges(*often.states, often_entries);
    }
    ApplyChanges(*once.states, once_entries);
    ApplyChanges(*often.states, often_entries);
    EXPECT_EQ(often_entries, once_entries);
    EXPECT_EQ(often.output_bytes, once.output_bytes);
    size_t num_entries = 0;
    for (const state::DeclaredState* state : often.states->states())
      num_entries += state->num_entries();
    EXPECT_EQ(num_entries, often_entries.size());
  });
}

TEST(OperatorLaws, SaveAndLoadAndGoOnEqualsGoingOn) {
  ForEachOperator([](const Subject& subject, Random& random) {
    const std::vector<size_t> cuts = Cuts(subject, random);
    const size_t saved_at = cuts[random.Below(cuts.size())];
    Running going_on(subject.node, RandomSchema());
    Running first(subject.node, RandomSchema());
    FeedAll(subject, cuts, 0, going_on);
    Entries entries;
    const auto after = std::find(cuts.begin(), cuts.end(), saved_at) + 1;
    FeedAll(subject, std::vector<size_t>(cuts.begin(), after), 0, first);
    ApplyChanges(*first.states, entries);

    Running second(subject.node, RandomSchema());
    second.Load(entries);
    FeedAll(subject, cuts, saved_at, second);
    ApplyChanges(*second.states, entries);
    Entries expected;
    ApplyChanges(*going_on.states, expected);

    EXPECT_EQ(first.output_bytes + second.output_bytes, going_on.output_bytes);
    EXPECT_EQ(entries, expected);
    Dropped dropped = first.dropped;
    dropped.filtered += second.dropped.filtered;
    dropped.failed.insert(dropped.failed.end(), second.dropped.failed.begin(),
                          second.dropped.failed.end());
    ExpectSameDropped(dropped, going_on.dropped);
  });
}

// As a lane does with its commits: at some places between rows, wherever batches end besides.
TEST(OperatorLaws, ForgettingChangesNoRowAndGivesTheSameStateWithAnyCuts) {
  ForEachOperator([](const Subject& subject, Random& random) {
    std::vector<int64_t> watermarks(subject.rows.num_rows() + 1, data::kMaxTime);
    for (size_t row = subject.rows.num_rows(); row-- > 0;) {
      watermarks[row] = std::min(watermarks[row + 1], subject.rows.origin(row).time);
    }
    Running keeping(subject.node, RandomSchema());
    Running forgetting(subject.node, RandomSchema());
    Running loaded(subject.node, RandomSchema());  // made anew from its state at each commit
    std::string loaded_bytes;
    Entries forgetting_entries, loaded_entries;
    keeping.Feed(subject.rows);
    size_t begin = 0;
    for (const size_t commit : Cuts(subject, random)) {
      forgetting.Feed(Slice(subject.rows, begin, commit));
      std::vector<size_t> cuts = Cuts(subject, random);
      std::erase_if(cuts, [commit](size_t cut) { return cut >= commit; });
      cuts.push_back(commit);
      FeedAll(subject, cuts, begin, loaded);
      begin = commit;
      forgetting.op->Forget(watermarks[commit]);
      loaded.op->Forget(watermarks[commit]);
      ApplyChanges(*loaded.states, loaded_entries);
      loaded_bytes += loaded.output_bytes;
      loaded = Running(subject.node, RandomSchema());
      loaded.Load(loaded_entries);
      loaded.op->Forget(watermarks[commit]);
    }
    ApplyChanges(*forgetting.states, forgetting_entries);
    EXPECT_EQ(forgetting.output_bytes, keeping.output_bytes);
    EXPECT_EQ(loaded_bytes, keeping.output_bytes);
    EXPECT_EQ(loaded_entries, forgetting_entries);
  });
}

// Entries as a store of snapshots gives them back, while the next save may be under way.
class Saved final : public state::SavedEntries {
 public:
  explicit Saved(const Entries& entries) : entries_(entries) {}
  absl::Status Get(std::string_view state, std::string_view key, std::string& value) override {
    const auto entry = entries_.find({std::string(state), std::string(key)});
    if (entry == entries_.end()) return absl::NotFoundError("not saved");
    value = entry->second;
    return absl::OkStatus();
  }

 private:
  const Entries& entries_;
};

TEST(OperatorLaws, ValuesThatLeaveMemoryComeBackAsTheyWere) {
  uint64_t num_read = 0;
  ForEachOperator([&num_read](const Subject& subject, Random& random) {
    Running staying(subject.node, RandomSchema());
    Running leaving(subject.node, RandomSchema());
    state::MemoryBudget budget(static_cast<int64_t>(random.OneIn(3) ? 3'000 : 0));
    Entries saved_entries, staying_entries;
    Saved saved(saved_entries);
    leaving.states->LeaveMemory(budget, saved);
    size_t begin = 0;
    bool under_way = false;
    Entries next_entries;  // of the save that is under way
    for (const size_t commit : Cuts(subject, random)) {
      staying.Feed(Slice(subject.rows, begin, commit));
      leaving.Feed(Slice(subject.rows, begin, commit));
      ASSERT_TRUE(leaving.states->spill()->failure().ok()) << leaving.states->spill()->failure();
      begin = commit;
      if (under_way && !random.OneIn(4)) {
        saved_entries = next_entries;
        leaving.states->spill()->SaveEnded();
        under_way = false;
      }
      leaving.states->KeepToBudget();
      if (under_way || random.OneIn(4)) continue;
      leaving.states->spill()->BeginSave();
      ApplyChanges(*leaving.states, next_entries);
      under_way = true;
    }
    ApplyChanges(*leaving.states, next_entries);
    ApplyChanges(*staying.states, staying_entries);
    EXPECT_EQ(leaving.output_bytes, staying.output_bytes);
    EXPECT_EQ(next_entries, staying_entries);
    num_read += leaving.states->spill()->num_read();
  });
  EXPECT_GT(num_read, 300u);
}

TEST(OperatorLaws, EveryRowIsEmittedFilteredOrFailedOnce) {
  ForEachOperator([](const Subject& subject, Random&) {
    Running running(subject.node, RandomSchema());
    const data::Batch output = running.Feed(subject.rows);
    EXPECT_EQ(output.schema(), subject.node.schema);
    std::multiset<data::Origin> seen(running.emitted.begin(), running.emitted.end());
    for (const RowError& error : running.dropped.failed) {
      seen.insert(error.origin);
      EXPECT_FALSE(error.reason.empty());
      EXPECT_EQ(error.row.front(), '{');
    }
    EXPECT_EQ(seen.size() + running.dropped.filtered, subject.rows.num_rows());
    for (const data::Origin& origin : subject.rows.origins()) EXPECT_LE(seen.count(origin), 1u);
    EXPECT_TRUE(std::is_sorted(running.emitted.begin(), running.emitted.end(),
                               [](const auto& a, const auto& b) { return a.offset < b.offset; }));
    const std::set<data::Origin> given(subject.rows.origins().begin(),
                                       subject.rows.origins().end());
    for (const data::Origin& origin : seen) EXPECT_TRUE(given.contains(origin));
  });
}

TEST(OperatorLaws, AStateThatIsTornOrAlteredInLengthIsRefused) {
  ForEachOperator([](const Subject& subject, Random& random) {
    Running running(subject.node, RandomSchema());
    running.Feed(subject.rows);
    Entries entries;
    ApplyChanges(*running.states, entries);
    for (const auto& [name, value] : entries) {
      Running fresh(subject.node, RandomSchema());
      state::DeclaredState* state = fresh.states->Find(name.first);
      const size_t length = random.Below(value.size());
      EXPECT_EQ(state->Load(name.second, value.substr(0, length)).code(),
                absl::StatusCode::kDataLoss);
      EXPECT_EQ(state->Load(name.second, value + "x").code(), absl::StatusCode::kDataLoss);
      EXPECT_EQ(state->num_entries(), 0u);
    }
  });
}

}  // namespace
}  // namespace streamml::operators
