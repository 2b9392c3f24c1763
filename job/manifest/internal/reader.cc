#include "job/manifest/internal/reader.h"

#include <algorithm>
#include <limits>
#include <map>
#include <string>

#include "absl/strings/numbers.h"
#include "absl/strings/str_join.h"
#include "base/status.h"
#include "base/wording.h"
#include "google/protobuf/struct.pb.h"
#include "job/manifest/internal/allowed.h"
#include "job/manifest/internal/form.h"
#include "job/manifest/internal/path.h"
#include "job/manifest/internal/plain.h"
#include "job/manifest/internal/scalars.h"
#include "job/manifest/internal/text_map.h"

namespace streamml::manifest::internal {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using Kind = YamlNode::Kind;

// Values visited: aliases can make a small file huge.
constexpr int kMaxVisits = 100'000;
// Names are repeated in paths.
constexpr size_t kMaxKeyBytes = 512;
// Depth of free-form values; the job's own messages are not nested deeply.
constexpr int kMaxFreeDepth = 32;
constexpr int kDefaultMaxItems = 256;

const FieldDescriptor* FindField(const Descriptor& descriptor, std::string_view name) {
  for (int i = 0; i < descriptor.field_count(); ++i) {
    if (descriptor.field(i)->json_name() == name) return descriptor.field(i);
  }
  return nullptr;
}

class Reader {
 public:
  Reader(const YamlTree& tree, std::string_view file, Positions& positions)
      : tree_(tree), file_(file), positions_(positions) {}

  void ReadFields(const YamlNode& node, const Path& path, Message& message);

  std::vector<Diagnostic> TakeErrors() { return std::move(errors_); }

 private:
  using Pairs = std::map<std::string, const YamlNode*, std::less<>>;

  const YamlNode& Node(int index) const { return tree_.nodes[index]; }
  bool Full() const { return errors_.size() >= kMaxErrors || visits_ > kMaxVisits; }

  void Error(size_t offset, const Path& path, std::string message) {
    if (errors_.size() >= kMaxErrors) return;
    errors_.push_back({Severity::kError, path.named, positions_.At(offset), std::move(message)});
  }

  // Counts a value; false when there are too many, or enough mistakes.
  bool Visit(const YamlNode& node, const Path& path) {
    if (!VisitFree(node, path)) return false;
    positions_.Add(path.indexed, node.offset);
    return true;
  }
  // The same for values within free-form ones, whose places nobody asks for.
  bool VisitFree(const YamlNode& node, const Path& path) {
    if (Full()) return false;
    if (++visits_ > kMaxVisits) {
      Error(node.offset, path, absl::StrCat("more than ", kMaxVisits, " values, aliases followed"));
    }
    return visits_ <= kMaxVisits;
  }

  Pairs ReadPairs(const YamlNode& node, const Path& path);
  void ReadField(const FieldDescriptor& field, const YamlNode& node, const Path& path,
                 Message& message);
  void ReadList(const FieldDescriptor& field, const YamlNode& node, const Path& path,
                Message& message);
  void ReadTextMap(const FieldDescriptor& field, const YamlNode& node, const Path& path,
                   Message& message);
  void ReadScalar(const FieldDescriptor& field, const YamlNode& node, const Path& path,
                  Message& message);
  void ReadFree(const YamlNode& node, const Path& path, int depth, google::protobuf::Value& value);
  void ReadFreeMap(const YamlNode& node, const Path& path, int depth,
                   google::protobuf::Struct& fields);
  bool CheckCount(const FieldDescriptor& field, const YamlNode& node, const Path& path,
                  size_t count);
  void CheckUnknown(const Descriptor& descriptor, std::string_view name, size_t offset,
                    const Path& path);
  void CheckComplete(const Descriptor& descriptor, const Pairs& pairs, const YamlNode& node,
                     const Path& path);
  std::string EntryName(const YamlNode& entry, const std::string& key) const;

  const YamlTree& tree_;
  std::string_view file_;
  Positions& positions_;
  int visits_ = 0;
  std::vector<Diagnostic> errors_;
};

void Reader::ReadFields(const YamlNode& node, const Path& path, Message& message) {
  if (!Visit(node, path)) return;
  const Descriptor& descriptor = *message.GetDescriptor();
  if (node.kind != Kind::kMap) {
    return Error(node.offset, path,
                 absl::StrCat("expected a mapping with fields of ", AllowedFields(descriptor),
                              "; got ", Seen(node)));
  }
  const Pairs pairs = ReadPairs(node, path);
  // In the file's order, so that mistakes are too.
  for (size_t i = 0; i + 1 < node.children.size() && !Full(); i += 2) {
    const YamlNode& key = Node(node.children[i]);
    const auto pair = pairs.find(key.text);
    const bool is_first = pair != pairs.end() && pair->second == &Node(node.children[i + 1]);
    if (key.kind != Kind::kScalar || !is_first) continue;
    const FieldDescriptor* field = FindField(descriptor, key.text);
    if (field == nullptr) {
      CheckUnknown(descriptor, key.text, key.offset, path);
    } else if (pair->second->kind == Kind::kNull) {
      Error(key.offset, path.Field(key.text), "no value; give one or leave the field out");
    } else {
      ReadField(*field, *pair->second, path.Field(key.text), message);
    }
  }
  CheckComplete(descriptor, pairs, node, path);
}

// Key -> value of a mapping; keys that are no texts, merges and repetitions are mistakes.
Reader::Pairs Reader::ReadPairs(const YamlNode& node, const Path& path) {
  Pairs pairs;
  std::map<std::string_view, size_t> first_offsets;
  for (size_t i = 0; i + 1 < node.children.size() && !Full(); i += 2) {
    const YamlNode& key = Node(node.children[i]);
    if (key.kind != Kind::kScalar) {
      Error(key.offset, path, absl::StrCat("expected the name of a field; got ", Seen(key)));
    } else if (key.text.empty() || key.text.size() > kMaxKeyBytes) {
      Error(key.offset, path,
            absl::StrCat("name of ", key.text.size(), " bytes; allowed are 1 to ", kMaxKeyBytes));
    } else if (key.plain && key.text == "<<") {
      Error(key.offset, path, "merge keys (<<) are not supported; write the fields out");
    } else if (const auto [first, is_new] = first_offsets.try_emplace(key.text, key.offset);
               !is_new) {
      Error(key.offset, path.Field(key.text),
            absl::StrCat("given twice; first on line ", positions_.At(first->second).line));
    } else {
      pairs.emplace(key.text, &Node(node.children[i + 1]));
    }
  }
  return pairs;
}

void Reader::CheckUnknown(const Descriptor& descriptor, std::string_view name, size_t offset,
                          const Path& path) {
  Error(offset, path,
        absl::StrCat("unknown field ", Quoted(name), DidYouMean(name, FieldNames(descriptor)),
                     "; allowed are ", AllowedFields(descriptor)));
}

void Reader::CheckComplete(const Descriptor& descriptor, const Pairs& pairs, const YamlNode& node,
                           const Path& path) {
  for (int i = 0; i < descriptor.field_count(); ++i) {
    const FieldDescriptor& field = *descriptor.field(i);
    const Rule& rule = RuleOf(field);
    if (!rule.required() || pairs.contains(field.json_name())) continue;
    const std::string allowed = rule.one_of().empty() ? "" : absl::StrCat("; ", AllowedWords(rule));
    Error(node.offset, path, absl::StrCat("field '", field.json_name(), "' is missing", allowed));
  }
  const auto& options = descriptor.options().GetExtension(message_rule);
  const std::vector<std::string> choices(options.exactly_one_of().begin(),
                                         options.exactly_one_of().end());
  if (choices.empty()) return;
  std::vector<std::string> given;
  for (const std::string& choice : choices) {
    if (pairs.contains(choice)) given.push_back(choice);
  }
  if (given.size() == 1) return;
  Error(node.offset, path, ExactlyOneOf(descriptor, choices, given));
}

void Reader::ReadField(const FieldDescriptor& field, const YamlNode& node, const Path& path,
                       Message& message) {
  if (field.is_map()) return ReadTextMap(field, node, path, message);
  if (field.is_repeated()) return ReadList(field, node, path, message);
  if (field.cpp_type() != FieldDescriptor::CPPTYPE_MESSAGE) {
    return ReadScalar(field, node, path, message);
  }
  Message& value = *message.GetReflection()->MutableMessage(&message, &field);
  if (field.message_type() == google::protobuf::Struct::descriptor()) {
    ReadFreeMap(node, path, 0, static_cast<google::protobuf::Struct&>(value));
  } else {
    ReadFields(node, path, value);
  }
}

bool Reader::CheckCount(const FieldDescriptor& field, const YamlNode& node, const Path& path,
                        size_t count) {
  const Rule& rule = RuleOf(field);
  const size_t max_items = rule.max_items() == 0 ? kDefaultMaxItems : rule.max_items();
  if (rule.required() && count == 0) {
    Error(node.offset, path, "empty; at least one entry is needed");
  } else if (count > max_items) {
    Error(node.offset, path, absl::StrCat(count, " entries; allowed are ", max_items));
  } else {
    return true;
  }
  return false;
}

// The name that the entry gives itself, if it is fit for a path.
std::string Reader::EntryName(const YamlNode& entry, const std::string& key) const {
  if (key.empty() || entry.kind != Kind::kMap) return "";
  for (size_t i = 0; i + 1 < entry.children.size(); i += 2) {
    if (Node(entry.children[i]).text != key) continue;
    const std::string& name = Node(entry.children[i + 1]).text;
    return HasForm(name, NAME) || HasForm(name, COLUMN) ? name : "";
  }
  return "";
}

void Reader::ReadList(const FieldDescriptor& field, const YamlNode& node, const Path& path,
                      Message& message) {
  if (!Visit(node, path)) return;
  if (node.kind != Kind::kList) {
    return Error(node.offset, path, absl::StrCat("expected a list; got ", Seen(node)));
  }
  if (!CheckCount(field, node, path, node.children.size())) return;
  const Rule& rule = RuleOf(field);
  std::map<std::string, size_t> seen;  // name or text -> offset
  for (size_t i = 0; i < node.children.size() && !Full(); ++i) {
    const YamlNode& entry = Node(node.children[i]);
    const bool is_message = field.cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE;
    const std::string name = is_message ? EntryName(entry, rule.key()) : "";
    const Path entry_path = path.Entry(i, name);
    const std::string& identity = is_message ? name : entry.text;
    if ((rule.unique() || !rule.key().empty()) && !identity.empty()) {
      const auto [first, is_new] = seen.try_emplace(identity, entry.offset);
      if (!is_new) {
        Error(entry.offset, entry_path,
              absl::StrCat(Quoted(identity), " comes twice; first on line ",
                           positions_.At(first->second).line));
      }
    }
    if (!name.empty()) positions_.AddName(path.indexed, name, i);
    if (is_message) {
      ReadFields(entry, entry_path, *message.GetReflection()->AddMessage(&message, &field));
    } else {
      ReadScalar(field, entry, entry_path, message);
    }
  }
}

void Reader::ReadTextMap(const FieldDescriptor& field, const YamlNode& node, const Path& path,
                         Message& message) {
  if (!Visit(node, path)) return;
  if (node.kind != Kind::kMap) {
    return Error(node.offset, path,
                 absl::StrCat("expected a mapping of names to values; got ", Seen(node)));
  }
  if (!CheckCount(field, node, path, node.children.size() / 2)) return;
  for (const auto& [name, value] : ReadPairs(node, path)) {
    const Path entry_path = path.Field(name);
    if (!Visit(*value, entry_path)) return;
    absl::StatusOr<std::string> text = ReadText(*value, RuleOf(field));
    if (!text.ok()) {
      Error(value->offset, entry_path, std::string(text.status().message()));
      continue;
    }
    // An entry of a map is a message with the fields key (1) and value (2).
    Message& entry = *message.GetReflection()->AddMessage(&message, &field);
    entry.GetReflection()->SetString(&entry, field.message_type()->map_key(), name);
    entry.GetReflection()->SetString(&entry, field.message_type()->map_value(), *std::move(text));
  }
}

template <typename Integer>
absl::StatusOr<Integer> ReadBounded(const YamlNode& node, const Rule& rule) {
  const auto value = ReadInteger(node, rule, std::numeric_limits<Integer>::min(),
                                 std::numeric_limits<Integer>::max());
  if (!value.ok()) return value.status();
  return static_cast<Integer>(*value);
}

void Reader::ReadScalar(const FieldDescriptor& field, const YamlNode& node, const Path& path,
                        Message& message) {
  if (!Visit(node, path)) return;
  const google::protobuf::Reflection& reflection = *message.GetReflection();
  const Rule& rule = RuleOf(field);
  absl::Status status;
  if (field.cpp_type() == FieldDescriptor::CPPTYPE_STRING) {
    absl::StatusOr<std::string> text = ReadText(node, rule);
    status = text.status();
    if (rule.form() == SQL && text.ok()) {
      positions_.AddText(path.indexed, MapText(file_, node.offset, *text));
    }
    if (!text.ok()) {
    } else if (field.is_repeated()) {
      reflection.AddString(&message, &field, *std::move(text));
    } else {
      reflection.SetString(&message, &field, *std::move(text));
    }
  } else if (field.cpp_type() == FieldDescriptor::CPPTYPE_INT32) {
    const auto value = ReadBounded<int32_t>(node, rule);
    status = value.status();
    if (value.ok()) reflection.SetInt32(&message, &field, *value);
  } else if (field.cpp_type() == FieldDescriptor::CPPTYPE_INT64) {
    const auto value = ReadBounded<int64_t>(node, rule);
    status = value.status();
    if (value.ok()) reflection.SetInt64(&message, &field, *value);
  } else {
    const auto value = ReadBoolean(node);
    status = value.status();
    if (value.ok()) reflection.SetBool(&message, &field, *value);
  }
  if (!status.ok()) Error(node.offset, path, std::string(status.message()));
}

void Reader::ReadFreeMap(const YamlNode& node, const Path& path, int depth,
                         google::protobuf::Struct& fields) {
  if (depth == 0 && !Visit(node, path)) return;
  if (node.kind != Kind::kMap) {
    return Error(node.offset, path, absl::StrCat("expected a mapping; got ", Seen(node)));
  }
  for (const auto& [name, value] : ReadPairs(node, path)) {
    ReadFree(*value, path.Field(name), depth + 1, (*fields.mutable_fields())[name]);
    if (Full()) return;
  }
}

void Reader::ReadFree(const YamlNode& node, const Path& path, int depth,
                      google::protobuf::Value& value) {
  if (!VisitFree(node, path)) return;
  if (depth > kMaxFreeDepth) {
    return Error(node.offset, path, absl::StrCat("nested more than ", kMaxFreeDepth, " deep"));
  }
  switch (node.kind) {
    case Kind::kNull:
      value.set_null_value(google::protobuf::NULL_VALUE);
      return;
    case Kind::kMap:
      return ReadFreeMap(node, path, depth, *value.mutable_struct_value());
    case Kind::kList:
      for (size_t i = 0; i < node.children.size() && !Full(); ++i) {
        ReadFree(Node(node.children[i]), path.Entry(i, ""), depth + 1,
                 *value.mutable_list_value()->add_values());
      }
      return;
    case Kind::kScalar:
      break;
  }
  const PlainKind kind = node.plain ? ClassifyPlain(node.text) : PlainKind::kText;
  double number = 0;
  if (kind == PlainKind::kNumber && absl::SimpleAtod(node.text, &number)) {
    value.set_number_value(number);
  } else if (kind == PlainKind::kBoolean) {
    const absl::StatusOr<bool> boolean = ReadBoolean(node);
    if (!boolean.ok()) Error(node.offset, path, std::string(boolean.status().message()));
    if (boolean.ok()) value.set_bool_value(*boolean);
  } else {
    value.set_string_value(node.text);
  }
}

}  // namespace

std::vector<Diagnostic> ReadMessage(const YamlTree& tree, std::string_view file, Message& message,
                                    Positions& positions) {
  Reader reader(tree, file, positions);
  reader.ReadFields(tree.nodes[tree.root], Path{}, message);
  std::vector<Diagnostic> errors = reader.TakeErrors();
  std::stable_sort(errors.begin(), errors.end(), [](const Diagnostic& a, const Diagnostic& b) {
    return a.position < b.position;
  });
  return errors;
}

}  // namespace streamml::manifest::internal
