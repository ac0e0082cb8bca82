#include "bot/key_rotation.h"

#include <algorithm>

#include "base/log.h"

namespace guildhall::bot {

namespace {

std::string context_of(const tenancy::SealedValue& value) {
  return token_context(value.channel.platform, value.channel.platform_user_id, value.column);
}

/// Those that have another key than the present one.
Task<std::vector<tenancy::SealedValue>> old_values(const tenancy::ChannelGrants& grants,
                                                   const Secrets& secrets) {
  const std::string present = secrets.key_ids().back();
  auto values = co_await grants.sealed_values();
  std::erase_if(values, [&](const auto& value) { return Secrets::key_id_of(value.sealed.bytes) == present; });
  co_return values;
}

}  // namespace

Task<Resealed> reseal_all(tenancy::ChannelGrants& grants, const Secrets& secrets) {
  Resealed done;
  const auto values = co_await old_values(grants, secrets);
  for (const tenancy::SealedValue& value : values) {
    const auto plain = secrets.open(value.sealed.bytes, context_of(value));
    if (!plain) {
      ++done.unreadable;
      log::warning("a sealed value cannot be read",
                   {log::field("channel", value.channel.platform_user_id), log::field("column", value.column),
                    log::field("error", plain.error().message)});
      continue;
    }
    store::Blob resealed{secrets.seal(*plain, context_of(value))};
    const bool replaced = co_await grants.reseal(value, std::move(resealed));
    if (replaced) ++done.values;
  }
  co_return done;
}

Task<bool> is_unfinished(const tenancy::ChannelGrants& grants, const Secrets& secrets) {
  const auto values = co_await old_values(grants, secrets);
  co_return std::ranges::any_of(values, [&](const auto& value) {
    return secrets.open(value.sealed.bytes, context_of(value)).has_value();
  });
}

Task<std::map<std::string, std::int64_t>> count_by_key(const tenancy::ChannelGrants& grants) {
  std::map<std::string, std::int64_t> counts;
  const auto values = co_await grants.sealed_values();
  for (const tenancy::SealedValue& value : values) ++counts[Secrets::key_id_of(value.sealed.bytes)];
  co_return counts;
}

}  // namespace guildhall::bot
