// Windows that answer each row as it comes: what is in a frame when rows are out of order, and a
// plain recomputation on random ones.
//
// Mutants that were planted and killed here: a row before the latest one's frame put among the
// recent rows; rows forgotten by their key's latest time in place of the watermark; the answers of
// an older row taken over rows later than it.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "tests/support/random.h"
#include "tests/worker/operators/rows.h"
#include "tests/worker/operators/window_cases.h"

namespace streamml::operators {
namespace {

sql::Node OnArrival(sql::Node node) {
  sql::AnswerOnArrival(node);
  return node;
}

TEST(ArrivalWindow, InOrderItAnswersAsInEventOrder) {
  Running window(OnArrival(BigintNode(100)), WindowSchema());
  EXPECT_EQ(
      WindowLines(window, {WindowInput(0, "a", int64_t{5}), WindowInput(100, "a", int64_t{3}),
                           WindowInput(101, "a", int64_t{9}), WindowInput(500, "a", int64_t{1})}),
      (Lines{"1, 1, 5, 5, 5, 5", "2, 2, 8, 4, 3, 5", "2, 2, 12, 6, 3, 9", "1, 1, 1, 1, 1, 1"}));
}

TEST(ArrivalWindow, PeersThatComeLaterAreNotSeen) {
  Running window(OnArrival(BigintNode(10)), WindowSchema());
  EXPECT_EQ(WindowLines(window, {WindowInput(7, "a", int64_t{1}), WindowInput(7, "a", int64_t{2})}),
            (Lines{"1, 1, 1, 1, 1, 1", "2, 2, 3, 1.5, 1, 2"}));
}

TEST(ArrivalWindow, AnOlderRowSeesWhatWasBeforeItAndIsSeenByLaterOnes) {
  Running window(OnArrival(BigintNode(10)), WindowSchema());
  EXPECT_EQ(
      WindowLines(window, {WindowInput(0, "a", int64_t{1}), WindowInput(20, "a", int64_t{2}),
                           WindowInput(8, "a", int64_t{4}), WindowInput(15, "a", int64_t{8}),
                           WindowInput(21, "a", int64_t{16}), WindowInput(18, "a", int64_t{32})}),
      (Lines{"1, 1, 1, 1, 1, 1", "1, 1, 2, 2, 2, 2", "2, 2, 5, 2.5, 1, 4", "2, 2, 12, 6, 4, 8",
             "3, 3, 26, 8.666666666666666, 2, 16", "3, 3, 44, 14.666666666666666, 4, 32"}));
}

TEST(ArrivalWindow, WhatTheWatermarkHasPassedIsForgottenAndNothingElse) {
  Running window(OnArrival(BigintNode(1'000'000)), WindowSchema());
  WindowLines(window,
              {WindowInput(1'000'000, "a", int64_t{1}), WindowInput(30'000'000, "a", int64_t{2}),
               WindowInput(2'000'000, "b", int64_t{3})});
  const state::DeclaredState& rows = *window.states->states()[0];
  window.op->Forget(2'000'000);
  EXPECT_EQ(rows.num_entries(), 2u);
  EXPECT_EQ(WindowLines(window, {WindowInput(2'000'000, "a", int64_t{4})}),
            (Lines{"2, 2, 5, 2.5, 1, 4"}));
  window.op->Forget(20'000'000);
  EXPECT_EQ(rows.num_entries(), 1u);
  EXPECT_EQ(WindowLines(window, {WindowInput(20'000'000, "a", int64_t{8}),
                                 WindowInput(30'000'000, "a", int64_t{16})}),
            (Lines{"1, 1, 8, 8, 8, 8", "2, 2, 18, 9, 2, 16"}));
  Entries entries;
  ApplyChanges(*window.states, entries);
  const size_t with_two_old_rows = entries.begin()->second.size();
  window.op->Forget(30'000'000);
  WindowLines(window, {WindowInput(30'000'000, "a", int64_t{32})});
  ApplyChanges(*window.states, entries);
  EXPECT_LT(entries.begin()->second.size(), with_two_old_rows + 8);  // old rows went
}

TEST(ArrivalWindow, AgreesWithAPlainRecomputationOverWhatHasCome) {
  support::Random random(21);
  for (int round = 0; round < 20; ++round) {
    const int64_t delay = static_cast<int64_t>(random.Below(300));
    const int64_t preceding = static_cast<int64_t>(random.Below(100));
    Running window(OnArrival(SumNode(preceding)), WindowSchema());
    std::vector<InputRow> seen;
    int64_t time = -1000;
    for (int i = 0; i < 400; ++i) {
      time += static_cast<int64_t>(random.Below(8));
      const int64_t at =
          random.OneIn(3)
              ? time - static_cast<int64_t>(random.Below(1 + static_cast<uint64_t>(delay)))
              : time;
      const std::string key(1, static_cast<char>('a' + random.Below(3)));
      const double x =
          (random.Unit() - 0.5) * std::exp2(static_cast<double>(random.Between(-60, 60)));
      seen.push_back(WindowInput(at, key, kNull, x));
      if (random.OneIn(5)) window.op->Forget(time - delay);
      std::vector<std::pair<int64_t, double>> frame;
      for (const InputRow& each : seen) {
        if (each.values[0] != seen.back().values[0]) continue;
        if (each.time > at || each.time < at - preceding) continue;
        frame.emplace_back(each.time, std::get<double>(each.values[2]));
      }
      std::stable_sort(frame.begin(), frame.end(),
                       [](const auto& a, const auto& b) { return a.first < b.first; });
      const data::Batch output =
          window.Feed(MakeRows(WindowSchema(), {seen.back()}, static_cast<uint64_t>(i)));
      ASSERT_EQ(output.column(4).Double(0), SumByDefinition(frame)) << "row " << i;
    }
  }
}

}  // namespace
}  // namespace streamml::operators
