// Where the values of a manifest stand in its file, so that every message to the user has a line
// and a column, also one about a character in the middle of a query.
//
// A path names a value: spec.views[1].sql, or with the entry's name: spec.views[features].sql.
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace streamml::manifest {

// Line and column count from 1, columns in characters (code points); 0 means not known.
struct Position {
  int line = 0;
  int column = 0;
  friend bool operator==(const Position&, const Position&) = default;
  friend auto operator<=>(const Position&, const Position&) = default;
};

// From byte `text_offset` of a value on, until the next run, characters stand one after the other
// in the file from byte `file_offset` on.
struct TextRun {
  size_t text_offset;
  size_t file_offset;
};

// A value; copies are independent. Reading is safe from several threads.
class Positions {
 public:
  Positions() = default;
  // `file` is the whole text of the manifest, without a byte order mark.
  explicit Positions(std::string_view file);

  // Position of the value at `path`, or of the nearest value around it that is there.
  Position Find(std::string_view path) const;

  // Position of byte `offset` of the text at `path`. Exact for texts of form SQL up to the first
  // \x, \u or \U escape in double quotes; after that, and for other texts, the position of
  // the value. An offset at or beyond the end gives the place just after the last character.
  Position FindInText(std::string_view path, size_t offset) const;

  // Position of a byte of the file.
  Position At(size_t file_offset) const;

  // For the reader: `path` has indices, not names, in its brackets.
  void Add(std::string_view path, size_t file_offset);
  void AddText(std::string_view path, std::vector<TextRun> runs);
  // The entry at `list_path`[index] is also called `list_path`[name]; the first of a name wins.
  void AddName(std::string_view list_path, std::string_view name, size_t index);

 private:
  // The path with names in brackets replaced by indices; unknown names stay.
  std::string WithIndices(std::string_view path) const;

  std::string file_;
  std::vector<size_t> line_starts_;
  std::map<std::string, size_t, std::less<>> offsets_;
  std::map<std::string, std::vector<TextRun>, std::less<>> texts_;
  std::map<std::string, size_t, std::less<>> names_;  // list_path[name] -> index
};

}  // namespace streamml::manifest
