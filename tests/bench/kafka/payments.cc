#include "tests/bench/kafka/payments.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <string_view>

namespace streamml::bench {
namespace {

constexpr int64_t kStartMs = 1772323200000;
constexpr int64_t kStepMs = 20;
constexpr uint64_t kDisorderMs = 4000;
constexpr uint64_t kNumCards = 20'000;
constexpr int64_t kFarAheadMs = int64_t{2} * 3600 * 1000;

// SplitMix64 (Steele, Lea, Flood: Fast splittable pseudorandom number generators, 2014).
uint64_t Mix(uint64_t x) {
  x += 0x9e3779b97f4a7c15ULL;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
  return x ^ (x >> 31);
}

struct Values {
  int64_t number;
  int64_t card;
  int64_t cents;
  int64_t at_ms;
  bool fraud;
};

void Write(const Values& values, Payment& payment) {
  std::array<char, 200> text{};
  payment.card.assign(text.data(),
                      static_cast<size_t>(std::snprintf(text.data(), text.size(), "c%05lld",
                                                        static_cast<long long>(values.card))));
  const int size = std::snprintf(
      text.data(), text.size(),
      R"({"id":"p%09lld","card":"%s","amount":%lld.%02lld,"at":%lld,"fraud":%s,"note":"a payment"})",
      static_cast<long long>(values.number), payment.card.c_str(),
      static_cast<long long>(values.cents / 100), static_cast<long long>(values.cents % 100),
      static_cast<long long>(values.at_ms), values.fraud ? "true" : "false");
  payment.json.assign(text.data(), static_cast<size_t>(size));
}

}  // namespace

void MakePayment(int64_t number, Payment& payment) {
  const uint64_t first = Mix(static_cast<uint64_t>(number));
  const uint64_t second = Mix(first);
  const double share = (static_cast<double>(second >> 11) + 0.5) * 0x1p-53;
  Values values{};
  values.number = number;
  values.card = static_cast<int64_t>(first % kNumCards);
  values.cents = 50 + static_cast<int64_t>(-6000 * std::log(share));
  values.at_ms = kStartMs + number * kStepMs - static_cast<int64_t>((first >> 32) % kDisorderMs);
  values.fraud = (second & 63) == 0;
  Write(values, payment);
}

void MakeLastPayment(int64_t number, Payment& payment) {
  Values values{};
  values.number = number;
  values.card = kNumCards + number % 1000;
  values.cents = 100;
  values.at_ms = kStartMs + number * kStepMs + kFarAheadMs;
  Write(values, payment);
}

int64_t NumberOf(const char* json, size_t size) {
  constexpr std::string_view kHead = R"({"id":"p)";
  const std::string_view text(json, size);
  if (text.substr(0, kHead.size()) != kHead) return -1;
  int64_t number = 0;
  for (size_t i = kHead.size(); i < text.size() && text[i] != '"'; ++i) {
    if (text[i] < '0' || text[i] > '9') return -1;
    number = number * 10 + (text[i] - '0');
  }
  return number;
}

}  // namespace streamml::bench
