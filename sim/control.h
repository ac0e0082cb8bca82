// The control interface of the simulation: HTTP and JSON, for tests and for people with curl. Ids are
// strings, times are RFC 3339 (microseconds in /witness). An act answers {"ok": true} and what it made;
// an error answers 400, 403, 404 or 409 with {"error": "..."}.
//
//   GET  /healthz                              how many are connected, how often twice, what waits
//   GET  /world                                servers, channels, members, viewers, suggested bindings
//   POST /discord/member-join                  {guild, user?, invite?}: an outsider, by a code
//   POST /discord/member-leave                 {guild, user}
//   POST /discord/member-update                {guild, user, nick?, roles?}
//   POST /discord/time-out                     {guild, user, seconds}; 0 ends it
//   POST /discord/kick, ban                    {guild, user, by?, reason?}; by: or the owner
//   POST /discord/message                      {guild, user, content, channel?} -> message
//   POST /discord/command                      {guild, user, name, options?, target?, channel?} ->
//   interaction;
//                                              target: the user or message of a menu
//   POST /discord/type                         the same and {focused}: an option that is still being typed
//   POST /discord/click                        {guild, user, message, custom_id, values?, forged?} ->
//   interaction;
//                                              forged: the message need not have such a component, nor
//                                              offer these values
//   POST /discord/submit                       {guild, user, opened_by, fields, custom_id?}
//                                              -> interaction; opened_by: the interaction whose answer was
//                                              the form; fields: by custom id, a text or a list of values;
//                                              custom_id: made up
//   POST /discord/role-create                  {guild, name, permissions?} -> role
//   POST /discord/role-rename, role-delete     {guild, role, name?}
//   POST /discord/role-permissions             {guild, role, permissions}
//   POST /discord/overwrite                    {guild, channel?, id, allow?, deny?}: of a role or a member
//   POST /discord/invite                       {guild, channel?, by?, max_uses?, max_age?} -> invite
//   POST /discord/invite-delete                {guild, invite, by?, reason?}
//   POST /discord/vanity                       {guild, code}: the server's own address
//   POST /discord/guild-update                 {guild, name?, owner?}
//   POST /discord/guild-join, guild-leave      {guild}: the bot is invited, or thrown out
//   POST /discord/outage, outage-end           {guild}
//   POST /discord/gateway                      {do: reconnect, invalid-session, resumable-invalid-session,
//                                              heartbeat, zombie or close, code?}; code 0 closes without one
//   POST /discord/interactions-url             {url}: where interactions go once it has been tried; empty:
//                                              over the gateway
//   GET  /discord/interactions-url             {url, state, reason}
//   POST /discord/redirect-uris                {uris}: where signing in may lead back to; none: to any http
//                                              address of this machine
//   GET  /discord/redirect-uris                {uris}
//   GET  /discord/messages?guild=&channel=     what stands in the channels, ephemeral answers included
//   GET  /discord/messages?user=               the direct channel with a user
//   GET  /discord/interactions?id=             asked and answered, with deferral, visibility and timing
//   GET  /discord/commands                     as registered
//   GET  /discord/answers                      how often REST answered with each status: {"200": n, ...}
//   POST /discord/command-permissions          {guild, permissions}: who sees which command where
//                                              (command_store.h)
//   POST /kick/chat                            {slug, user, content} -> message; user: an id or a slug
//   POST /kick/gift                            {slug, user?, count?}
//   POST /kick/subscribe, follow               {slug, user}
//   POST /kick/kicks                           {slug, user, amount?}
//   POST /kick/redeem                          {slug, user, title, cost?, input?} -> redemption
//   POST /kick/redemption                      {id, accepted?}: the streamer settles it
//   POST /kick/live, offline                   {slug, title?}
//   POST /kick/retitle                         {slug, title?, category?}
//   POST /kick/moderator                       {slug, user, moderator?}: the streamer makes him one, or not
//   POST /kick/ban                             {slug, by, user, minutes?, reason?}: by the streamer or a
//                                              moderator; without minutes for good
//   POST /kick/rename                          {user, username}: and his channel with him
//   POST /kick/webhook                         {url}: where events go from now on; empty: webhooks are
//                                              switched off, which ends every subscription
//   POST /kick/end-access                      {user}: his access tokens end; what renews them does not
//   POST /kick/take-back                       {user}: on Kick's pages he takes back what he consented to
//   GET  /kick/consents                        [{user, scope, renewals, revoked}], the oldest first
//   GET  /kick/chat?slug=                      what the bot wrote there
//   POST /kick/socket                          {do: say or close, frame?, code?}: of the chat socket, to
//   everybody GET  /kick/socket                          {connections, pings, pongs, channels} GET  /witness
//   see witness.h GET  /faults, POST /faults                 the switches of faults.h: {"kick_duplicates":
//   true, ...} POST /members/start, /members/stop
#pragma once

#include "net/http.h"
#include "sim/discord.h"
#include "sim/kick.h"
#include "sim/kick_oauth.h"
#include "sim/kick_socket.h"
#include "sim/members.h"
#include "sim/router.h"

namespace guildhall::sim {

class Control {
 public:
  Control(Stage& stage, Discord& discord, Kick& kick, KickWebhooks& webhooks, KickOAuth& oauth,
          KickSocket& socket, Members& members);

  net::HttpResponse answer(const net::HttpRequest& request);

 private:
  using Answer = Result<json::Value>;
  using Handler = Answer (Control::*)(Call&);

  void add_routes();

  Answer health(Call& call);
  Answer world(Call& call);
  Answer witness(Call& call);
  Answer read_faults(Call& call);
  Answer set_faults(Call& call);
  Answer start_members(Call& call);
  Answer stop_members(Call& call);

  Answer member_join(Call& call);
  Answer member_leave(Call& call);
  Answer member_update(Call& call);
  Answer time_out(Call& call);
  Answer kick_member(Call& call);
  Answer ban_member(Call& call);
  Answer message(Call& call);
  Answer command(Call& call);
  Answer type(Call& call);
  Answer click(Call& call);
  Answer submit(Call& call);
  Answer role_create(Call& call);
  Answer role_rename(Call& call);
  Answer role_delete(Call& call);
  Answer role_permissions(Call& call);
  Answer overwrite(Call& call);
  Answer invite(Call& call);
  Answer invite_delete(Call& call);
  Answer vanity(Call& call);
  Answer guild_update(Call& call);
  Answer guild_join(Call& call);
  Answer guild_leave(Call& call);
  Answer outage(Call& call);
  Answer outage_end(Call& call);
  Answer gateway(Call& call);
  Answer set_interactions_url(Call& call);
  Answer read_interactions_url(Call& call);
  Answer set_redirect_uris(Call& call);
  Answer read_redirect_uris(Call& call);
  Answer read_messages(Call& call);
  Answer read_interactions(Call& call);
  Answer read_commands(Call& call);
  Answer read_answers(Call& call);
  Answer command_permissions(Call& call);

  Answer kick_chat(Call& call);
  Answer kick_gift(Call& call);
  Answer kick_subscribe(Call& call);
  Answer kick_follow(Call& call);
  Answer kick_kicks(Call& call);
  Answer kick_redeem(Call& call);
  Answer kick_redemption(Call& call);
  Answer kick_live(Call& call);
  Answer kick_offline(Call& call);
  Answer kick_retitle(Call& call);
  Answer kick_moderator(Call& call);
  Answer kick_ban(Call& call);
  Answer kick_rename(Call& call);
  Answer kick_webhook(Call& call);
  Answer kick_end_access(Call& call);
  Answer kick_take_back(Call& call);
  Answer read_kick_consents(Call& call);
  Answer read_kick_secrets(Call& call);
  Answer read_kick_chat(Call& call);
  Answer kick_socket(Call& call);
  Answer read_kick_socket(Call& call);

  /// The viewer that the body names by id or slug.
  Result<KickId> viewer_of(const Call& call, std::string_view key = "user") const;
  static Discord::CommandWords words_of(const Call& call);
  /// Who acts, and why: the server's owner, if the body names nobody.
  Discord::Deed deed_of(const Call& call) const;
  /// The channel that the body names, or the server's first.
  Result<Snowflake> channel_of(const Call& call) const;
  json::Object describe(const Server& server) const;
  json::Object describe(const KickChannel& channel) const;

  Stage& stage_;
  Discord& discord_;
  Kick& kick_;
  KickWebhooks& webhooks_;
  KickOAuth& oauth_;
  KickSocket& socket_;
  Members& members_;
  Router<Handler> router_;
};

}  // namespace guildhall::sim
