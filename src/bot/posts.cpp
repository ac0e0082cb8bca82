#include "bot/posts.h"

#include "bot/outbox.h"

namespace guildhall::bot {
namespace {

using store::NoRow;
using store::Statement;
using store::Tx;
using store::TxTask;

struct PostName {
  std::string name;
};
BOOST_DESCRIBE_STRUCT(PostName, (), (name))

struct PostRow {
  std::string channel_id;
  std::string text;
  std::string buttons;
  std::int64_t version = 0;
  std::string message_id;
};
BOOST_DESCRIBE_STRUCT(PostRow, (), (channel_id, text, buttons, version, message_id))

struct PutPostParams {
  std::string name;
  std::string channel_id;
  std::string text;
  std::string buttons;
};
BOOST_DESCRIBE_STRUCT(PutPostParams, (), (name, channel_id, text, buttons))

struct NotePostParams {
  std::string name;
  std::string channel_id;
  std::string message_id;
};
BOOST_DESCRIBE_STRUCT(NotePostParams, (), (name, channel_id, message_id))

struct VersionRow {
  std::int64_t version = 0;
};
BOOST_DESCRIBE_STRUCT(VersionRow, (), (version))

constexpr Statement<PostName, PostRow> kReadPost{
    "posts.read",
    "SELECT channel_id, text, buttons, version, message_id FROM posts "
    "WHERE discord_server_id = :server AND name = :name"};

constexpr Statement<PutPostParams, NoRow> kPutPost{
    "posts.put",
    "INSERT INTO posts (discord_server_id, name, channel_id, text, buttons, version, message_id) "
    "VALUES (:server, :name, :channel_id, :text, :buttons, 1, '') "
    "ON CONFLICT (discord_server_id, name) DO UPDATE SET text = excluded.text, buttons = excluded.buttons, "
    "version = posts.version + 1, channel_id = excluded.channel_id, "
    "message_id = CASE WHEN posts.channel_id = excluded.channel_id THEN posts.message_id ELSE '' END"};

constexpr Statement<NotePostParams, VersionRow> kNotePost{
    "posts.note",
    "UPDATE posts SET message_id = CASE WHEN :message_id = '' THEN message_id ELSE :message_id END "
    "WHERE discord_server_id = :server AND name = :name AND channel_id = :channel_id RETURNING version"};

constexpr Statement<PostName, NoRow> kForget{
    "posts.forget", "DELETE FROM posts WHERE discord_server_id = :server AND name = :name"};

constexpr Statement<PostName, NoRow> kForgetUnsent{
    "posts.forget_unsent",
    "DELETE FROM posts WHERE discord_server_id = :server AND name = :name AND message_id = ''"};

PostBody body_of(const PostRow& row) { return {row.text, read_link_buttons(row.buttons)}; }

}  // namespace

TxTask<void> put_post(Tx& tx, ServerContext& context, std::string name, std::string channel_id,
                      PostBody body) {
  co_await tx.change(kPutPost, {name, channel_id, body.text, write_link_buttons(body.buttons)});
  co_await bring_post(tx, context, channel_id, name);
}

TxTask<bool> change_post(Tx& tx, ServerContext& context, std::string name, PostBody body) {
  const auto known = co_await tx.one(kReadPost, {name});
  if (!known) co_return false;
  if (body_of(*known) == body) co_return true;
  co_await put_post(tx, context, std::move(name), known->channel_id, std::move(body));
  co_return true;
}

TxTask<void> forget_post(Tx& tx, std::string name) { co_await tx.change(kForget, {std::move(name)}); }

TxTask<std::optional<Post>> read_post(Tx& tx, std::string name) {
  const auto row = co_await tx.one(kReadPost, {std::move(name)});
  if (!row) co_return std::nullopt;
  co_return Post{row->channel_id, body_of(*row), row->version, row->message_id};
}

/// The row of the post is locked first, as whoever changes it does: so either the change is seen here, or it
/// finds the outbox without a row for it and puts one in.
TxTask<bool> settle_post(Tx& tx, PostOutcome outcome) {
  const auto now = co_await tx.one(kNotePost, {outcome.name, outcome.channel_id, outcome.message_id});
  if (!now) co_return false;  // another channel's meanwhile
  if (now->version != outcome.version || outcome.in_doubt) co_return true;
  if (outcome.message_id.empty()) co_await tx.change(kForgetUnsent, {outcome.name});
  co_return false;
}

TxTask<void> rehearse_posts(Tx& tx, ServerContext& context) {
  const std::string name = "rehearsal";
  const std::string channel = "1";
  co_await put_post(tx, context, name, channel, {"first"});
  co_await change_post(tx, context, name, {"second"});
  co_await settle_post(tx, {name, channel, 2, "", false});
  co_await put_post(tx, context, name, channel, {"third"});
  co_await settle_post(tx, {name, channel, 1, "5", false});
  co_await read_post(tx, name);
  co_await forget_post(tx, name);
}

void declare_posts(store::StatementRegistry& statements) {
  statements.add("posts", kReadPost, kPutPost, kNotePost, kForget, kForgetUnsent);
}

}  // namespace guildhall::bot
