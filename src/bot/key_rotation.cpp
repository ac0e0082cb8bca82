#include "bot/key_rotation.h"

#include "base/log.h"

namespace guildhall::bot {

Task<Resealed> reseal_all(tenancy::ChannelDirectory& channels, const Secrets& secrets) {
  Resealed done;
  const std::string present = secrets.key_ids().back();
  const auto values = co_await channels.sealed_values();
  for (const tenancy::SealedValue& value : values) {
    if (Secrets::key_id_of(value.sealed.bytes) == present) continue;
    const std::string context =
        token_context(value.channel.platform, value.channel.platform_user_id, value.column);
    const auto plain = secrets.open(value.sealed.bytes, context);
    if (!plain) {
      ++done.unreadable;
      log::warning("a sealed value cannot be read",
                   {log::field("channel", value.channel.platform_user_id), log::field("column", value.column),
                    log::field("error", plain.error().message)});
      continue;
    }
    store::Blob resealed{secrets.seal(*plain, context)};
    const bool replaced = co_await channels.reseal(value, std::move(resealed));
    if (replaced) ++done.values;
  }
  co_return done;
}

Task<std::map<std::string, std::int64_t>> count_by_key(const tenancy::ChannelDirectory& channels) {
  std::map<std::string, std::int64_t> counts;
  const auto values = co_await channels.sealed_values();
  for (const tenancy::SealedValue& value : values) ++counts[Secrets::key_id_of(value.sealed.bytes)];
  co_return counts;
}

}  // namespace guildhall::bot
