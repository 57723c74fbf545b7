// Actions: a route, or several.
#include "source/route/route_tree_config.h"

#include <optional>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "source/config/typed_config.h"

namespace proxenos::route {
namespace {

namespace v3 = envoy::config::route::v3;

class ActionList {
 public:
  ActionList(RouteCompiler compile, config::Errors& errors, std::vector<Route>* routes)
      : compile_(compile), errors_(errors), routes_(routes) {}

  std::optional<uint32_t> Add(const google::protobuf::Any& any, const config::Path& path) {
    RouteTree::Action action{static_cast<uint32_t>(routes_->size()), 0};
    const std::string type = config::TypedConfigType(any);
    if (type == v3::Route::descriptor()->full_name()) {
      v3::Route route;
      if (!config::UnpackTypedConfigTo(any, route, path, errors_)) return std::nullopt;
      routes_->push_back(compile_(route, path));
    } else if (type == v3::RouteList::descriptor()->full_name()) {
      v3::RouteList list;
      if (!config::UnpackTypedConfigTo(any, list, path, errors_)) return std::nullopt;
      for (int i = 0; i < list.routes_size(); ++i) {
        routes_->push_back(
            compile_(list.routes(i), path.Field("routes").Index(static_cast<size_t>(i))));
      }
    } else {
      errors_.AddValue(path, type,
                       "envoy.config.route.v3.Route or envoy.config.route.v3.RouteList");
      return std::nullopt;
    }
    action.count = static_cast<uint32_t>(routes_->size()) - action.first;
    actions_.push_back(std::move(action));
    return static_cast<uint32_t>(actions_.size() - 1);
  }

  // After the last: the routes are where they stay, seen from their first.
  std::vector<RouteTree::Action> Take() {
    for (RouteTree::Action& action : actions_) {
      action.index =
          BuildPathIndex(absl::MakeConstSpan(*routes_).subspan(action.first, action.count));
    }
    return std::move(actions_);
  }

 private:
  const RouteCompiler compile_;
  config::Errors& errors_;
  std::vector<Route>* const routes_;
  std::vector<RouteTree::Action> actions_;
};

}  // namespace

std::shared_ptr<const RouteTree> CompileRouteTree(const xds::type::matcher::v3::Matcher& proto,
                                                  const TreeParts& parts, const config::Path& path,
                                                  config::Errors& errors) {
  if (parts.trees == nullptr) {
    errors.Add(path, "is not for this place: write routes");
    return nullptr;
  }
  ActionList actions(parts.compile, errors, parts.routes);
  auto choose = parts.trees(
      proto,
      [&actions](const google::protobuf::Any& any, const config::Path& at) {
        return actions.Add(any, at);
      },
      path, errors);
  if (!choose) return nullptr;
  return std::make_shared<const RouteTree>(*std::move(choose), actions.Take());
}

}  // namespace proxenos::route
