// Fixtures of the learning tests: states saved to bytes and back, and batches written as rows.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "gtest/gtest.h"
#include "worker/data/batch.h"
#include "worker/state/state.h"

namespace streamml::learn {

// All entries of all states of a set, by state and key.
using SavedStates = std::map<std::pair<std::string, std::string>, std::string>;

// Takes the changes of every state, as a commit does, and applies them to `saved`.
inline void Save(const state::StateSet& states, SavedStates& saved) {
  class Sink final : public state::ChangeSink {
   public:
    Sink(std::string state, SavedStates& into) : state_(std::move(state)), into_(into) {}
    void Put(std::string_view key, std::string_view value) override {
      into_[{state_, std::string(key)}] = std::string(value);
    }
    void Delete(std::string_view key) override { into_.erase({state_, std::string(key)}); }

   private:
    std::string state_;
    SavedStates& into_;
  };
  for (state::DeclaredState* state : states.states()) {
    Sink sink(state->id().ToString(), saved);
    state->TakeChanges(sink);
  }
}

inline void Restore(const SavedStates& saved, const state::StateSet& states) {
  for (const auto& [id, value] : saved) {
    state::DeclaredState* state = states.Find(id.first);
    ASSERT_NE(state, nullptr) << "no state " << id.first;
    ASSERT_TRUE(state->Load(id.second, value).ok()) << id.first;
  }
}

struct Null {};
using Cell = std::variant<Null, bool, int64_t, double, std::string>;
using Cells = std::vector<Cell>;

inline void AppendCell(const Cell& cell, data::Column& column) {
  if (std::holds_alternative<bool>(cell)) return column.AppendBoolean(std::get<bool>(cell));
  if (std::holds_alternative<int64_t>(cell)) return column.AppendInteger(std::get<int64_t>(cell));
  if (std::holds_alternative<double>(cell)) return column.AppendDouble(std::get<double>(cell));
  if (std::holds_alternative<std::string>(cell))
    return column.AppendText(std::get<std::string>(cell));
  column.AppendNull();
}

// Rows [begin, end) as one batch; offsets are row numbers.
inline data::Batch ToBatch(const std::shared_ptr<const data::Schema>& schema,
                           const std::vector<Cells>& rows, size_t begin, size_t end) {
  data::BatchBuilder builder(schema);
  for (size_t row = begin; row < end; ++row) {
    builder.AddOrigin({.time = 0, .source = 0, .partition = 0, .offset = row});
    for (size_t i = 0; i < schema->size(); ++i) AppendCell(rows[row][i], builder.column(i));
  }
  return builder.Finish();
}

inline data::Batch ToBatch(const std::shared_ptr<const data::Schema>& schema,
                           const std::vector<Cells>& rows) {
  return ToBatch(schema, rows, 0, rows.size());
}

inline std::shared_ptr<const data::Schema> MakeSchema(std::vector<data::Field> fields) {
  return std::make_shared<const data::Schema>(std::move(fields));
}

}  // namespace streamml::learn
