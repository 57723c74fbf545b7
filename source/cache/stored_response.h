// StoredResponse: one response as a cache keeps it: its head as it will be sent, what policy says
// of it, what of the request chose it, and its body.
//
// Immutable: a validation makes another one with the same body. Owner: stores, fills and the
// streams that serve it. Thread: any.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "source/cache/body.h"
#include "source/cache/conditions.h"
#include "source/cache/response_policy.h"
#include "source/http/header_map.h"

namespace proxenos::cache {

class StoredHead {
 public:
  StoredHead() = default;
  StoredHead(const StoredHead&) = delete;
  StoredHead& operator=(const StoredHead&) = delete;

  uint16_t status = 200;
  ResponsePolicy policy;
  Validators validators;          // Views into the head itself.
  std::vector<std::string> vary;  // Lower-case names, in order.
  std::string selecting;          // SelectingValues of the request that it answered.
  std::string extra;              // Of the Key that it was stored under.
  std::vector<std::string> tags;  // That it may be purged by.

  // Fields as they are sent, but for those that each answer has of its own (Age, Cache-Status).
  absl::Span<const http::Header> fields() const { return fields_; }
  // The value of Content-Length, where it came with one.
  std::optional<uint64_t> content_length;
  uint64_t memory() const;

 private:
  friend class HeadBuilder;
  std::string bytes_;
  std::vector<http::Header> fields_;  // Views into bytes_, or static.
};

// Puts a head together. Thread: one.
class HeadBuilder {
 public:
  // Takes over what of `headers` may be stored (section 3.1): not what is the connection's or the
  // proxy's own, not Set-Cookie, not those that `withheld` names in any case.
  void Add(const http::HeaderMap& headers, absl::Span<const absl::string_view> withheld);
  // The update of section 3.2: fields that `headers` has take the place of those that `stored` has;
  // what describes the stored bytes (length, coding, range, digest, tag) stays as it was, and the
  // old Date does not.
  void Update(const StoredHead& stored, const http::HeaderMap& headers,
              absl::Span<const absl::string_view> withheld);
  void Add(absl::string_view lower_case_name, absl::string_view value);
  bool Has(absl::string_view lower_case_name) const;

  // Makes the head's fields and validators. `now_seconds`: Date where there is none.
  void Finish(int64_t now_seconds, StoredHead& head);

 private:
  struct Field {
    http::HeaderId id;
    std::string name;
    std::string value;
  };
  std::vector<Field> fields_;
};

struct StoredResponse {
  std::shared_ptr<const StoredHead> head;
  std::shared_ptr<const Body> body;

  bool empty() const { return head == nullptr; }
  uint64_t memory() const { return head->memory() + body->memory() + sizeof(Body); }
};

// Whether a field is one that no shared cache stores, whatever the response says.
bool IsNeverStored(http::HeaderId id, absl::string_view lower_case_name);

}  // namespace proxenos::cache
