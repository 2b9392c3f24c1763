#include "job/manifest/internal/yaml_tree.h"

#include <yaml-cpp/depthguard.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <map>
#include <sstream>

#include "absl/strings/ascii.h"
#include "absl/strings/str_format.h"
#include "base/status.h"

namespace streamml::manifest::internal {
namespace {

// Length of the UTF-8 character that begins at `at`, or 0 if none does.
size_t CharacterSize(std::string_view text, size_t at) {
  const auto byte = [&](size_t i) {
    return at + i < text.size() ? static_cast<unsigned char>(text[at + i]) : 0u;
  };
  const unsigned first = byte(0);
  if (first < 0x80) return 1;
  const size_t size = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
  if (first < 0xC2 || first > 0xF4) return 0;
  for (size_t i = 1; i < size; ++i) {
    if ((byte(i) & 0xC0) != 0x80) return 0;
  }
  const bool overlong = (first == 0xE0 && byte(1) < 0xA0) || (first == 0xF0 && byte(1) < 0x90);
  const bool surrogate = first == 0xED && byte(1) >= 0xA0;
  const bool too_large = first == 0xF4 && byte(1) >= 0x90;
  return overlong || surrogate || too_large ? 0 : size;
}

// yaml-cpp replaces what is not UTF-8 and takes byte 4 for the end of the input; offsets would no
// longer be those of the file.
std::optional<YamlError> CheckCharacters(std::string_view text) {
  for (size_t at = 0; at < text.size();) {
    const size_t size = CharacterSize(text, at);
    const auto byte = static_cast<unsigned char>(text[at]);
    if (size == 0) return YamlError{at, absl::StrFormat("byte 0x%02x is not UTF-8", byte)};
    if (byte < 0x20 && byte != '\t' && byte != '\n' && byte != '\r') {
      return YamlError{at, absl::StrFormat("control character 0x%02x is not allowed", byte)};
    }
    at += size;
  }
  return std::nullopt;
}

size_t OffsetOf(const YAML::Mark& mark, std::string_view text) {
  return std::min(static_cast<size_t>(std::max(mark.pos, 0)), text.size());
}

// Builds the tree from the parser's events. After a mistake it ignores what follows.
class TreeBuilder : public YAML::EventHandler {
 public:
  TreeBuilder(std::string_view text, YamlTree& tree) : text_(text), tree_(tree) {}

  void OnDocumentStart(const YAML::Mark&) override { anchors_.clear(); }
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    Leaf({.kind = YamlNode::Kind::kNull, .offset = Offset(mark)}, anchor);
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    const auto found = anchors_.find(anchor);
    if (found == anchors_.end() || IsOpen(found->second)) {
      return Fail(Offset(mark), "an alias may not stand within its own anchor");
    }
    Attach(found->second, Offset(mark));
  }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    RefuseTag(mark, tag);
    Leaf({.kind = YamlNode::Kind::kScalar,
          .offset = ValueOffset(mark),
          .text = value,
          .plain = tag == "?"},
         anchor);
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    RefuseTag(mark, tag);
    Open({.kind = YamlNode::Kind::kList, .offset = ValueOffset(mark)}, anchor);
  }
  void OnSequenceEnd() override { Close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    RefuseTag(mark, tag);
    Open({.kind = YamlNode::Kind::kMap, .offset = ValueOffset(mark)}, anchor);
  }
  void OnMapEnd() override { Close(); }

  const std::optional<YamlError>& error() const { return error_; }

 private:
  size_t Offset(const YAML::Mark& mark) const { return OffsetOf(mark, text_); }

  // Marks of a value with an anchor point at the anchor.
  size_t ValueOffset(const YAML::Mark& mark) const {
    size_t at = Offset(mark);
    while (at < text_.size() && text_[at] == '&') {
      while (at < text_.size() && !absl::ascii_isspace(text_[at])) ++at;
      while (at < text_.size() && absl::ascii_isspace(text_[at])) ++at;
    }
    return at;
  }

  void RefuseTag(const YAML::Mark& mark, const std::string& tag) {
    // "?" and "!" are what yaml-cpp says for plain and quoted values without a tag.
    if (tag.empty() || tag == "?" || tag == "!") return;
    Fail(Offset(mark), absl::StrCat("tag ", tag, " is not allowed; a manifest has no tags"));
  }

  void Fail(size_t offset, std::string message) {
    if (!error_) error_ = YamlError{offset, std::move(message)};
  }

  bool IsOpen(int node) const { return std::find(open_.begin(), open_.end(), node) != open_.end(); }

  int Add(YamlNode node, YAML::anchor_t anchor) {
    const int index = static_cast<int>(tree_.nodes.size());
    const size_t offset = node.offset;
    tree_.nodes.push_back(std::move(node));
    if (anchor != 0) anchors_[anchor] = index;
    Attach(index, offset);
    return index;
  }

  void Attach(int node, size_t offset) {
    if (!open_.empty()) {
      tree_.nodes[open_.back()].children.push_back(node);
    } else if (tree_.root < 0) {
      tree_.root = node;
    } else if (tree_.nodes[node].kind != YamlNode::Kind::kNull) {
      Fail(offset, "a second document; a manifest is one document");
    }
  }

  void Leaf(YamlNode node, YAML::anchor_t anchor) {
    if (!error_) Add(std::move(node), anchor);
  }
  void Open(YamlNode node, YAML::anchor_t anchor) {
    if (!error_) open_.push_back(Add(std::move(node), anchor));
  }
  void Close() {
    if (!error_) open_.pop_back();
  }

  std::string_view text_;
  YamlTree& tree_;
  std::vector<int> open_;  // lists and maps around the next value
  std::map<YAML::anchor_t, int> anchors_;
  std::optional<YamlError> error_;
};

// yaml-cpp's words for a tab in the indentation do not say so.
std::string_view TabHint(std::string_view text, size_t offset) {
  const size_t before = text.substr(0, offset).rfind('\n');
  const std::string_view line = text.substr(before == std::string_view::npos ? 0 : before + 1);
  const bool has_tab =
      line.substr(0, line.find_first_not_of(" \t")).find('\t') != std::string_view::npos;
  return has_tab ? "; the line is indented with a tab, use spaces" : "";
}

}  // namespace

std::optional<YamlError> ReadYaml(std::string_view text, YamlTree& tree) {
  if (std::optional<YamlError> error = CheckCharacters(text)) return error;
  TreeBuilder builder(text, tree);
  try {
    std::istringstream stream{std::string(text)};
    YAML::Parser parser(stream);
    // An empty document after the first is harmless. More must not be asked for: behind "{}," the
    // parser finds empty ones without end.
    int documents = 0;
    while (documents < 3 && !builder.error() && parser.HandleNextDocument(builder)) ++documents;
    if (documents == 3 && !builder.error()) {
      return YamlError{text.size(), "more than one document; a manifest is one document"};
    }
  } catch (const YAML::DeepRecursion& exception) {  // whose own words are "bad file"
    return YamlError{OffsetOf(exception.mark, text), "lists and mappings are nested too deep"};
  } catch (const YAML::Exception& exception) {
    const size_t offset = OffsetOf(exception.mark, text);
    return YamlError{offset, absl::StrCat("not YAML: ", exception.msg, TabHint(text, offset))};
  } catch (const std::exception& exception) {
    return YamlError{0, absl::StrCat("not YAML: ", exception.what())};
  }
  return builder.error();
}

}  // namespace streamml::manifest::internal
