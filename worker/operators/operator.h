// The operator contract: one step of a stage, fed with batches by its lane.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "worker/data/batch.h"
#include "worker/sql/plan.h"
#include "worker/state/state.h"

namespace streamml::operators {

// A row that failed: it is missing from the output and goes to the dead-letter relation.
struct RowError {
  data::Origin origin;
  std::string reason;  // "division by zero in column 'rate'"
  std::string
      row;  // the operator's input row as JSON-like text "{name: value, ...}"; see MakeRowError
};

// What happened to rows that did not reach the output of one Process call.
struct Dropped {
  uint64_t filtered = 0;
  std::vector<RowError> failed;
};

// Promises each operator keeps (laws in tests/worker/operators):
//  - batches are cut at random, except that in a stage in event order all rows of one event time
//  are in
//    one batch; cutting elsewhere changes no output row, no state byte, no error;
//  - rows arrive in order of origin (in event order) or in the lane's journalled order (on
//  arrival);
//  - no clock, no randomness, no threads; nothing emitted or summed in hash-map order;
//  - output rows keep their origin; every input row is emitted, filtered or failed, exactly once;
//  - all that is kept between calls is in declared state.
// Not thread-safe; belongs to one lane.
class Operator {
 public:
  virtual ~Operator() = default;
  // A status is for what ends the lane (INTERNAL, RESOURCE_EXHAUSTED), never for a row.
  virtual absl::StatusOr<data::Batch> Process(const data::Batch& input, Dropped& dropped) = 0;
  // Rows of the operator's side input, between those rows of its input where the lane has them.
  // Cutting them elsewhere changes nothing either. Only operators that have one.
  virtual absl::Status TakeSide(const data::Batch& /*rows*/) {
    return absl::InternalError("the operator has no side input");
  }
  // In stages in event order: all rows older than `frontier`, which never falls, have been
  // processed. Rows that are due by then, or none. How often it is asked shows in no row that comes
  // out, only in when it comes.
  virtual absl::StatusOr<data::Batch> AtFrontier(int64_t /*frontier*/) { return data::Batch(); }
  // Once with each commit: no row older than `watermark`, which never falls, will come. What only
  // such a row would need may go; no row that comes out depends on it, and the state only on when
  // it is called.
  virtual void Forget(int64_t /*watermark*/) {}
  virtual std::shared_ptr<const data::Schema> output_schema() const = 0;
};

// Where an operator stands: names its states.
struct OperatorContext {
  std::string owner;                  // view or model
  std::string name;                   // unique in the owner: "window0"
  state::StateSet* states = nullptr;  // not null; outlives the operator
};

// One kind of plan node and how its operator is made. `make` may fail with INVALID_ARGUMENT only.
struct OperatorEntry {
  sql::Node::Kind kind;
  const char* name;  // as `explain` prints it
  bool needs_event_order;
  absl::StatusOr<std::unique_ptr<Operator>> (*make)(
      const sql::Node& node, const std::shared_ptr<const data::Schema>& input,
      const OperatorContext& context);
};

// All operators of plan nodes, one line each in table.cc.
const std::vector<OperatorEntry>& OperatorTable();
const OperatorEntry* FindOperator(sql::Node::Kind kind);

}  // namespace streamml::operators
