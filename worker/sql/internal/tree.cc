#include "worker/sql/internal/tree.h"

#include <pg_query.h>
#include <simdjson.h>

#include <algorithm>
#include <memory>

#include "worker/sql/internal/error.h"
#include "worker/sql/internal/text.h"

namespace streamml::sql::internal {

namespace json = simdjson::dom;

// Turns JSON into trees. The parser has bounded the depth already.
class TreeReader {
 public:
  static Tree Read(const json::element& element) {
    Tree tree;
    tree.present_ = true;
    switch (element.type()) {
      case json::element_type::OBJECT:
        ReadObject(element.get_object().value_unsafe(), tree);
        break;
      case json::element_type::ARRAY:
        ReadList(element.get_array().value_unsafe(), tree);
        break;
      case json::element_type::STRING:
        tree.text_ = element.get_string().value_unsafe();
        break;
      case json::element_type::INT64:
        tree.number_ = element.get_int64().value_unsafe();
        break;
      case json::element_type::UINT64:
        tree.number_ = static_cast<int64_t>(element.get_uint64().value_unsafe());
        break;
      case json::element_type::BOOL:
        tree.number_ = element.get_bool().value_unsafe() ? 1 : 0;
        break;
      case json::element_type::DOUBLE:
      case json::element_type::NULL_VALUE:
        break;
    }
    return tree;
  }

 private:
  static void ReadObject(const json::object& object, Tree& tree) {
    for (const json::key_value_pair& member : object) {
      tree.names_.emplace_back(member.key);
      tree.children_.push_back(Read(member.value));
    }
  }
  static void ReadList(const json::array& list, Tree& tree) {
    for (const json::element& item : list) tree.children_.push_back(Read(item));
  }
};

namespace {

constexpr size_t kMaxTextBytes = 65536;
// Each level of an expression takes 2 to 5 levels of JSON. Bounds the recursion over the tree.
constexpr size_t kMaxTreeDepth = 2048;

constexpr bool IsContinuation(char byte) {
  return (static_cast<unsigned char>(byte) & 0xC0) == 0x80;
}

// libpg_query counts characters from 1; we count bytes from 0.
int ByteOffset(std::string_view sql, int cursor) {
  size_t byte = 0;
  for (int character = 1; character < cursor && byte < sql.size(); ++character) {
    ++byte;
    while (byte < sql.size() && IsContinuation(sql[byte])) ++byte;
  }
  return static_cast<int>(byte);
}

// Length of the longest valid prefix, give or take a character that is cut in the middle.
int InvalidUtf8Offset(std::string_view sql) {
  const auto starts_valid = [sql](size_t size) {
    while (size > 0 && size < sql.size() && IsContinuation(sql[size])) --size;
    return simdjson::validate_utf8(sql.data(), size);
  };
  size_t valid = 0;
  size_t invalid = sql.size();
  while (valid + 1 < invalid) {
    const size_t middle = valid + (invalid - valid) / 2;
    (starts_valid(middle) ? valid : invalid) = middle;
  }
  return static_cast<int>(valid);
}

absl::Status CheckText(std::string_view sql) {
  if (sql.size() > kMaxTextBytes) {
    return ErrorAt(0, "the SQL text has ", sql.size(), " bytes; at most ", kMaxTextBytes,
                   " are allowed");
  }
  if (const size_t zero = sql.find('\0'); zero != std::string_view::npos) {
    return ErrorAt(static_cast<int>(zero), "the SQL text contains a zero byte");
  }
  if (!simdjson::validate_utf8(sql.data(), sql.size())) {
    return ErrorAt(InvalidUtf8Offset(sql), "the SQL text is not valid UTF-8");
  }
  return absl::OkStatus();
}

struct FreeParseResult {
  void operator()(PgQueryParseResult* result) const {
    pg_query_free_parse_result(*result);
    delete result;
  }
};
using ParseResult = std::unique_ptr<PgQueryParseResult, FreeParseResult>;

absl::Status SyntaxError(std::string_view sql, const PgQueryError& error) {
  const std::string_view message = error.message;
  const int position = ByteOffset(sql, error.cursorpos);
  if (message.starts_with("memory exhausted") || Contains(message, "stack depth limit")) {
    return ErrorAt(position, "the SQL is nested too deeply");
  }
  return ErrorAt(position, message);
}

absl::StatusOr<Tree> ReadJson(std::string_view text) {
  json::parser parser;
  json::element root;
  // Without the first call the parser would keep its default depth.
  simdjson::error_code error = parser.allocate(text.size() + 1, kMaxTreeDepth);
  if (error == simdjson::SUCCESS) error = parser.parse(text.data(), text.size()).get(root);
  if (error == simdjson::DEPTH_ERROR) return ErrorAt(0, "the SQL is nested too deeply");
  if (error == simdjson::UTF8_ERROR)
    return ErrorAt(0, "a string of the SQL text is not valid UTF-8");
  if (error != simdjson::SUCCESS) {
    return absl::InternalError(
        absl::StrCat("parse tree of libpg_query: ", simdjson::error_message(error)));
  }
  return TreeReader::Read(root);
}

}  // namespace

const Tree& Tree::Absent() {
  static const Tree* const absent =
      new Tree();  // never freed: may be used while statics are destroyed
  return *absent;
}

const Tree& Tree::operator[](std::string_view member) const {
  const auto found = std::find(names_.begin(), names_.end(), member);
  if (found == names_.end()) return Absent();
  return children_[static_cast<size_t>(found - names_.begin())];
}

int Tree::LeastLocation() const {
  const Tree& own = (*this)["location"];
  int least = own.present() ? static_cast<int>(own.number()) : -1;
  for (const Tree& child : children_) {
    const int inner = child.LeastLocation();
    if (inner >= 0 && (least < 0 || inner < least)) least = inner;
  }
  return least;
}

int Tree::Position(int otherwise) const {
  const Tree& node = tag().empty() ? *this : body();
  const Tree& own = node["location"];
  if (own.present() && own.number() >= 0) return static_cast<int>(own.number());
  const int least = LeastLocation();
  return least >= 0 ? least : otherwise;
}

std::string_view LastName(const Tree& names) {
  if (names.items().empty()) return "";
  return names.items().back()["String"]["sval"].text();
}

absl::StatusOr<Tree> ParseStatement(std::string_view sql) {
  if (absl::Status status = CheckText(sql); !status.ok()) return status;
  const std::string terminated(sql);
  const ParseResult result(new PgQueryParseResult(pg_query_parse(terminated.c_str())));
  if (result->error != nullptr) return SyntaxError(sql, *result->error);
  absl::StatusOr<Tree> tree = ReadJson(result->parse_tree);
  if (!tree.ok()) return tree.status();
  const std::vector<Tree>& statements = (*tree)["stmts"].items();
  if (statements.empty()) return ErrorAt(0, "the SQL text is empty; write one SELECT");
  if (statements.size() > 1) {
    return ErrorAt(static_cast<int>(statements[1]["stmt_location"].number()),
                   "more than one statement; write one SELECT");
  }
  return statements[0]["stmt"];
}

}  // namespace streamml::sql::internal
