#include "worker/cli/terminal.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdlib>
#include <iostream>

#include "base/status.h"

namespace streamml::cli {
namespace {

constexpr size_t kDefaultWidth = 80;

size_t Width() {
  winsize size{};
  if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return kDefaultWidth;
  return size.ws_col;
}

// Nobody changes the environment while we run.
std::string Variable(const char* name) {
  const char* value = std::getenv(name);  // NOLINT(concurrency-mt-unsafe)
  return value == nullptr ? "" : value;
}

}  // namespace

Terminal::Terminal() {
  is_terminal_ = isatty(STDERR_FILENO) == 1 && Variable("TERM") != "dumb";
  has_color_ = is_terminal_ && Variable("NO_COLOR").empty();
}

std::string Terminal::EraseText() {
  const std::string text = drawn_ == 0 ? "" : absl::StrCat("\r\x1b[", drawn_, "A\x1b[J");
  drawn_ = 0;
  return text;
}

void Terminal::Draw(const std::vector<std::string>& lines) {
  std::string text = EraseText();
  const size_t width = Width();
  for (const std::string& line : lines) absl::StrAppend(&text, CutToWidth(line, width), "\n");
  drawn_ = lines.size();
  std::cerr << text << std::flush;
}

void Terminal::Erase() { std::cerr << EraseText() << std::flush; }

void Terminal::Print(const std::string& line) {
  std::cerr << EraseText() << line << "\n" << std::flush;
}

std::string CutToWidth(const std::string& text, size_t width) {
  std::string result;
  size_t columns = 0;
  bool colored = false;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\x1b') {
      const size_t end = text.find('m', i);
      if (end == std::string::npos) break;
      result.append(text, i, end + 1 - i);
      colored = true;
      i = end;
      continue;
    }
    const bool continues = (static_cast<unsigned char>(text[i]) & 0xC0) == 0x80;
    if (!continues && ++columns > width) break;
    result.push_back(text[i]);
  }
  if (colored) result += "\x1b[0m";
  return result;
}

}  // namespace streamml::cli
