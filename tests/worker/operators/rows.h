// Batches from values and back to text, and operators driven over them.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "worker/data/batch.h"
#include "worker/operators/operator.h"
#include "worker/sql/expression.h"
#include "worker/state/state.h"

namespace streamml::operators {

struct InputRow {
  int64_t time = 0;
  std::vector<sql::Value> values;
};

// Row i has the origin {time, 0, 0, first_offset + i}.
data::Batch MakeRows(const std::shared_ptr<const data::Schema>& schema,
                     const std::vector<InputRow>& rows, uint64_t first_offset = 0);
// The rows [begin, end) of a batch.
data::Batch Slice(const data::Batch& batch, size_t begin, size_t end);
// "1, 'text', NULL" for each row.
std::vector<std::string> Show(const data::Batch& batch);

// Entries of states, by state id and key.
using Entries = std::map<std::pair<std::string, std::string>, std::string>;
// Applies what changed since the last call, and expects each key once.
void ApplyChanges(const state::StateSet& states, Entries& entries);

// An operator with states of its own, and all that came out of it.
struct Running {
  std::unique_ptr<state::StateSet> states = std::make_unique<state::StateSet>();
  std::unique_ptr<Operator> op;

  std::string output_bytes;  // encoded rows
  std::vector<data::Origin> emitted;
  Dropped dropped;

  // Makes the operator of `node`; expects success.
  Running(const sql::Node& node, const std::shared_ptr<const data::Schema>& input);
  // Expects success.
  data::Batch Feed(const data::Batch& batch);
  void Load(const Entries& entries);
};

}  // namespace streamml::operators
