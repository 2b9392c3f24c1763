// SQL text -> checked plan. The only module that sees libpg_query.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "absl/container/btree_map.h"
#include "absl/status/statusor.h"
#include "worker/data/schema.h"
#include "worker/sql/plan.h"

namespace streamml::sql {

// Relations a query may read, by name. Names of dead-letter relations hold a dot: "payments.dead"
// is found under that text when written as payments.dead in FROM.
using Catalog = absl::btree_map<std::string, data::Schema>;

// Parses, resolves and types one SELECT. INVALID_ARGUMENT for wrong or unsupported SQL; the message
// says what was seen and what to write instead, and ErrorOffset() gives its place.
absl::StatusOr<std::unique_ptr<Node>> Analyze(std::string_view sql, const Catalog& catalog);

// Byte offset in the SQL text of an error from Analyze, or -1 when there is none.
int ErrorOffset(const absl::Status& status);

// The relation in FROM that the catalog has not, if an error from Analyze says so, or "". FROM is
// resolved first: the query may hold other mistakes.
std::string UnknownRelation(const absl::Status& status);

}  // namespace streamml::sql
