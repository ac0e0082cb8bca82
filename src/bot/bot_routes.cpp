// The dashboard routes of bot itself: settings and the audit log of a server.
#include <fmt/format.h>

#include "base/json.h"
#include "bot/feature.h"

namespace guildhall::bot {
namespace {

boost::json::value text_or_null(const std::optional<std::string>& text) {
  return text ? boost::json::value(*text) : boost::json::value(nullptr);
}

std::string_view type_name(SettingSpec::Type type) {
  switch (type) {
    case SettingSpec::Type::integer: return "integer";
    case SettingSpec::Type::boolean: return "boolean";
    case SettingSpec::Type::text: return "text";
  }
  return "text";
}

boost::json::object setting_json(const Declarations& declarations, const SettingSpec& spec,
                                 const Settings::Effective& effective, const std::string& language) {
  const bool integer = spec.type == SettingSpec::Type::integer;
  const bool text = spec.type == SettingSpec::Type::text;
  const bool own = effective.source == "server";
  boost::json::array choices;
  for (const std::string& choice : spec.choices) choices.emplace_back(choice);
  return {{"key", spec.key},
          {"type", type_name(spec.type)},
          {"owner", spec.owner},
          {"value", effective.value},
          {"source", effective.source},
          {"server_value", own ? boost::json::value(effective.value) : boost::json::value(nullptr)},
          {"fallback", effective.fallback},
          {"least", integer ? boost::json::value(spec.least) : boost::json::value(nullptr)},
          {"most", integer ? boost::json::value(spec.most)
                   : text  ? boost::json::value(spec.longest)
                           : boost::json::value(nullptr)},
          {"choices", std::move(choices)},
          {"read_only", !spec.comes_from.empty()},
          {"description", declarations.texts.text(language, "setting." + spec.key)}};
}

Task<Result<RouteAnswer>> list_settings(const Declarations& declarations, RouteCall call) {
  const SettingsPtr settings = co_await call.scope.read(
      [&](store::Tx& tx) { return load_settings(tx, declarations.settings, *declarations.config); });
  boost::json::array rows;
  for (const auto& [key, spec] : declarations.settings.all()) {
    rows.push_back(setting_json(declarations, spec, settings->all().at(key), call.language));
  }
  co_return RouteAnswer{{{"settings", std::move(rows)}}};
}

std::optional<std::string> wanted_text(const boost::json::value& body, std::string_view key) {
  const auto* object = body.if_object();
  const auto* found = object == nullptr ? nullptr : object->if_contains(key);
  if (found == nullptr || !found->is_string()) return std::nullopt;
  return std::string(found->get_string());
}

Task<Result<RouteAnswer>> change(const Declarations& declarations, RouteCall call) {
  const auto* body = call.body.if_object();
  if (body == nullptr || !body->contains("value") || !body->contains("expected")) {
    co_return fail(ErrorCode::invalid, "the request needs 'value' and 'expected'");
  }
  for (const char* key : {"value", "expected"}) {
    if (!body->at(key).is_string() && !body->at(key).is_null()) {
      co_return std::unexpected(
          Error{ErrorCode::invalid, fmt::format("{}: must be text or null", key), "", key});
    }
  }
  const SettingWish wish{call.path.find("key")->second, wanted_text(call.body, "value"),
                         wanted_text(call.body, "expected")};
  auto changed = co_await call.scope.transact([&](store::Tx& tx) {
    return change_server_setting(tx, declarations, call.scope.server(), wish, call.actor, call.now);
  });
  if (!changed) {
    if (changed.error().code == ErrorCode::invalid) changed.error().field = "value";
    co_return std::unexpected(changed.error());
  }
  RouteAnswer answer{{{"key", changed->key},
                      {"before", text_or_null(changed->before)},
                      {"after", text_or_null(changed->after)}}};
  answer.settings_changed = changed->before != changed->after;
  answer.outbox = changed->outbox;
  co_return answer;
}

Task<Result<RouteAnswer>> read_log(RouteCall call) {
  const auto limit = call.integer_query("limit", 20, 1, 100);
  if (!limit) co_return std::unexpected(limit.error());
  const auto rows = co_await tenancy::read_audit(call.scope, *limit);
  boost::json::array out;
  for (const auto& row : rows) {
    out.push_back({{"id", fmt::format("{}", row.entry_id)},
                   {"at", format_rfc3339(row.at)},
                   {"actor", row.actor},
                   {"door", row.door},
                   {"action", row.action},
                   {"subject", row.subject},
                   {"before", text_or_null(row.before)},
                   {"after", text_or_null(row.after)}});
  }
  co_return RouteAnswer{{{"rows", std::move(out)}}};
}

}  // namespace

void declare_bot_routes(Declarations& declarations) {
  declarations.routes.add(
      {"bot", "GET", "/settings", tenancy::Access::viewer,
       [&declarations](RouteCall call) { return list_settings(declarations, std::move(call)); }});
  declarations.routes.add(
      {"bot",
       "PUT",
       "/settings/{key}",
       tenancy::Access::administrator,
       [&declarations](RouteCall call) { return change(declarations, std::move(call)); },
       {{{{"key", std::string(kTimeZone.key)}}, {}, {{"value", "Europe/Berlin"}, {"expected", nullptr}}}}});
  declarations.routes.add({"bot", "GET", "/audit", tenancy::Access::moderator, read_log});
}

}  // namespace guildhall::bot
