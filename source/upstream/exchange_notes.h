// ExchangeNotes: what of an exchange only some formats of logs ask for. Filled in by connections
// and streams where an exchange has them; most have none.
//
// Owner: whoever asks (the stream's LogNotes). Thread: the worker's.
#pragma once

#include <cstdint>

#include "source/base/clock.h"
#include "source/http/message.h"
#include "source/net/close_type.h"

namespace proxenos::upstream {

struct ExchangeNotes {
  // Of the connection that it was given last; 0: none was.
  base::MonoTime connect_begin = 0;
  base::MonoTime connect_end = 0;
  // Of all exchanges that share the notes: heads on the wire, and before HPACK.
  uint64_t header_bytes_sent = 0;
  uint64_t header_bytes_received = 0;
  uint64_t decompressed_bytes_sent = 0;
  uint64_t decompressed_bytes_received = 0;
  net::CloseType close_type = net::CloseType::kNone;

  void CountSent(uint64_t bytes, uint64_t decompressed) {
    header_bytes_sent += bytes;
    decompressed_bytes_sent += decompressed;
  }
  void CountReceived(uint64_t bytes, uint64_t decompressed) {
    header_bytes_received += bytes;
    decompressed_bytes_received += decompressed;
  }
};

// Names and values of a head's fields, those of HTTP/2's control data included.
uint64_t FieldBytes(const http::RequestHead& head);
uint64_t FieldBytes(const http::ResponseHead& head);

}  // namespace proxenos::upstream
