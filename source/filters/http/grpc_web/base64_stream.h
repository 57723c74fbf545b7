// Base64 of a body that comes in pieces (RFC 4648, section 4), as application/grpc-web-text has it.
//
// Padding may stand in the middle: such a body is one or more encoded texts, one behind another.
#pragma once

#include <cstdint>

#include "source/buffer/buffer.h"

namespace proxenos::filters::grpc_web {

class Base64Decoder {
 public:
  // Replaces what is in `body` by what it means; up to three letters wait for the next piece. False
  // when something is not base64.
  bool Decode(buffer::Buffer& body);
  // No letter waits: the text may end here.
  bool complete() const { return count_ == 0; }

 private:
  char letters_[4] = {};
  uint8_t count_ = 0;
};

class Base64Encoder {
 public:
  // Replaces `body` by its encoding; up to two bytes wait for the next piece, unless `flush`, which
  // pads them.
  void Encode(buffer::Buffer& body, bool flush);

 private:
  uint8_t bytes_[3] = {};
  uint8_t count_ = 0;
};

}  // namespace proxenos::filters::grpc_web
