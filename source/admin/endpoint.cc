// The table: finding a page, refusing what it does not take, and the pages about the pages.
#include "source/admin/endpoint.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"

namespace proxenos::admin {
namespace {

bool ByPath(const Endpoint& a, const Endpoint& b) { return a.path < b.path; }

std::string EscapedHtml(absl::string_view text) {
  return absl::StrReplaceAll(
      text, {{"&", "&amp;"}, {"<", "&lt;"}, {">", "&gt;"}, {"\"", "&quot;"}, {"'", "&#39;"}});
}

constexpr char kPageHead[] = R"(<!DOCTYPE html>
<html lang="en">
<head>
<title>proxenos admin</title>
<style>
body { font-family: sans-serif; margin: 2em; max-width: 70em; }
table { border-collapse: collapse; width: 100%; }
td { padding: 0.3em 0.6em; text-align: left; vertical-align: top; }
tr:nth-child(odd) { background: #f2f2f2; }
td.path { white-space: nowrap; }
form { margin: 0; }
label { display: block; font-size: smaller; color: #444; }
@media (prefers-color-scheme: dark) {
  body { background: #1c1c1c; color: #ddd; }
  tr:nth-child(odd) { background: #282828; }
  a { color: #8ab4f8; }
  label { color: #aaa; }
}
</style>
</head>
<body>
<h1>proxenos admin</h1>
<table>
)";

void AppendRow(const Endpoint& endpoint, std::string& out) {
  const std::string path = EscapedHtml(endpoint.path);
  const std::string form = absl::StrCat("form", absl::StrReplaceAll(path, {{"/", "-"}}));
  const bool post = endpoint.method == Endpoint::Method::kPost;
  absl::StrAppend(&out, "<tr><td class=\"path\">");
  if (post || !endpoint.params.empty()) {
    absl::StrAppend(&out, "<form id=\"", form, "\" method=\"", post ? "post" : "get",
                    "\" action=\"", path, "\"><button>", path, "</button></form>");
  } else {
    absl::StrAppend(&out, "<a href=\"", path, "\">", path, "</a>");
  }
  absl::StrAppend(&out, "</td><td>", EscapedHtml(endpoint.help));
  for (const ParamHelp& param : endpoint.params) {
    // Without a name while empty: an untouched field sends no parameter.
    absl::StrAppend(&out, "<label><input form=\"", form, "\" onchange=\"this.name = this.value ? '",
                    EscapedHtml(param.name), "' : ''\"> ", EscapedHtml(param.name), ": ",
                    EscapedHtml(param.text), "</label>");
  }
  absl::StrAppend(&out, "</td></tr>\n");
}

}  // namespace

EndpointTable::EndpointTable() {
  Endpoint home;
  home.path = "/";
  home.help = "Admin home page";
  home.handler = [this](const Request&) {
    Response response;
    response.content_type = "text/html; charset=UTF-8";
    response.body = HomePage();
    return response;
  };
  Add(std::move(home));
  Endpoint help;
  help.path = "/help";
  help.help = "print out list of admin commands";
  help.handler = [this](const Request&) { return Response::Text(HelpText()); };
  Add(std::move(help));
}

void EndpointTable::Add(Endpoint endpoint) {
  const auto where = std::lower_bound(endpoints_.begin(), endpoints_.end(), endpoint, ByPath);
  endpoints_.insert(where, std::move(endpoint));
}

void EndpointTable::AddGrpc(GrpcMethod method) { grpc_methods_.push_back(std::move(method)); }

GrpcMethod* EndpointTable::FindGrpc(absl::string_view path) {
  if (allowed_ && !allowed_(path)) return nullptr;
  for (GrpcMethod& method : grpc_methods_) {
    if (method.path == path) return &method;
  }
  return nullptr;
}

void EndpointTable::AllowOnly(absl::AnyInvocable<bool(absl::string_view) const> allowed) {
  allowed_ = std::move(allowed);
}

Endpoint* EndpointTable::Find(absl::string_view path) {
  for (Endpoint& endpoint : endpoints_) {
    if (endpoint.path == path) return &endpoint;
  }
  return nullptr;
}

Response EndpointTable::Refuse(const Request& request, const Endpoint& endpoint) const {
  const bool post = endpoint.method == Endpoint::Method::kPost;
  Response refusal = Response::Error(405, absl::StrCat("Method ", request.method, " not allowed, ",
                                                       post ? "POST" : "GET", " required."));
  refusal.allow = post ? "POST" : "GET, HEAD, POST";
  return refusal;
}

Response EndpointTable::Serve(const Request& request) {
  if (allowed_ && !allowed_(request.path)) {
    return Response::Error(403, absl::StrCat("request to path ", request.path, " not allowed"));
  }
  Endpoint* endpoint = Find(request.path);
  if (endpoint == nullptr) {
    return Response::Error(404, absl::StrCat("invalid path. ", HelpText()));
  }
  const bool post = request.method == "POST";
  const bool read = request.method == "GET" || request.method == "HEAD";
  const bool taken = endpoint->method == Endpoint::Method::kPost ? post : post || read;
  if (!taken) return Refuse(request, *endpoint);
  if (post && request.cross_site) {
    return Response::Error(403, "request from a page of another origin refused");
  }
  return endpoint->handler(request);
}

std::string EndpointTable::HelpText() const {
  std::string text = "admin commands are:\n";
  for (const Endpoint& endpoint : endpoints_) {
    const absl::string_view method = endpoint.method == Endpoint::Method::kPost ? " (POST)" : "";
    absl::StrAppend(&text, "  ", endpoint.path, method, ": ", endpoint.help, "\n");
    for (const ParamHelp& param : endpoint.params) {
      absl::StrAppend(&text, "      ", param.name, ": ", param.text, "\n");
    }
  }
  return text;
}

std::string EndpointTable::HomePage() const {
  std::string page = kPageHead;
  for (const Endpoint& endpoint : endpoints_) AppendRow(endpoint, page);
  absl::StrAppend(&page, "</table>\n</body>\n</html>\n");
  return page;
}

}  // namespace proxenos::admin
