// A model whose trainer stands in another lane than those that score: laws over every learner in
// the table, with hashed names and with a dictionary.
#include <functional>
#include <random>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/worker/learn/support.h"
#include "worker/data/row_codec.h"
#include "worker/operators/model.h"
#include "worker/operators/score.h"
#include "worker/operators/train.h"

namespace streamml::operators {
namespace {

using data::Type;
using learn::AppendCell;
using learn::Cells;
using learn::LearnerEntry;
using learn::Null;
using learn::SavedStates;
using testing::HasSubstr;

constexpr int64_t kStep = 100'000;  // microseconds between rows
constexpr size_t kNumRows = 300;

std::shared_ptr<const data::Schema> RowSchema() {
  return std::make_shared<const data::Schema>(std::vector<data::Field>{{"at", Type::kTimestamp},
                                                                       {"a", Type::kDouble},
                                                                       {"c", Type::kText},
                                                                       {"label", Type::kBigint}},
                                              /*time_column=*/0);
}

std::shared_ptr<const data::Schema> ScoredRowSchema() {
  std::vector<data::Field> fields = RowSchema()->fields();
  fields.push_back({"score", Type::kDouble});
  fields.push_back({"model_version", Type::kBigint});
  return std::make_shared<const data::Schema>(std::move(fields), 0);
}

Cells Row(size_t number, std::mt19937_64& random) {
  const double a = static_cast<double>(random() % 1000) / 100 - 5;
  Cells row = {static_cast<int64_t>(number) * kStep, a, "v" + std::to_string(random() % 30),
               static_cast<int64_t>(a > 0 ? 1 : 0)};
  if (random() % 10 == 0) row[2] = Null{};
  if (random() % 10 == 0) row[3] = Null{};
  if (random() % 40 == 0) row[3] = int64_t{7};
  return row;
}

std::vector<Cells> Rows() {
  std::mt19937_64 random(3);
  std::vector<Cells> rows;
  for (size_t i = 0; i < kNumRows; ++i) rows.push_back(Row(i, random));
  return rows;
}

// Rows [begin, end); with `scored`, as if each had been given the score 0.25.
data::Batch BatchOf(const std::vector<Cells>& rows, size_t begin, size_t end, bool scored) {
  data::BatchBuilder builder(scored ? ScoredRowSchema() : RowSchema());
  for (size_t i = begin; i < end; ++i) {
    builder.AddOrigin({.time = static_cast<int64_t>(i) * kStep, .offset = i});
    for (size_t column = 0; column < 4; ++column)
      AppendCell(rows[i][column], builder.column(column));
    if (!scored) continue;
    builder.column(4).AppendDouble(0.25);
    builder.column(5).AppendInteger(0);
  }
  return builder.Finish();
}

ModelSpec SpecOf(const LearnerEntry& entry, int hash_bits) {
  return {.name = "m",
          .features = {.numeric = {"a"},
                       .scale = learn::Scale::kStandard,
                       .categorical = {{"c"}},
                       .hash_bits = hash_bits},
          .learner = entry.name,
          .label = "label",
          .metrics = {"logloss"}};
}

void ForEachModel(const std::function<void(const ModelSpec&)>& check) {
  for (const LearnerEntry& entry : learn::LearnerTable()) {
    for (const int hash_bits : {0, 5, 18}) {
      SCOPED_TRACE(entry.name + ", hash bits " + std::to_string(hash_bits));
      check(SpecOf(entry, hash_bits));
    }
  }
}

template <typename Made>
struct Home {
  state::StateSet states;
  std::unique_ptr<Made> made;
};

std::unique_ptr<Home<TrainOperator>> MakeTrainer(const ModelSpec& spec, bool always,
                                                 int64_t every_us = 1'000'000) {
  auto home = std::make_unique<Home<TrainOperator>>();
  auto made = TrainOperator::Make(spec, {every_us, always}, ScoredRowSchema(),
                                  {"m", "train", &home->states});
  EXPECT_TRUE(made.ok()) << made.status();
  home->made = *std::move(made);
  return home;
}

std::unique_ptr<Home<ScoreOperator>> MakeScorer(const ModelSpec& spec) {
  auto home = std::make_unique<Home<ScoreOperator>>();
  auto made = ScoreOperator::Make(spec, RowSchema(), {"m", "score", &home->states});
  EXPECT_TRUE(made.ok()) << made.status();
  home->made = *std::move(made);
  return home;
}

// What the trainer sends for rows [begin, end), cut into batches of random size, with frontiers
// told between some; then the frontier at the end of time.
std::string Versions(TrainOperator& trainer, const std::vector<Cells>& rows, size_t begin,
                     size_t end, uint64_t seed, bool to_the_end) {
  std::mt19937_64 random(seed);
  std::string sent;
  const auto take = [&sent](const absl::StatusOr<data::Batch>& batch) {
    ASSERT_TRUE(batch.ok()) << batch.status();
    for (size_t row = 0; row < batch->num_rows(); ++row) data::EncodeRow(*batch, row, sent);
  };
  while (begin < end) {
    const size_t next = std::min<size_t>(end, begin + random() % 30);
    Dropped dropped;
    take(trainer.Process(BatchOf(rows, begin, next, /*scored=*/true), dropped));
    begin = next;
    if (random() % 2 == 0) take(trainer.AtFrontier(static_cast<int64_t>(begin) * kStep));
  }
  if (to_the_end) take(trainer.AtFrontier(data::kMaxTime));
  return sent;
}

// Kills: an entry that changed and is not in a version; one that a snapshot took away from the next
// version; learning in another order of scaler and weights than inline; an example on the wrong
// side of a boundary.
TEST(TrainApartTest, AVersionScoresAsTheModelThatLearnedItsExamplesInline) {
  const std::vector<Cells> rows = Rows();
  ForEachModel([&](const ModelSpec& spec) {
    const auto trainer = MakeTrainer(spec, /*always=*/true);
    const auto scorer = MakeScorer(spec);
    const auto inline_home = std::make_unique<Home<ModelOperator>>();
    inline_home->made =
        *ModelOperator::Make(spec, RowSchema(), {"m", "model", &inline_home->states});
    SavedStates saved;
    std::vector<Cells> probe = {rows[7]};
    probe[0][3] = Null{};  // scored, not learned
    for (size_t second = 0; second < kNumRows / 10; ++second) {
      Dropped dropped;
      const size_t begin = second * 10, end = begin + 10;
      ASSERT_TRUE(inline_home->made->Process(BatchOf(rows, begin, end, false), dropped).ok());
      const data::Batch none =
          *trainer->made->Process(BatchOf(rows, begin, end, /*scored=*/true), dropped);
      EXPECT_EQ(none.num_rows(), 0u);
      learn::Save(trainer->states, saved);
      const data::Batch version = *trainer->made->AtFrontier(static_cast<int64_t>(end) * kStep);
      ASSERT_GT(version.num_rows(), 0u);
      EXPECT_EQ(version.origin(0).time, static_cast<int64_t>(end) * kStep);
      ASSERT_TRUE(scorer->made->TakeSide(version).ok());
      const data::Batch expected =
          *inline_home->made->Process(BatchOf(probe, 0, 1, false), dropped);
      const data::Batch seen = *scorer->made->Process(BatchOf(probe, 0, 1, false), dropped);
      EXPECT_EQ(seen.column(4).Double(0), expected.column(4).Double(0)) << "second " << second;
      EXPECT_EQ(seen.column(5).Integer(0), expected.column(5).Integer(0));
    }
    EXPECT_EQ(trainer->made->Report().examples, inline_home->made->Report().examples);
  });
}

// Kills: versions that follow batches or told frontiers instead of event time.
TEST(TrainApartTest, CuttingElsewhereSendsTheSameVersions) {
  const std::vector<Cells> rows = Rows();
  ForEachModel([&](const ModelSpec& spec) {
    for (const bool always : {true, false}) {
      const auto first = MakeTrainer(spec, always);
      const auto second = MakeTrainer(spec, always);
      const std::string sent = Versions(*first->made, rows, 0, kNumRows, 1, true);
      EXPECT_FALSE(sent.empty());
      EXPECT_TRUE(sent == Versions(*second->made, rows, 0, kNumRows, 2, true));
      SavedStates first_saved, second_saved;
      learn::Save(first->states, first_saved);
      learn::Save(second->states, second_saved);
      EXPECT_TRUE(first_saved == second_saved);
    }
  });
}

// Kills: what is to be sent, or how much has come, kept outside declared state.
TEST(TrainApartTest, SaveLoadAndGoOnEqualsGoingOn) {
  const std::vector<Cells> rows = Rows();
  ForEachModel([&](const ModelSpec& spec) {
    const auto whole = MakeTrainer(spec, /*always=*/false);
    const auto restored = MakeTrainer(spec, /*always=*/false);
    SavedStates saved;
    for (size_t begin = 0; begin < 150; begin += 15) {  // ends between two versions
      Versions(*whole->made, rows, begin, begin + 15, begin, false);
      learn::Save(whole->states, saved);
    }
    learn::Restore(saved, restored->states);
    const std::string sent = Versions(*whole->made, rows, 150, kNumRows, 5, true);
    EXPECT_TRUE(sent == Versions(*restored->made, rows, 150, kNumRows, 6, true));
    EXPECT_EQ(whole->made->Report().examples, restored->made->Report().examples);
  });
}

// Kills: the part of a version that has come is adopted, or lost with the process.
TEST(TrainApartTest, AVersionIsAdoptedWholeAlsoWhenItComesInPartsAndTheScorerIsRestored) {
  const std::vector<Cells> rows = Rows();
  ForEachModel([&](const ModelSpec& spec) {
    const auto trainer = MakeTrainer(spec, /*always=*/true, /*every_us=*/1'000'000'000);
    Dropped dropped;
    ASSERT_TRUE(trainer->made->Process(BatchOf(rows, 0, 100, /*scored=*/true), dropped).ok());
    const data::Batch version = *trainer->made->AtFrontier(data::kMaxTime);
    ASSERT_GT(version.num_rows(), 2u);
    const auto part = [&version](uint32_t begin, size_t end) {
      std::vector<uint32_t> numbers;
      for (uint32_t i = begin; i < end; ++i) numbers.push_back(i);
      return data::Take(version, numbers);
    };
    const auto scorer = MakeScorer(spec);
    SavedStates saved;
    ASSERT_TRUE(scorer->made->TakeSide(part(0, 2)).ok());
    const data::Batch before = *scorer->made->Process(BatchOf(rows, 0, 1, false), dropped);
    EXPECT_EQ(before.column(4).Double(0), 0.5);
    EXPECT_EQ(before.column(5).Integer(0), 0);
    learn::Save(scorer->states, saved);
    const auto restored = MakeScorer(spec);
    learn::Restore(saved, restored->states);
    ASSERT_TRUE(scorer->made->TakeSide(part(2, version.num_rows())).ok());
    ASSERT_TRUE(restored->made->TakeSide(part(2, version.num_rows())).ok());
    const data::Batch expected = *scorer->made->Process(BatchOf(rows, 0, 20, false), dropped);
    const data::Batch seen = *restored->made->Process(BatchOf(rows, 0, 20, false), dropped);
    EXPECT_EQ(seen.column(5).Integer(0), static_cast<int64_t>(trainer->made->Report().examples));
    EXPECT_EQ(seen.column(4).doubles(), expected.column(4).doubles());
    SavedStates restored_saved = saved;
    learn::Save(scorer->states, saved);
    learn::Save(restored->states, restored_saved);
    EXPECT_TRUE(saved == restored_saved);
  });
}

// With a page of 1 KiB for each of 18 hash bits' features, some dozens of examples pay for one.
TEST(TrainApartTest, AVersionThatCostsMoreThanItsExamplesIsHeldBackButNotForEver) {
  const std::vector<Cells> rows = Rows();
  const ModelSpec spec = SpecOf(learn::LearnerTable().front(), 18);
  const auto count = [&](bool always) {
    const auto trainer = MakeTrainer(spec, always, /*every_us=*/200'000);  // two rows
    Dropped dropped;
    const data::Batch sent =
        *trainer->made->Process(BatchOf(rows, 0, kNumRows, /*scored=*/true), dropped);
    size_t versions = 0;
    for (size_t row = 0; row < sent.num_rows(); ++row) versions += sent.column(4).Boolean(row);
    return versions;
  };
  EXPECT_GT(count(true), kNumRows / 2 - 20);
  EXPECT_LT(count(false), count(true) / 2);
  EXPECT_GE(count(false), kNumRows / 2 / 11);
}

TEST(TrainApartTest, WhatTheTrainerNeedsIsSaid) {
  const ModelSpec spec = SpecOf(learn::LearnerTable().front(), 5);
  state::StateSet states;
  const auto made = [&](const std::shared_ptr<const data::Schema>& schema) {
    return std::string(
        TrainOperator::Make(spec, {}, schema, {"m", "train", &states}).status().message());
  };
  EXPECT_THAT(made(RowSchema()), HasSubstr("train from 'm' or from a view on it"));
  EXPECT_THAT(made(std::make_shared<const data::Schema>(ScoredRowSchema()->fields())),
              HasSubstr("needs examples with event time"));
  EXPECT_TRUE(states.states().empty());
}

}  // namespace
}  // namespace streamml::operators
