// Where in a configuration a value stands, written as Envoy users read it:
// `static_resources.clusters[2].load_assignment.endpoints[0]`.
//
// Two types: Path is a value, safe to keep, for converters that add a few errors. PathStack is what
// the walkers over whole messages use: it pushes and pops segments and becomes text only when an
// error is found, so a correct configuration pays nothing for its paths.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace proxenos::config {

// A path as text. `path.Field("routes").Index(3)` extends it; the original is unchanged.
class Path {
 public:
  Path() = default;
  explicit Path(std::string text) : text_(std::move(text)) {}

  Path Field(std::string_view name) const& { return Path(*this).Field(name); }
  Path Field(std::string_view name) && {
    if (!text_.empty()) text_ += '.';
    text_ += name;
    return std::move(*this);
  }

  Path Index(size_t index) const& { return Path(*this).Index(index); }
  Path Index(size_t index) && {
    text_ += '[';
    text_ += std::to_string(index);
    text_ += ']';
    return std::move(*this);
  }

  // An entry of a map field.
  Path Key(std::string_view key) const& { return Path(*this).Key(key); }
  Path Key(std::string_view key) && {
    text_ += "[\"";
    text_ += key;
    text_ += "\"]";
    return std::move(*this);
  }

  // Empty for the root of the message.
  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

// The segments from a root path down to where a walker stands. Names pushed must outlive their pop.
class PathStack {
 public:
  explicit PathStack(Path root = {}) : root_(std::move(root)) {}

  void PushField(std::string_view name) { segments_.push_back({Kind::kField, name, 0}); }
  void PushIndex(size_t index) { segments_.push_back({Kind::kIndex, {}, index}); }
  void PushKey(std::string_view key) { segments_.push_back({Kind::kKey, key, 0}); }
  void Pop() { segments_.pop_back(); }

  size_t depth() const { return segments_.size(); }

  Path ToPath() const {
    Path path = root_;
    for (const Segment& segment : segments_) {
      if (segment.kind == Kind::kField) {
        path = std::move(path).Field(segment.name);
      } else if (segment.kind == Kind::kIndex) {
        path = std::move(path).Index(segment.index);
      } else {
        path = std::move(path).Key(segment.name);
      }
    }
    return path;
  }

 private:
  enum class Kind : uint8_t { kField, kIndex, kKey };
  struct Segment {
    Kind kind;
    std::string_view name;
    size_t index;
  };
  Path root_;
  std::vector<Segment> segments_;
};

}  // namespace proxenos::config
