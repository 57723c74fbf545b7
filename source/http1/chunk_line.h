// One chunk-size line (RFC 9112, 7.1): hexadecimal size, optional extensions, CRLF.
#pragma once

#include <cstdint>

#include "source/http1/field_line.h"

namespace proxenos::http1 {

struct ChunkLine {
  uint64_t size = 0;
  uint32_t extension_bytes = 0;
  char* next = nullptr;  // Behind the line.
};

// kField, kPartial or kBad (which may also mean that the rest of the line is not there yet).
LineStatus ReadChunkLine(char* p, char* end, ChunkLine& line);

}  // namespace proxenos::http1
