#include "worker/sql/internal/window_definition.h"

#include <algorithm>
#include <array>

#include "base/status.h"
#include "worker/sql/internal/error.h"
#include "worker/sql/internal/interval.h"
#include "worker/sql/internal/suggestion.h"

namespace streamml::sql::internal {
namespace {

// FRAMEOPTION_* of PostgreSQL's parsenodes.h.
enum FrameOption : int64_t {
  kNonDefault = 0x1,
  kRange = 0x2,
  kRows = 0x4,
  kGroups = 0x8,
  kEndCurrentRow = 0x400,
  kStartOffsetPreceding = 0x800,
  kExclusions = 0x8000 | 0x10000 | 0x20000,
};

constexpr std::string_view kFrameAdvice = "write RANGE INTERVAL '1 hour' PRECEDING";

int64_t FrameOptions(const WindowDefinition& definition) {
  return definition.frame == nullptr ? 0 : (*definition.frame)["frameOptions"].number();
}

// The event time column must be the one thing to order by.
absl::Status CheckOrder(const WindowDefinition& definition, const Scope& scope,
                        CopyBudget& budget) {
  const int time = scope.schema.time_column();
  if (time == data::Schema::kNoTime) {
    return ErrorAt(definition.position,
                   "this relation has no event time, so it has no windows; give its source ",
                   "a watermark column, and pass that column on unchanged through every view");
  }
  const std::string name = QuoteName(scope.schema.field(static_cast<size_t>(time)).name);
  if (definition.order == nullptr) {
    return ErrorAt(definition.position, "the window has no ORDER BY; write ORDER BY ", name, " ",
                   kFrameAdvice.substr(6));
  }
  const std::vector<Tree>& items = definition.order->items();
  const Tree& sort = items[0]["SortBy"];
  const int position = sort["node"].Position(definition.position);
  ExpressionAnalyzer analyzer({scope, budget, "ORDER BY of a window"});
  ASSIGN_OR_RETURN(const Typed key, analyzer.Analyze(sort["node"]));
  const bool is_time = key.expression.kind == Expression::Kind::kColumn &&
                       key.expression.column == static_cast<size_t>(time);
  if (!is_time || items.size() > 1) {
    return ErrorAt(is_time ? items[1].Position(position) : position,
                   "ORDER BY of a window must be the event time column ", name);
  }
  if (sort["sortby_dir"].text() != "SORTBY_DEFAULT" && sort["sortby_dir"].text() != "SORTBY_ASC") {
    return ErrorAt(position, "ORDER BY ", name,
                   " DESC is not supported: windows look back; leave DESC out");
  }
  if (sort["sortby_nulls"].text() != "SORTBY_NULLS_DEFAULT") {
    return ErrorAt(
        position,
        "NULLS FIRST and NULLS LAST are not supported: event time is never NULL; leave it out");
  }
  return absl::OkStatus();
}

absl::Status CheckFrameKind(const WindowDefinition& definition) {
  const int64_t options = FrameOptions(definition);
  const int position = definition.position;
  if ((options & kNonDefault) == 0) {
    return ErrorAt(position, "the window has no frame, so it would keep every row for ever; ",
                   kFrameAdvice);
  }
  if ((options & kRows) != 0)
    return ErrorAt(position, "ROWS frames are not supported: ", kFrameAdvice);
  if ((options & kGroups) != 0)
    return ErrorAt(position, "GROUPS frames are not supported: ", kFrameAdvice);
  if ((options & kExclusions) != 0) {
    return ErrorAt(position,
                   "EXCLUDE is not supported: rows of the same event time belong to the frame");
  }
  if ((options & kStartOffsetPreceding) == 0) {
    return ErrorAt(position, "the frame must begin at an interval before the current row; ",
                   kFrameAdvice);
  }
  if ((options & kEndCurrentRow) == 0) {
    return ErrorAt(position, "the frame must end at the current row; ", kFrameAdvice);
  }
  return absl::OkStatus();
}

absl::StatusOr<int64_t> ReadPreceding(const WindowDefinition& definition, const Scope& scope,
                                      CopyBudget& budget) {
  RETURN_IF_ERROR(CheckFrameKind(definition));
  const Tree& node = (*definition.frame)["startOffset"];
  const int position = node.Position(definition.position);
  ExpressionAnalyzer analyzer({scope, budget, "a window frame"});
  ASSIGN_OR_RETURN(const Typed offset, analyzer.Analyze(node));
  int64_t microseconds = 0;
  const auto* text = std::get_if<std::string>(&offset.expression.constant);
  if (offset.form == Typed::Form::kInterval) {
    microseconds = std::get<int64_t>(offset.expression.constant);
  } else if (offset.form == Typed::Form::kLiteral && text != nullptr) {
    ASSIGN_OR_RETURN(microseconds, ParseInterval(*text, position));
  } else {
    return ErrorAt(position, "a RANGE frame over event time takes a constant interval, not ",
                   offset.type_name(), "; write INTERVAL '1 hour'");
  }
  if (microseconds < 0) return ErrorAt(position, "the interval of a frame must not be negative");
  return microseconds;
}

}  // namespace

const WindowDefinition* WindowCatalog::FindByName(std::string_view name) const {
  for (const WindowDefinition& window : windows_) {
    if (window.name == name) return &window;
  }
  return nullptr;
}

absl::Status WindowCatalog::UnknownWindow(std::string_view name, int position) const {
  std::vector<std::string> names;
  names.reserve(windows_.size());
  for (const WindowDefinition& window : windows_) names.push_back(window.name);
  return ErrorAt(position, "unknown window ", QuoteName(name), DidYouMean(name, names));
}

// PostgreSQL's rules (transformWindowDefinitions): a copy may add ORDER BY and frame, not replace.
absl::StatusOr<WindowDefinition> WindowCatalog::Inherit(const Tree& window, int position) const {
  WindowDefinition definition;
  definition.name = window["name"].text();
  definition.position = window.Position(position);
  if (const std::string& base_name = window["refname"].text(); !base_name.empty()) {
    const WindowDefinition* base = FindByName(base_name);
    if (base == nullptr) return UnknownWindow(base_name, definition.position);
    const std::string quoted = QuoteName(base_name);
    if (window["partitionClause"].present()) {
      return ErrorAt(definition.position, "cannot override PARTITION BY of window ", quoted);
    }
    if (base->order != nullptr && window["orderClause"].present()) {
      return ErrorAt(definition.position, "cannot override ORDER BY of window ", quoted);
    }
    if ((FrameOptions(*base) & kNonDefault) != 0) {
      return ErrorAt(definition.position, "cannot copy window ", quoted,
                     " because it has a frame; write OVER ", quoted,
                     " without parentheses, or move the frame here");
    }
    definition.partition = base->partition;
    definition.order = base->order;
  }
  if (window["partitionClause"].present()) definition.partition = &window["partitionClause"];
  if (window["orderClause"].present()) definition.order = &window["orderClause"];
  definition.frame = &window;
  return definition;
}

absl::Status WindowCatalog::ReadClause(const Tree& window_clause) {
  for (const Tree& node : window_clause.items()) {
    const Tree& window = node["WindowDef"];
    ASSIGN_OR_RETURN(WindowDefinition definition, Inherit(window, window.Position()));
    if (FindByName(definition.name) != nullptr) {
      return ErrorAt(definition.position, "window ", QuoteName(definition.name),
                     " is defined twice");
    }
    windows_.push_back(std::move(definition));
  }
  return absl::OkStatus();
}

absl::StatusOr<WindowDefinition> WindowCatalog::Find(const Tree& over, int position) const {
  if (const std::string& name = over["name"].text(); !name.empty()) {
    const WindowDefinition* window = FindByName(name);
    if (window == nullptr) return UnknownWindow(name, over.Position(position));
    return *window;
  }
  return Inherit(over, position);
}

absl::StatusOr<Window> ReadWindow(const WindowDefinition& definition, const Scope& scope,
                                  CopyBudget& budget) {
  Window window;
  std::vector<std::string> texts;
  RETURN_IF_ERROR(CheckOrder(definition, scope, budget));
  ASSIGN_OR_RETURN(window.preceding_us, ReadPreceding(definition, scope, budget));
  if (definition.partition == nullptr) return window;
  for (const Tree& node : definition.partition->items()) {
    ExpressionAnalyzer analyzer({scope, budget, "PARTITION BY"});
    ASSIGN_OR_RETURN(Typed typed, analyzer.Analyze(node));
    ASSIGN_OR_RETURN(Expression key, SettleAny(std::move(typed), "PARTITION BY"));
    std::string text = ToString(key, scope.schema);
    if (std::find(texts.begin(), texts.end(), text) != texts.end()) continue;
    texts.push_back(std::move(text));
    window.partition.push_back(std::move(key));
  }
  return window;
}

}  // namespace streamml::sql::internal
