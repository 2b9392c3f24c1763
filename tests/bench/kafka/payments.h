// The rows that engines are compared on: payments as JSON, each a function of its number.
#pragma once

#include <cstdint>
#include <string>

namespace streamml::bench {

// Event times advance by 20 ms from row to row and are up to 4 s out of order, which is less than
// the watermark's delay of 5 s: no row is late, so that engines that judge lateness at other
// moments compute the same. 20,000 cards: about nine payments of each in an hour.
struct Payment {
  std::string card;
  std::string json;
};

// Replaces what `payment` holds.
void MakePayment(int64_t number, Payment& payment);

// One of the last rows: so far ahead that the watermark passes all others. It is of a card of its
// own.
void MakeLastPayment(int64_t number, Payment& payment);

// The number of the payment that an engine made this JSON from, which begins with its id; -1: none.
int64_t NumberOf(const char* json, size_t size);

}  // namespace streamml::bench
