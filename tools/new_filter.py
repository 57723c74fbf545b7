#!/usr/bin/env python3
"""Begins an HTTP filter: its message, code, test and page, and its lines where filters are listed.

  new_filter.py ROOT NAME         in the tree at ROOT
  new_filter.py --into DIR NAME   the new files alone, below DIR

NAME is in lower case with underscores, as Envoy's are. What comes out builds and passes; its one setting,
a field that requests get, is there to be replaced.
"""

import pathlib
import re
import sys

API = "api/proxenos/extensions/filters/http/{name}/v3/{name}.proto"
CODE = "source/filters/http/{name}/"

FILES = {}

FILES[API] = """// TODO: what the filter is for.
syntax = "proto3";

package proxenos.extensions.filters.http.{name}.v3;

// Of the filter, and of routes.
message {type} {{
  // A field that each request gets, by its name in lower case. Empty: none.
  string request_field = 1;
}}
"""

FILES[CODE + "BUILD.bazel"] = """# {name}: what it is for.
load("//tools/bazel:defs.bzl", "px_cc_library")

px_cc_library(
    name = "{name}",
    srcs = ["filter.cc"],
    hdrs = ["filter.h"],
    deps = [
        "//source/filter",
        "//source/http:message",
        "@system//:absl",
    ],
)

px_cc_library(
    name = "config",
    srcs = ["config.cc"],
    hdrs = ["config.h"],
    deps = [
        ":{name}",
        "//api:proxenos_cc_proto",
        "//source/config:text",
        "//source/filter:filter_config",
        "@system//:absl",
    ],
)
"""

FILES[CODE + "filter.h"] = """// {type}: what it does to a message.
//
// Owner: the stream's FilterChain. Thread: the worker's.
#pragma once

#include <string>

#include "source/filter/http_filter.h"
#include "source/filter/stream_context.h"

namespace proxenos::filters::{name} {{

// proxenos.extensions.filters.http.{name}.v3.{type}. Thread: any (immutable).
struct Settings {{
  std::string request_field;  // Empty: none.
}};

class {type} final : public filter::HttpFilter {{
 public:
  explicit {type}(const Settings& settings) : settings_(settings) {{}}

  filter::Verdict OnRequestHeaders(http::RequestHead& head, bool end) override;

 private:
  const Settings& settings_;
}};

}}  // namespace proxenos::filters::{name}
"""

FILES[CODE + "filter.cc"] = """// What is done to requests.
#include "source/filters/http/{name}/filter.h"

#include "absl/strings/string_view.h"

namespace proxenos::filters::{name} {{

filter::Verdict {type}::OnRequestHeaders(http::RequestHead& head, bool) {{
  const absl::string_view name = settings_.request_field;
  if (!name.empty()) head.headers.Set(name, "1");
  return filter::Verdict::kContinue;
}}

}}  // namespace proxenos::filters::{name}
"""

FILES[CODE + "config.h"] = """// From proxenos.extensions.filters.http.{name}.v3.{type} to the filter's factory and settings.
#pragma once

#include <memory>

#include "source/filter/filter_config.h"

namespace proxenos::filters::{name} {{

extern const route::OverrideKind k{type}Override;

std::unique_ptr<filter::FilterFactory> Create{type}(const google::protobuf::Any& config,
                                                    const config::Path& path,
                                                    config::Errors& errors);

}}  // namespace proxenos::filters::{name}
"""

FILES[CODE + "config.cc"] = """// Compiles the configuration.
#include "source/filters/http/{name}/config.h"

#include <string>
#include <utility>

#include "proxenos/extensions/filters/http/{name}/v3/{name}.pb.h"
#include "source/config/typed_config.h"
#include "source/filter/filter_override.h"
#include "source/filters/http/{name}/filter.h"

namespace proxenos::filters::{name} {{
namespace {{

namespace v3 = ::proxenos::extensions::filters::http::{name}::v3;

class Factory final : public filter::FilterFactory {{
 public:
  explicit Factory(std::shared_ptr<const Settings> settings) : settings_(std::move(settings)) {{}}
  std::unique_ptr<filter::HttpFilter> Create(filter::StreamContext& stream) const override {{
    const auto* of_route = filter::FindSettings<Settings>(stream, *this);
    return std::make_unique<{type}>(of_route != nullptr ? *of_route : *settings_);
  }}

 private:
  const std::shared_ptr<const Settings> settings_;
}};

// Null when there were errors.
std::shared_ptr<const Settings> Compile(const google::protobuf::Any& config,
                                        const config::Path& path, config::Errors& errors) {{
  v3::{type} proto;
  if (!config::UnpackTypedConfigTo(config, proto, path, errors)) return nullptr;
  return std::make_shared<const Settings>(Settings{{proto.request_field()}});
}}

std::shared_ptr<const void> CreateOverride(const google::protobuf::Any& config,
                                           const config::Path& path, config::Errors& errors) {{
  return Compile(config, path, errors);
}}

}}  // namespace

const route::OverrideKind k{type}Override{{"proxenos.extensions.filters.http.{name}.v3.{type}",
                                          CreateOverride}};

std::unique_ptr<filter::FilterFactory> Create{type}(const google::protobuf::Any& config,
                                                    const config::Path& path,
                                                    config::Errors& errors) {{
  auto settings = Compile(config, path, errors);
  if (settings == nullptr) return nullptr;
  return std::make_unique<Factory>(std::move(settings));
}}

}}  // namespace proxenos::filters::{name}
"""

FILES["test/filters/http/{name}_test.cc"] = """// What {name} does to messages.
#include <memory>
#include <string>

#include "gtest/gtest.h"
#include "proxenos/extensions/filters/http/{name}/v3/{name}.pb.h"
#include "source/filters/http/{name}/config.h"
#include "test/filters/http/stream.h"

namespace proxenos::filters {{
namespace {{

using Proto = ::proxenos::extensions::filters::http::{name}::v3::{type};

std::unique_ptr<FilterHarness> Send(const std::string& text, const RequestLine& line = {{}}) {{
  config::Errors errors;
  std::shared_ptr<const filter::FilterFactory> factory =
      {name}::Create{type}(Pack<Proto>(text), config::Path("f"), errors);
  EXPECT_TRUE(errors.ok()) << errors.ToStatus();
  auto stream = std::make_unique<FilterHarness>(
      filter::FilterFactories{{factory}},
      [&line](filter::StreamContext& context) {{
        FillRequest(line, context.request, context.arena);
      }});
  stream->SendRequest(/*end=*/true);
  return stream;
}}

TEST({type}Test, RequestsGetTheField) {{
  const auto stream = Send("request_field: 'x-new'");
  EXPECT_TRUE(stream->request_out.head);
  EXPECT_EQ(Value(stream->request.headers, "x-new"), "1");
}}

TEST({type}Test, OrNone) {{
  const auto stream = Send("");
  EXPECT_TRUE(stream->request_out.head);
  EXPECT_TRUE(stream->request.headers.empty());
}}

}}  // namespace
}}  // namespace proxenos::filters
"""

FILES["docs/filters/{name}.md"] = """# {title}

`proxenos.extensions.filters.http.{name}.v3.{type}`: what it is for. By route: the same message.

```yaml
name: proxenos.extensions.filters.http.{name}
typed_config:
  "@type": type.googleapis.com/proxenos.extensions.filters.http.{name}.v3.{type}
  request_field: x-new
```
"""


def words(name):
    """What templates are filled with."""
    type_name = "".join(part.capitalize() for part in name.split("_"))
    return {"name": name, "type": type_name, "title": name.replace("_", " ").capitalize()}


def write_files(root, names):
    for pattern, text in FILES.items():
        path = root / pattern.format(**names)
        if path.exists():
            raise SystemExit(f"new_filter: {path} is there already")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text.format(**names), encoding="utf-8")


def insert_sorted(text, line, among):
    """Puts the line among those that match, which are sorted and follow each other."""
    lines = text.splitlines(keepends=True)
    places = [i for i, each in enumerate(lines) if re.match(among, each)]
    if not places:
        raise SystemExit(f"new_filter: nothing looks like {among!r} where {line.strip()!r} belongs")
    after = [i for i in places if lines[i] > line]
    lines.insert(after[0] if after else places[-1] + 1, line)
    return "".join(lines)


def insert_before(text, marker, lines):
    if text.count(marker) != 1:
        raise SystemExit(f"new_filter: expected {marker!r} once")
    return text.replace(marker, lines + marker)


def listed(names):
    """For each file that lists filters, how it is changed."""
    name, kind = names["name"], names["type"]
    message = f"proxenos.extensions.filters.http.{name}.v3.{kind}"
    own = f'    "proxenos/extensions/filters/http/{name}/v3/{name}",\n'
    include = f'#include "source/filters/http/{name}/config.h"\n'
    dep = f'        "//source/filters/http/{name}:config",\n'
    row = f'    {{"{message}", false, f::{name}::Create{kind}, &f::{name}::k{kind}Override}},\n'
    test = f"""px_cc_test(
    name = "{name}_test",
    srcs = ["{name}_test.cc"],
    copts = ["-Wno-array-bounds"],
    deps = [
        ":stream",
        "//api:proxenos_cc_proto",
        "//source/filters/http/{name}:config",
        "@system//:gtest",
    ],
)

"""
    return {
        "api/BUILD.bazel": lambda text: insert_sorted(text, own, r'    "proxenos/'),
        "source/server/BUILD.bazel": lambda text: insert_sorted(text, dep, r'        "//source/filters/http/\w+:config"'),
        "source/server/builtin_filters.cc": lambda text: insert_before(
            insert_sorted(text, include, r'#include "source/filters/http/\w+/config\.h"'),
            '    {"envoy.extensions.filters.http.router.v3.Router"', row),
        "source/config/fields_table_filters.cc": lambda text: insert_before(
            text, '      {"envoy.extensions.filters.http.buffer.v3.Buffer"', f'      {{"{message}", {{Use("*")}}}},\n'),
        "test/filters/http/BUILD.bazel": lambda text: insert_before(
            text, 'px_cc_library(\n    name = "stream",\n', test),
    }


def main():
    if len(sys.argv) == 4 and sys.argv[1] == "--into":
        root, name, whole = pathlib.Path(sys.argv[2]), sys.argv[3], False
    elif len(sys.argv) == 3:
        root, name, whole = pathlib.Path(sys.argv[1]), sys.argv[2], True
    else:
        raise SystemExit(__doc__)
    if not re.fullmatch(r"[a-z]+(_[a-z0-9]+)*", name):
        raise SystemExit("new_filter: NAME is in lower case, with underscores")
    names = words(name)
    # Nothing is written unless all can be.
    changed = {path: change((root / path).read_text(encoding="utf-8"))
               for path, change in listed(names).items()} if whole else {}
    write_files(root, names)
    for path, text in changed.items():
        (root / path).write_text(text, encoding="utf-8")
    print(f"new_filter: {', '.join(sorted(pattern.format(**names) for pattern in FILES))}")


if __name__ == "__main__":
    main()
