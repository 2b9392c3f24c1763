// Standard error as a place for a block of lines that is redrawn.
#pragma once

#include <string>
#include <vector>

namespace streamml::cli {

// One thread.
class Terminal {
 public:
  // What standard error is, and what NO_COLOR and TERM ask for.
  Terminal();

  bool is_terminal() const { return is_terminal_; }
  bool has_color() const { return has_color_; }

  // Replaces the block drawn before; lines are cut to the terminal's width. Colour escapes take no
  // width.
  void Draw(const std::vector<std::string>& lines);
  // Removes the block.
  void Erase();
  // Prints a line above the block.
  void Print(const std::string& line);

 private:
  std::string EraseText();

  bool is_terminal_ = false;
  bool has_color_ = false;
  size_t drawn_ = 0;  // lines
};

// The first `width` columns of a text, counting code points as one column and colour escapes as
// none.
std::string CutToWidth(const std::string& text, size_t width);

}  // namespace streamml::cli
