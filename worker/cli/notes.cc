#include "worker/cli/notes.h"

#include <algorithm>
#include <cstdint>
#include <map>
#include <string_view>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "base/status.h"

namespace streamml::cli {
namespace {

constexpr size_t kFewNotes = 2;  // are left alone
constexpr std::string_view kLane = "lane ";
constexpr char kNumber = '\x01';  // in place of what differs; notes are printable
constexpr char kPath = '\x02';

struct Note {
  std::string shape;  // the text without lane, numbers and paths
  std::string lane;   // "" if it is about none
  std::vector<uint64_t> numbers;
  std::vector<std::string> paths;  // with their quotes
};

size_t EndOfDigits(std::string_view text) {
  size_t size = 0;
  while (size < text.size() && absl::ascii_isdigit(static_cast<unsigned char>(text[size]))) ++size;
  return size;
}

Note Read(std::string_view text) {
  Note note;
  const size_t colon = text.find(": ");
  if (text.starts_with(kLane) && colon != std::string_view::npos) {
    note.lane = text.substr(kLane.size(), colon - kLane.size());
    text.remove_prefix(colon);
  }
  while (!text.empty()) {
    const size_t quote = text[0] == '\'' ? text.find('\'', 1) : std::string_view::npos;
    uint64_t number = 0;
    size_t size = EndOfDigits(text);
    if (size > 0 && absl::SimpleAtoi(std::string(text.substr(0, size)), &number)) {
      note.shape.push_back(kNumber);
      note.numbers.push_back(number);
    } else if (quote != std::string_view::npos) {
      size = quote + 1;
      note.shape.push_back(kPath);
      note.paths.emplace_back(text.substr(0, size));
    } else {
      size = std::max<size_t>(size, 1);
      note.shape.append(text.substr(0, size));
    }
    text.remove_prefix(size);
  }
  return note;
}

// "3 to 17" of the number at `index` of each note, or "3" where all have the same.
std::string Range(const std::vector<Note>& notes, size_t index) {
  uint64_t least = notes.front().numbers[index];
  uint64_t most = least;
  for (const Note& note : notes) {
    least = std::min(least, note.numbers[index]);
    most = std::max(most, note.numbers[index]);
  }
  return least == most ? absl::StrCat(least) : absl::StrCat(least, " to ", most);
}

std::string Paths(const std::vector<Note>& notes, size_t index) {
  const std::string& first = notes.front().paths[index];
  const bool differ = std::any_of(notes.begin(), notes.end(),
                                  [&](const Note& note) { return note.paths[index] != first; });
  return differ ? absl::StrCat(first, " and ", notes.size() - 1, " more") : first;
}

// Of notes of one shape.
std::string Together(const std::vector<Note>& notes) {
  std::string text;
  if (!notes.front().lane.empty()) {
    text = absl::StrCat(notes.size(), " lanes, ", notes.front().lane, " to ", notes.back().lane);
  }
  size_t num_numbers = 0;
  size_t num_paths = 0;
  for (const char character : notes.front().shape) {
    if (character == kNumber) {
      text += Range(notes, num_numbers++);
    } else if (character == kPath) {
      text += Paths(notes, num_paths++);
    } else {
      text.push_back(character);
    }
  }
  return text;
}

}  // namespace

std::vector<std::string> Summarize(const std::vector<std::string>& notes) {
  std::map<std::string, std::vector<Note>> groups;
  std::vector<std::string> shapes;
  for (const std::string& text : notes) {
    Note note = Read(text);
    // What is about a lane is another thing than what is not.
    shapes.push_back(absl::StrCat(note.lane.empty() ? "" : kLane, note.shape));
    groups[shapes.back()].push_back(std::move(note));
  }
  std::vector<std::string> result;
  for (size_t i = 0; i < notes.size(); ++i) {
    std::vector<Note>& group = groups[shapes[i]];
    if (group.empty()) continue;  // told with the first
    if (group.size() <= kFewNotes) {
      result.push_back(notes[i]);
    } else {
      result.push_back(Together(group));
      group.clear();
    }
  }
  return result;
}

}  // namespace streamml::cli
