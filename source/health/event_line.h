// EventLine: one JSON object on a line of an event log, in the shape that protobuf's JSON has.
#pragma once

#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "source/base/clock.h"
#include "source/net/address.h"

namespace proxenos::health {

// A value. Fields come in the order of the calls.
class EventLine {
 public:
  EventLine() : line_("{") {}

  EventLine& Text(absl::string_view name, absl::string_view value);
  EventLine& Number(absl::string_view name, uint64_t value);
  EventLine& Flag(absl::string_view name, bool value);
  // google.protobuf.Timestamp
  EventLine& Time(absl::string_view name, base::WallTime value);
  // core.v3.Address
  EventLine& Address(absl::string_view name, const net::Address& value);
  EventLine& Open(absl::string_view name);
  EventLine& Close();
  // The whole line, its end included. Nothing may be added afterwards.
  std::string Finish();

 private:
  void Name(absl::string_view name);

  std::string line_;
};

}  // namespace proxenos::health
