#include "features/linking/panel.h"

#include <memory>
#include <mutex>
#include <set>

#include "bot/outbox.h"
#include "bot/posts.h"
#include "features/linking/linking.h"

namespace guildhall::features::linking {
namespace {

using bot::ServerContext;
using store::Tx;
using store::TxTask;

constexpr const char* kPost = "link_panel";

bot::PostBody body_of(const ServerContext& context) {
  const auto text = [&](const char* key) { return context.texts->text(context.language(), key); };
  bot::LinkButton button{text("link.panel_button"), ""};
  button.command = "link";
  return {text("link.panel"), {std::move(button)}};
}

/// For which servers this process has looked after the panel since it started.
class Looked {
 public:
  bool is_first(ServerId server) {
    const std::scoped_lock lock(mutex_);
    return servers_.insert(server).second;
  }

 private:
  std::mutex mutex_;
  std::set<ServerId> servers_;
};

TxTask<void> take_down(Tx& tx, ServerContext& context, const bot::Post post) {
  if (!post.message_id.empty()) co_await bot::take_away(tx, context, post.channel_id, post.message_id);
  co_await bot::forget_post(tx, kPost);
}

/// The settings are read anew at the start too: then what was deleted meanwhile is put up again.
TxTask<void> follow_settings(Tx& tx, ServerContext& context, Looked& looked) {
  const bool first = looked.is_first(context.server);
  const std::string channel = context.settings->get(kPanelChannel);
  const auto post = co_await bot::read_post(tx, kPost);
  if (channel.empty() || !context.settings->get(kEnabled)) {
    if (post) co_await take_down(tx, context, *post);
    co_return;
  }
  const bool stands = post && post->channel_id == channel && post->body == body_of(context);
  if (!stands || first) co_await put_panel(tx, context, channel);
}

}  // namespace

TxTask<void> put_panel(Tx& tx, ServerContext& context, std::string channel_id) {
  const auto before = co_await bot::read_post(tx, kPost);
  if (before && before->channel_id != channel_id) co_await take_down(tx, context, *before);
  co_await bot::put_post(tx, context, kPost, std::move(channel_id), body_of(context));
}

void declare_panel(bot::Declarations& declarations) {
  declarations.on_settings.push_back(
      [looked = std::make_shared<Looked>()](Tx& tx, ServerContext& context) -> TxTask<void> {
        co_await follow_settings(tx, context, *looked);
      });
}

}  // namespace guildhall::features::linking
