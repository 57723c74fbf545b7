// Endpoint and EndpointTable: the admin interface's pages as one plain table, without sockets:
// a request in, a response out, by path.
//
// Invariant: what changes something is a POST endpoint and does nothing on any other method, so
// that no link, image or crawler can drain a server.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/strings/string_view.h"
#include "source/rpc/status.h"

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
  std::string path;   // Without the query, as it came.
  std::string query;  // As it came, for handlers that read it themselves.
  Params params;      // Of the query, and of a body that is a form.
  std::string body;
  // A browser says that a page of another origin sends it: someone's web page must not be able to
  // drain the proxy of whoever looks at it.
  bool cross_site = false;
};

struct Response {
  int status = 200;
  std::string content_type = "text/plain; charset=UTF-8";
  std::string body;
  std::string allow;  // The Allow field of a 405.

  static Response Text(std::string body) { return Error(200, std::move(body)); }
  static Response Error(int status, std::string body) {
    Response response;
    response.status = status;
    response.body = std::move(body);
    return response;
  }
  static Response Json(std::string body) {
    Response response;
    response.content_type = "application/json";
    response.body = std::move(body);
    return response;
  }
};

// A parameter, for people.
struct ParamHelp {
  std::string name;
  std::string text;
};

struct Endpoint {
  // kRead takes GET, HEAD and (as Envoy does) POST.
  enum class Method { kRead, kPost };

  std::string path;  // "/stats"
  Method method = Method::kRead;
  std::string help;  // One line, for /help and the page at "/".
  std::vector<ParamHelp> params;
  absl::AnyInvocable<Response(const Request&)> handler;
};

// What a gRPC method answers to one message; with another status than kOk that is the end.
struct GrpcAnswer {
  rpc::Status status = rpc::Status::kOk;
  std::string error;    // grpc-message.
  std::string message;  // Serialized; of kOk.
};

// A gRPC method of one message in and one out, or with `streams` any number of both, each answered
// by itself.
struct GrpcMethod {
  std::string path;  // "/package.Service/Method"
  bool streams = false;
  absl::AnyInvocable<GrpcAnswer(const std::string& message)> handler;
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

  void AddGrpc(GrpcMethod method);
  // Null: there is none of that name, or it may not be called.
  GrpcMethod* FindGrpc(absl::string_view path);

  // "admin commands are:" and one entry for each endpoint, by path.
  std::string HelpText() const;
  // The same as a page, with a form for each endpoint that changes something.
  std::string HomePage() const;

 private:
  Endpoint* Find(absl::string_view path);
  Response Refuse(const Request& request, const Endpoint& endpoint) const;

  std::vector<Endpoint> endpoints_;  // By path.
  std::vector<GrpcMethod> grpc_methods_;
  absl::AnyInvocable<bool(absl::string_view) const> allowed_;  // Null: all.
};

}  // namespace proxenos::admin
