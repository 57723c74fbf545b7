// Status codes of gRPC, their mapping from HTTP, and the text in grpc-message
// (PROTOCOL-HTTP2.md and http-grpc-status-mapping.md of gRPC).
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "absl/strings/string_view.h"
#include "source/http/header_map.h"

namespace proxenos::rpc {

enum class Status : uint32_t {
  kOk = 0,
  kCancelled = 1,
  kUnknown = 2,
  kInvalidArgument = 3,
  kDeadlineExceeded = 4,
  kNotFound = 5,
  kAlreadyExists = 6,
  kPermissionDenied = 7,
  kResourceExhausted = 8,
  kFailedPrecondition = 9,
  kAborted = 10,
  kOutOfRange = 11,
  kUnimplemented = 12,
  kInternal = 13,
  kUnavailable = 14,
  kDataLoss = 15,
  kUnauthenticated = 16,
};

inline constexpr absl::string_view kContentType = "application/grpc";

// "application/grpc" or "application/grpc+...": not application/grpc-web.
bool IsGrpcType(absl::string_view content_type);

// What a client reads in a response without grpc-status.
Status StatusOfHttp(uint16_t http_status);

// The HTTP status that stands for it, where something judges by those. 500 for what is not known.
uint16_t HttpStatusOf(Status status);

// grpc-status of a head or of trailers: nullopt when there is none; a value that is no number is
// kUnknown. Codes beyond the known ones are kept.
std::optional<Status> StatusIn(const http::HeaderMap& headers);

// The decimal text; static for the known codes, else in the arena of `headers`.
void SetStatus(Status status, http::HeaderMap& headers);

// grpc-message: bytes outside of the printable ASCII, and '%', as %XX.
std::string PercentEncode(absl::string_view text);
// http::PercentDecoded undoes it.

}  // namespace proxenos::rpc
