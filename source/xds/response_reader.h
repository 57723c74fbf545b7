// ResponseReader: a discovery response of either protocol, one resource at a time, so that a large
// one need not be parsed in one turn of the loop.
//
// Both protocols keep their resources in field 2; everything else of a response is small and may be
// parsed at once. Only the top level is walked here: what is wrong inside of a resource is that
// resource's own affair.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace proxenos::xds {

class ResponseReader {
 public:
  // A response without resources.
  ResponseReader() = default;
  // Error: the bytes are no message.
  static absl::StatusOr<ResponseReader> Open(std::string message);

  // The message without its resources.
  const std::string& rest() const { return rest_; }
  // Of all resources.
  size_t count() const { return places_.size(); }
  bool at_end() const { return next_ == places_.size(); }
  // The bytes of the next resource; good as long as this reader is not moved. REQUIRES: !at_end().
  absl::string_view Next();

 private:
  struct Place {
    uint32_t offset;
    uint32_t size;
  };

  std::string bytes_;
  std::string rest_;
  std::vector<Place> places_;
  size_t next_ = 0;
};

}  // namespace proxenos::xds
