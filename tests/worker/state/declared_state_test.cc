// KeyedState and ArrayState: what is kept, what is handed over, what is refused.
#include <gtest/gtest.h>

#include "base/bytes.h"
#include "tests/worker/state/change_recorder.h"
#include "worker/state/array_state.h"
#include "worker/state/keyed_state.h"

namespace streamml::state {
namespace {

using Lines = std::vector<std::string>;

struct NumberCodec {
  static void Encode(const int& value, std::string& out) { out += std::to_string(value); }
  static bool Decode(std::string_view bytes, int& out) {
    if (bytes.empty() || bytes.find_first_not_of("0123456789") != std::string_view::npos)
      return false;
    out = std::stoi(std::string(bytes));
    return true;
  }
};
using Numbers = KeyedState<int, NumberCodec>;

TEST(StateSet, FindsStatesByTheirWholeIdInOrderOfDeclaration) {
  StateSet set;
  Numbers first({"view", "a", 1}, set);
  Numbers second({"view", "a", 2}, set);
  EXPECT_EQ(first.id().ToString(), "view/a#0000000000000001");
  EXPECT_EQ(set.Find("view/a#0000000000000002"), &second);
  EXPECT_EQ(set.Find("view/a#0000000000000003"), nullptr);
  EXPECT_EQ(set.states(), (std::vector<DeclaredState*>{&first, &second}));
}

TEST(StateSetDeathTest, RefusesTwoStatesOfOneId) {
  StateSet set;
  Numbers first({"view", "a", 1}, set);
  EXPECT_DEATH(Numbers({"view", "a", 1}, set), "declared twice");
}

TEST(KeyedState, HandsOverEachChangedEntryOnce) {
  StateSet set;
  Numbers numbers({"v", "n", 0}, set);
  numbers.Mutable("b") = 1;
  numbers.Mutable("a") = 2;
  numbers.Mutable("b") = 3;
  EXPECT_EQ(Changes(numbers), (Lines{"put b=3", "put a=2"}));
  EXPECT_EQ(Changes(numbers), Lines{});
  numbers.Mutable("a") += 5;
  EXPECT_EQ(Changes(numbers), Lines{"put a=7"});
}

TEST(KeyedState, AnErasedKeyIsGoneAndTold) {
  StateSet set;
  Numbers numbers({"v", "n", 0}, set);
  numbers.Mutable("a") = 1;
  Changes(numbers);
  numbers.Erase("a");
  numbers.Erase("never there");
  EXPECT_EQ(numbers.Find("a"), nullptr);
  EXPECT_EQ(numbers.num_entries(), 0u);
  EXPECT_EQ(Changes(numbers), Lines{"delete a"});
  EXPECT_EQ(Changes(numbers), Lines{});
}

TEST(KeyedState, AKeyThatComesBackStartsEmpty) {
  StateSet set;
  Numbers numbers({"v", "n", 0}, set);
  numbers.Mutable("a") = 9;
  Changes(numbers);
  numbers.Erase("a");
  EXPECT_EQ(numbers.Mutable("a"), 0);
  EXPECT_EQ(numbers.num_entries(), 1u);
  EXPECT_EQ(Changes(numbers), Lines{"put a=0"});
}

TEST(KeyedState, LoadedEntriesAreCleanAndCountedOnce) {
  StateSet set;
  Numbers numbers({"v", "n", 0}, set);
  ASSERT_TRUE(numbers.Load("a", "4").ok());
  ASSERT_TRUE(numbers.Load("a", "5").ok());
  EXPECT_EQ(*numbers.Find("a"), 5);
  EXPECT_EQ(numbers.num_entries(), 1u);
  EXPECT_EQ(Changes(numbers), Lines{});
  EXPECT_EQ(numbers.Load("b", "x").code(), absl::StatusCode::kDataLoss);
  EXPECT_EQ(numbers.Find("b"), nullptr);
}

TEST(ArrayState, ReadsZeroWhereNothingWasWritten) {
  StateSet set;
  ArrayState array({"m", "w", 0}, set);
  EXPECT_EQ(array.Get(1'000'000), 0);
  EXPECT_EQ(array.Peek(5), nullptr);
  *array.Mutable(300) = 2.5;
  EXPECT_EQ(array.Get(300), 2.5);
  EXPECT_EQ(*array.Peek(301), 0);
  EXPECT_EQ(array.Peek(0), nullptr);
  EXPECT_EQ(array.num_entries(), 1u);
}

TEST(ArrayState, HandsOverWholePagesOnceAndLoadsThemClean) {
  StateSet set, other_set;
  ArrayState array({"m", "w", 0}, set);
  ArrayState other({"m", "w", 0}, other_set);
  *array.Mutable(0) = 1;
  *array.Mutable(ArrayState::kPageSize - 1) = 2;
  *array.Mutable(ArrayState::kPageSize) = 3;
  class Copier final : public ChangeSink {
   public:
    explicit Copier(ArrayState& to) : to_(to) {}
    void Put(std::string_view key, std::string_view value) override {
      EXPECT_EQ(value.size(), ArrayState::kPageSize * sizeof(double));
      EXPECT_TRUE(to_.Load(key, value).ok());
      EXPECT_TRUE(to_.Load(key, value).ok());
    }
    void Delete(std::string_view) override { ADD_FAILURE(); }

   private:
    ArrayState& to_;
  } copier(other);
  array.TakeChanges(copier);
  EXPECT_EQ(other.Get(ArrayState::kPageSize - 1), 2);
  EXPECT_EQ(other.Get(ArrayState::kPageSize), 3);
  EXPECT_EQ(other.num_entries(), 2u);
  EXPECT_EQ(Changes(array).size(), 0u);
  EXPECT_EQ(Changes(other).size(), 0u);
  *other.Mutable(1) = 4;
  EXPECT_EQ(Changes(other).size(), 1u);
}

TEST(ArrayState, RefusesBytesThatAreNotAPage) {
  StateSet set;
  ArrayState array({"m", "w", 0}, set);
  std::string key;
  ByteWriter(key).U64(0);
  const std::string page(ArrayState::kPageSize * sizeof(double), '\0');
  EXPECT_EQ(array.Load(key, page.substr(1)).code(), absl::StatusCode::kDataLoss);
  EXPECT_EQ(array.Load("short", page).code(), absl::StatusCode::kDataLoss);
  std::string far;
  ByteWriter(far).U64(~uint64_t{0});
  EXPECT_EQ(array.Load(far, page).code(), absl::StatusCode::kDataLoss);
  EXPECT_EQ(array.num_entries(), 0u);
}

}  // namespace
}  // namespace streamml::state
