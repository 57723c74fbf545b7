// Endpoint and EndpointTable: the admin interface's pages as one plain table, without sockets:
// a request in, a response out, by path.
//
// Invariant: what changes something is a POST endpoint and does nothing on any other method, so
// that no link, image or crawler can drain a server.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/strings/string_view.h"

namespace proxenos::admin {

// The parameters of a query, decoded, in their order. A parameter without '=' has an empty value.
class Params {
 public:
  Params() = default;
  // From "a=b&c" ('+' stays; %XX is decoded).
  explicit Params(absl::string_view query);
  // From a body of type application/x-www-form-urlencoded ('+' is a space).
  static Params FromForm(absl::string_view body);

  bool Has(absl::string_view name) const { return Find(name) != nullptr; }
  // The first value of that name, or null.
  const std::string* Find(absl::string_view name) const;
  std::string Get(absl::string_view name) const;  // "" when there is none.
  void Append(Params other);

  bool empty() const { return all_.empty(); }
  const std::vector<std::pair<std::string, std::string>>& all() const { return all_; }

 private:
  std::vector<std::pair<std::string, std::string>> all_;
};

struct Request {
  std::string method;
  std::string path;   // Decoded, without the query.
  std::string query;  // As it came, for handlers that read it themselves.
  Params params;      // Of the query, and of a body that is a form.
  std::string content_type;
  std::string body;
};

struct Response {
  int status = 200;
  std::string content_type = "text/plain; charset=UTF-8";
  std::string body;
  std::vector<std::pair<std::string, std::string>> headers;  // Others; names in lower case.

  static Response Text(std::string body) {
    return {200, "text/plain; charset=UTF-8", std::move(body), {}};
  }
  static Response Json(std::string body) { return {200, "application/json", std::move(body), {}}; }
  static Response Error(int status, std::string body) {
    return {status, "text/plain; charset=UTF-8", std::move(body), {}};
  }
};

struct Endpoint {
  enum class Method { kGet, kPost };  // kGet takes GET and HEAD.

  std::string path;  // "/stats"
  Method method = Method::kGet;
  std::string help;    // One line, for /help and the page at "/".
  std::string params;  // "level=…, paths=…", for people; empty for none.
  absl::AnyInvocable<Response(const Request&)> handler;
  bool prefix = false;  // Takes every path that begins with `path`.
};

// Owner: the AdminServer's owner. Thread: main.
class EndpointTable {
 public:
  EndpointTable();
  EndpointTable(const EndpointTable&) = delete;
  EndpointTable& operator=(const EndpointTable&) = delete;

  void Add(Endpoint endpoint);
  // Which paths may be called at all (Admin.allow_paths); others get 403. None set: all.
  void AllowOnly(absl::AnyInvocable<bool(absl::string_view path) const> allowed);

  // Answers one request: 404 with the list of pages, 405, 403, or what the handler says.
  Response Serve(const Request& request);

  // "admin commands are:" and one entry for each endpoint, by path.
  std::string HelpText() const;
  // The same as a page, with a form for each endpoint that changes something.
  std::string HomePage() const;

 private:
  Endpoint* Find(absl::string_view path);

  std::vector<Endpoint> endpoints_;  // By path.
  std::optional<absl::AnyInvocable<bool(absl::string_view) const>> allowed_;
};

}  // namespace proxenos::admin
