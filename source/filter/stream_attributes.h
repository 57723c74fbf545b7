// StreamAttributes: a stream's attributes, for expressions (cel::Expression). Read when asked for;
// nothing is made before.
//
// Owner: whoever evaluates, on its stack, for as long as the values are used. Thread: the stream's
// worker.
#pragma once

#include <cstddef>
#include <optional>

#include "absl/strings/string_view.h"
#include "source/cel/attribute.h"
#include "source/filter/match_subject.h"
#include "source/filter/stream_info.h"
#include "source/http/message.h"
#include "source/json/value.h"

namespace proxenos::filter {

// The fields of a head, and its control data under their names with a colon; the values of a name
// that stands several times are joined by ",".
class HeadFields final : public cel::Map {
 public:
  HeadFields(const http::RequestHead* request, const http::ResponseHead* response,
             const http::HeaderMap* fields)
      : request_(request), response_(response), fields_(fields) {}

  bool there() const { return fields_ != nullptr; }
  // Bytes of all names and values.
  size_t ByteSize() const;
  size_t size() const override;
  std::optional<cel::Value> Find(const cel::Value& key, cel::Memory& memory) const override;
  void AppendKeys(cel::Items& keys) const override;

 private:
  std::optional<cel::Value> FindControl(absl::string_view name, cel::Memory& memory) const;

  const http::RequestHead* request_;    // Null: of a response, or of trailers.
  const http::ResponseHead* response_;  // Null: of a request, or of trailers.
  const http::HeaderMap* fields_;       // Null: there are none.
};

class FilterStateMap final : public cel::Map {
 public:
  explicit FilterStateMap(const FilterState* state) : state_(state) {}

  // The compiler refuses what would list it.
  size_t size() const override { return 0; }
  void AppendKeys(cel::Items&) const override {}
  std::optional<cel::Value> Find(const cel::Value& key, cel::Memory& memory) const override;

 private:
  const FilterState* state_;  // May be null.
};

class StreamAttributes final : public cel::Attributes {
 public:
  // What is null has no values.
  struct Shown {
    const ConnectionInfo* connection = nullptr;
    const StreamInfo* stream = nullptr;
    const net::Address* remote = nullptr;
    absl::string_view server_name;
    const http::RequestHead* request = nullptr;
    const http::ResponseHead* response = nullptr;
    const http::HeaderMap* response_trailers = nullptr;
    const DynamicMetadata* metadata = nullptr;
    const FilterState* state = nullptr;
    const json::Object* route_metadata = nullptr;
  };

  explicit StreamAttributes(const Shown& shown);
  explicit StreamAttributes(const MatchSubject& subject) : StreamAttributes(Of(subject)) {}

  static Shown Of(const StreamInfo& stream);

  cel::Value Read(cel::Attribute attribute, cel::Memory& memory) const override;

 private:
  static Shown Of(const MatchSubject& subject);

  cel::Value ReadRequest(cel::Attribute attribute) const;
  cel::Value ReadRequestHead(cel::Attribute attribute) const;
  cel::Value ReadResponse(cel::Attribute attribute) const;
  cel::Value ReadConnection(cel::Attribute attribute, cel::Memory& memory) const;
  cel::Value ReadUpstream(cel::Attribute attribute, cel::Memory& memory) const;
  cel::Value ReadPlace(cel::Attribute attribute, cel::Memory& memory) const;

  const Shown shown_;
  const HeadFields request_fields_;
  const HeadFields response_fields_;
  const HeadFields trailer_fields_;
  const FilterStateMap state_;
};

}  // namespace proxenos::filter
