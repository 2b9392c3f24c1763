// The calendar behind timestamps: proleptic Gregorian, UTC, no leap seconds, as in PostgreSQL.
#pragma once

#include <cstdint>

namespace streamml::data {

// A timestamp taken apart. Year 0 is 1 BC, year -1 is 2 BC.
struct CivilTime {
  int64_t year = 1970;
  int month = 1;  // 1 to 12
  int day = 1;    // 1 to 31
  int hour = 0;
  int minute = 0;
  int second = 0;
  int microsecond = 0;
  friend bool operator==(const CivilTime&, const CivilTime&) = default;
};

// Days from 1970-01-01 to the date; month is 1 to 12, day may be beyond the month's end. Any year
// whose days fit into 63 bits of microseconds (about 292,000 years around 1970).
int64_t DaysFromCivil(int64_t year, int month, int day);

// 28 to 31; month is 1 to 12.
int DaysInMonth(int64_t year, int month);

// Any timestamp has a civil time.
CivilTime ToCivil(int64_t microseconds);

}  // namespace streamml::data
