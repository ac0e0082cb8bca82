// Posts of a server that have a name: messages in Discord that are changed later where they stand. What a
// post says now is kept here, with the channel it belongs to and, once it was sent, its message. That it has
// to be brought there waits in the outbox (outbox.h) by its name alone; so several changes go out as one, and
// one that was never sent is sent as it is by then.
//
// It promises: the last that was put is what stands there in the end, whatever dies between two lines. A
// message that is gone is sent anew, and so is one whose channel is another. While Discord cannot be reached
// or the bot may not, a change waits for a day. A post that could not be sent for an hour is forgotten; if
// the bot may be allowed more afterwards, its owner is told (OutboxSender::on_lost_posts).
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "bot/context.h"
#include "bot/link_buttons.h"
#include "store/tx.h"

namespace guildhall::bot {

struct PostBody {
  std::string text;  // as Discord is given it
  std::vector<LinkButton> buttons = {};

  friend bool operator==(const PostBody&, const PostBody&) = default;
};

/// Puts a post up in a channel, or changes it; as it was already, it is looked for and sent anew if it is
/// gone.
store::TxTask<void> put_post(store::Tx& tx, ServerContext& context, std::string name, std::string channel_id,
                             PostBody body);
/// Changes a post in its channel; false: there is none.
store::TxTask<bool> change_post(store::Tx& tx, ServerContext& context, std::string name, PostBody body);
/// Its message stays as it is from now on.
store::TxTask<void> forget_post(store::Tx& tx, std::string name);

// For the outbox:

struct Post {
  std::string channel_id;
  PostBody body;
  std::int64_t version = 0;
  std::string message_id;  // empty: not sent yet
};
store::TxTask<std::optional<Post>> read_post(store::Tx& tx, std::string name);

struct PostOutcome {
  std::string name;
  std::string channel_id;
  std::int64_t version = 0;
  std::string message_id;  // empty: nothing was sent
  bool in_doubt = false;   // an earlier version may stand there
};
/// Notes what became of a post. True: it has to be brought once more, for it was changed meanwhile.
store::TxTask<bool> settle_post(store::Tx& tx, PostOutcome outcome);

store::TxTask<void> rehearse_posts(store::Tx& tx, ServerContext& context);

void declare_posts(store::StatementRegistry& statements);

}  // namespace guildhall::bot
