#include "job/manifest/internal/text_map.h"

#include <algorithm>

namespace streamml::manifest::internal {
namespace {

bool IsSpace(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

// Walks value and file side by side. YAML changes only white space (folding, indentation) and
// escapes; everything else stands in the file as it is, which is checked character by character.
class Follower {
 public:
  Follower(std::string_view file, size_t offset, std::string_view value)
      : file_(file), value_(value), at_(offset) {
    if (at_ < file_.size()) EnterScalar();
  }

  std::vector<TextRun> Follow() {
    while (next_ < value_.size()) {
      if (IsSpace(value_[next_])) {
        while (next_ < value_.size() && IsSpace(value_[next_])) ++next_;
        SkipSpace();
      } else if (!FollowCharacter()) {
        runs_.push_back({next_, std::string_view::npos});
        return std::move(runs_);
      }
    }
    // An error at the end of the value is shown behind its last word, not on the next line.
    runs_.push_back({word_end_, word_end_at_});
    return std::move(runs_);
  }

 private:
  void EnterScalar() {
    style_ = file_[at_];
    if (style_ == '|' || style_ == '>') {
      at_ = std::min(file_.find('\n', at_), file_.size());
    } else if (style_ == '"' || style_ == '\'') {
      ++at_;
    }
    SkipSpace();
    word_end_at_ = at_;
  }

  // White space, and in double quotes what stands for it.
  void SkipSpace() {
    while (at_ < file_.size()) {
      const bool escaped = style_ == '"' && file_[at_] == '\\' && at_ + 1 < file_.size() &&
                           (IsSpace(file_[at_ + 1]) || file_[at_ + 1] == 'n' ||
                            file_[at_ + 1] == 't' || file_[at_ + 1] == 'r');
      if (!escaped && !IsSpace(file_[at_])) return;
      at_ += escaped ? 2 : 1;
    }
  }

  bool FollowCharacter() {
    if (style_ == '"' && file_.substr(at_, 2) == "\\\n") SkipSpace();
    const std::string_view two = file_.substr(std::min(at_, file_.size()), 2);
    const bool escaped = (style_ == '\'' && two == "''") ||
                         (style_ == '"' && (two == "\\\"" || two == "\\\\" || two == "\\/"));
    if (escaped) ++at_;
    if (at_ >= file_.size() || file_[at_] != value_[next_]) return false;
    if (runs_.empty() || at_ - runs_.back().file_offset != next_ - runs_.back().text_offset) {
      runs_.push_back({next_, at_});
    }
    word_end_ = ++next_;
    word_end_at_ = ++at_;
    return true;
  }

  std::string_view file_;
  std::string_view value_;
  size_t at_;        // in file_
  size_t next_ = 0;  // in value_
  char style_ = ' ';
  size_t word_end_ = 0;
  size_t word_end_at_ = 0;
  std::vector<TextRun> runs_;
};

}  // namespace

std::vector<TextRun> MapText(std::string_view file, size_t offset, std::string_view value) {
  return Follower(file, offset, value).Follow();
}

}  // namespace streamml::manifest::internal
