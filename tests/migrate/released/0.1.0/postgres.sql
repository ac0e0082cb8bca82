--
-- PostgreSQL database dump
--


-- Dumped from database version 15.20 (Debian 15.20-0+deb12u1)
-- Dumped by pg_dump version 15.20 (Debian 15.20-0+deb12u1)

SET statement_timeout = 0;
SET lock_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;
SET xmloption = content;
SET client_min_messages = warning;
SET row_security = off;

--
-- Name: guildhall; Type: SCHEMA; Schema: -; Owner: guildhall_owner
--

CREATE SCHEMA guildhall;


ALTER SCHEMA guildhall OWNER TO guildhall_owner;

SET default_tablespace = '';

SET default_table_access_method = heap;

--
-- Name: activity; Type: TABLE; Schema: guildhall; Owner: guildhall_owner
--

CREATE TABLE guildhall.activity (
    discord_server_id bigint NOT NULL,
    activity_id bigint NOT NULL,
    at bigint NOT NULL,
    kind text NOT NULL COLLATE pg_catalog."C",
    name text NOT NULL COLLATE pg_catalog."C",
    amount bigint,
    operation_id text NOT NULL COLLATE pg_catalog."C"
);

ALTER TABLE ONLY guildhall.activity FORCE ROW LEVEL SECURITY;


ALTER TABLE guildhall.activity OWNER TO guildhall_owner;

--
-- Name: audit_log; Type: TABLE; Schema: guildhall; Owner: guildhall_owner
--

CREATE TABLE guildhall.audit_log (
    discord_server_id bigint NOT NULL,
    entry_id bigint NOT NULL,
    at bigint NOT NULL,
    actor text NOT NULL COLLATE pg_catalog."C",
    door text NOT NULL COLLATE pg_catalog."C",
    action text NOT NULL COLLATE pg_catalog."C",
    subject text NOT NULL COLLATE pg_catalog."C",
    before text COLLATE pg_catalog."C",
    after text COLLATE pg_catalog."C"
);

ALTER TABLE ONLY guildhall.audit_log FORCE ROW LEVEL SECURITY;


ALTER TABLE guildhall.audit_log OWNER TO guildhall_owner;

--
-- Name: balances; Type: TABLE; Schema: guildhall; Owner: guildhall_owner
--

CREATE TABLE guildhall.balances (
    discord_server_id bigint NOT NULL,
    unit text NOT NULL COLLATE pg_catalog."C",
    holder_id bigint NOT NULL,
    balance bigint NOT NULL,
    total_credited bigint NOT NULL,
    total_debited bigint NOT NULL,
    entries bigint NOT NULL,
    updated_at bigint NOT NULL,
    CONSTRAINT balances_balance_check CHECK ((balance >= 0)),
    CONSTRAINT balances_check CHECK ((balance = (total_credited - total_debited))),
    CONSTRAINT balances_total_credited_check CHECK ((total_credited >= 0)),
    CONSTRAINT balances_total_debited_check CHECK ((total_debited >= 0))
);

ALTER TABLE ONLY guildhall.balances FORCE ROW LEVEL SECURITY;


ALTER TABLE guildhall.balances OWNER TO guildhall_owner;

--
-- Name: channel_bindings; Type: TABLE; Schema: guildhall; Owner: guildhall_owner
--

CREATE TABLE guildhall.channel_bindings (
    platform text NOT NULL COLLATE pg_catalog."C",
    platform_user_id text NOT NULL COLLATE pg_catalog."C",
    bound_server_id bigint NOT NULL
);


ALTER TABLE guildhall.channel_bindings OWNER TO guildhall_owner;

--
-- Name: channels; Type: TABLE; Schema: guildhall; Owner: guildhall_owner
--

CREATE TABLE guildhall.channels (
    platform text NOT NULL COLLATE pg_catalog."C",
    platform_user_id text NOT NULL COLLATE pg_catalog."C",
    slug text NOT NULL COLLATE pg_catalog."C",
    name text NOT NULL COLLATE pg_catalog."C",
    live text NOT NULL COLLATE pg_catalog."C",
    live_since bigint,
    access_token bytea,
    refresh_token bytea,
    token_expires_at bigint,
    token_state text NOT NULL COLLATE pg_catalog."C",
    updated_at bigint NOT NULL,
    CONSTRAINT channels_live_check CHECK ((live = ANY (ARRAY['unknown'::text, 'live'::text, 'offline'::text]))),
    CONSTRAINT channels_platform_check CHECK ((platform = 'kick'::text)),
    CONSTRAINT channels_token_state_check CHECK ((token_state = ANY (ARRAY['none'::text, 'connected'::text, 'needs_reauth'::text])))
);


ALTER TABLE guildhall.channels OWNER TO guildhall_owner;

--
-- Name: counters; Type: TABLE; Schema: guildhall; Owner: guildhall_owner
--

CREATE TABLE guildhall.counters (
    discord_server_id bigint NOT NULL,
    kind text NOT NULL COLLATE pg_catalog."C",
    last bigint NOT NULL
);

ALTER TABLE ONLY guildhall.counters FORCE ROW LEVEL SECURITY;


ALTER TABLE guildhall.counters OWNER TO guildhall_owner;

--
-- Name: cross_server_log; Type: TABLE; Schema: guildhall; Owner: guildhall_owner
--

CREATE TABLE guildhall.cross_server_log (
    day text NOT NULL COLLATE pg_catalog."C",
    purpose text NOT NULL COLLATE pg_catalog."C",
    runs bigint NOT NULL,
    last_at bigint NOT NULL
);


ALTER TABLE guildhall.cross_server_log OWNER TO guildhall_owner;

--
-- Name: identities; Type: TABLE; Schema: guildhall; Owner: guildhall_owner
--

CREATE TABLE guildhall.identities (
    discord_server_id bigint NOT NULL,
    platform text NOT NULL COLLATE pg_catalog."C",
    platform_user_id text NOT NULL COLLATE pg_catalog."C",
    person_id bigint NOT NULL,
    home_person_id bigint NOT NULL,
    name text NOT NULL COLLATE pg_catalog."C",
    folded_name text NOT NULL COLLATE pg_catalog."C",
    first_seen_at bigint NOT NULL,
    CONSTRAINT identities_platform_check CHECK ((platform = ANY (ARRAY['discord'::text, 'kick'::text])))
);

ALTER TABLE ONLY guildhall.identities FORCE ROW LEVEL SECURITY;


ALTER TABLE guildhall.identities OWNER TO guildhall_owner;

--
-- Name: jobs; Type: TABLE; Schema: guildhall; Owner: guildhall_owner
--

CREATE TABLE guildhall.jobs (
    discord_server_id bigint NOT NULL,
    kind text NOT NULL COLLATE pg_catalog."C",
    due_at bigint NOT NULL,
    lease_until bigint NOT NULL,
    attempts bigint NOT NULL,
    last_success_at bigint,
    last_error text COLLATE pg_catalog."C"
);


ALTER TABLE guildhall.jobs OWNER TO guildhall_owner;

--
-- Name: ledger; Type: TABLE; Schema: guildhall; Owner: guildhall_owner
--

CREATE TABLE guildhall.ledger (
    discord_server_id bigint NOT NULL,
    unit text NOT NULL COLLATE pg_catalog."C",
    holder_id bigint NOT NULL,
    entry_no bigint NOT NULL,
    amount bigint NOT NULL,
    balance_after bigint NOT NULL,
    kind text NOT NULL COLLATE pg_catalog."C",
    operation_id text NOT NULL COLLATE pg_catalog."C",
    line bigint NOT NULL,
    reason text NOT NULL COLLATE pg_catalog."C",
    actor text NOT NULL COLLATE pg_catalog."C",
    created_at bigint NOT NULL,
    CONSTRAINT ledger_amount_check CHECK ((amount <> 0)),
    CONSTRAINT ledger_balance_after_check CHECK ((balance_after >= 0))
);

ALTER TABLE ONLY guildhall.ledger FORCE ROW LEVEL SECURITY;


ALTER TABLE guildhall.ledger OWNER TO guildhall_owner;

--
-- Name: ledger_postings; Type: TABLE; Schema: guildhall; Owner: guildhall_owner
--

CREATE TABLE guildhall.ledger_postings (
    discord_server_id bigint NOT NULL,
    unit text NOT NULL COLLATE pg_catalog."C",
    holder_id bigint NOT NULL,
    amount bigint NOT NULL,
    kind text NOT NULL COLLATE pg_catalog."C",
    operation_id text NOT NULL COLLATE pg_catalog."C",
    reason text NOT NULL COLLATE pg_catalog."C",
    CONSTRAINT ledger_postings_amount_check CHECK ((amount > 0))
);

ALTER TABLE ONLY guildhall.ledger_postings FORCE ROW LEVEL SECURITY;


ALTER TABLE guildhall.ledger_postings OWNER TO guildhall_owner;

--
-- Name: links; Type: TABLE; Schema: guildhall; Owner: guildhall_owner
--

CREATE TABLE guildhall.links (
    discord_server_id bigint NOT NULL,
    link_id bigint NOT NULL,
    platform text NOT NULL COLLATE pg_catalog."C",
    from_person_id bigint NOT NULL,
    to_person_id bigint NOT NULL,
    moved_points bigint NOT NULL,
    moved_watched_us bigint NOT NULL,
    moved_subscribed_us bigint NOT NULL,
    made_at bigint NOT NULL,
    made_by text NOT NULL COLLATE pg_catalog."C",
    undone_at bigint,
    undone_by text COLLATE pg_catalog."C"
);

ALTER TABLE ONLY guildhall.links FORCE ROW LEVEL SECURITY;


ALTER TABLE guildhall.links OWNER TO guildhall_owner;

--
-- Name: login_codes; Type: TABLE; Schema: guildhall; Owner: guildhall_owner
--

CREATE TABLE guildhall.login_codes (
    code_hash text NOT NULL COLLATE pg_catalog."C",
    created_at bigint NOT NULL,
    used_at bigint
);


ALTER TABLE guildhall.login_codes OWNER TO guildhall_owner;

--
-- Name: migration_journal; Type: TABLE; Schema: guildhall; Owner: guildhall_owner
--

CREATE TABLE guildhall.migration_journal (
    seq bigint NOT NULL,
    name text NOT NULL,
    direction text NOT NULL,
    state text NOT NULL,
    checksum text NOT NULL,
    norm_checksum text,
    down_checksum text,
    down_source text,
    statements_total bigint,
    statements_done bigint,
    started_at bigint NOT NULL,
    applied_at bigint,
    duration_ms bigint,
    applied_by text NOT NULL,
    tool_version text NOT NULL,
    git_revision text,
    backup_file text,
    backup_sha256 text,
    fingerprint_before text,
    fingerprint_after text,
    lock_token bigint,
    error text,
    CONSTRAINT migration_journal_direction_check CHECK ((direction = ANY (ARRAY['up'::text, 'down'::text, 'baseline'::text, 'repair'::text]))),
    CONSTRAINT migration_journal_state_check CHECK ((state = ANY (ARRAY['started'::text, 'applied'::text, 'failed'::text, 'partial'::text, 'skipped'::text])))
);


ALTER TABLE guildhall.migration_journal OWNER TO guildhall_owner;

--
-- Name: migration_journal_seq_seq; Type: SEQUENCE; Schema: guildhall; Owner: guildhall_owner
--

ALTER TABLE guildhall.migration_journal ALTER COLUMN seq ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME guildhall.migration_journal_seq_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


--
-- Name: oauth_states; Type: TABLE; Schema: guildhall; Owner: guildhall_owner
--

CREATE TABLE guildhall.oauth_states (
    state_hash text NOT NULL COLLATE pg_catalog."C",
    session_hash text NOT NULL COLLATE pg_catalog."C",
    verifier text NOT NULL COLLATE pg_catalog."C",
    server_id bigint NOT NULL,
    created_at bigint NOT NULL
);


ALTER TABLE guildhall.oauth_states OWNER TO guildhall_owner;

--
-- Name: operator_log; Type: TABLE; Schema: guildhall; Owner: guildhall_owner
--

CREATE TABLE guildhall.operator_log (
    entry_id bigint NOT NULL,
    at bigint NOT NULL,
    actor text NOT NULL COLLATE pg_catalog."C",
    action text NOT NULL COLLATE pg_catalog."C",
    subject text NOT NULL COLLATE pg_catalog."C",
    before text COLLATE pg_catalog."C",
    after text COLLATE pg_catalog."C"
);


ALTER TABLE guildhall.operator_log OWNER TO guildhall_owner;

--
-- Name: operator_log_entry_id_seq; Type: SEQUENCE; Schema: guildhall; Owner: guildhall_owner
--

ALTER TABLE guildhall.operator_log ALTER COLUMN entry_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME guildhall.operator_log_entry_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


--
-- Name: outbox; Type: TABLE; Schema: guildhall; Owner: guildhall_owner
--

CREATE TABLE guildhall.outbox (
    discord_server_id bigint NOT NULL,
    destination text NOT NULL COLLATE pg_catalog."C",
    sequence bigint NOT NULL,
    body text NOT NULL COLLATE pg_catalog."C",
    nonce text NOT NULL COLLATE pg_catalog."C",
    created_at bigint NOT NULL,
    expires_at bigint NOT NULL,
    lease_until bigint NOT NULL,
    attempts bigint NOT NULL
);

ALTER TABLE ONLY guildhall.outbox FORCE ROW LEVEL SECURITY;


ALTER TABLE guildhall.outbox OWNER TO guildhall_owner;

--
-- Name: persons; Type: TABLE; Schema: guildhall; Owner: guildhall_owner
--

CREATE TABLE guildhall.persons (
    discord_server_id bigint NOT NULL,
    person_id bigint NOT NULL,
    display_name text NOT NULL COLLATE pg_catalog."C",
    created_at bigint NOT NULL
);

ALTER TABLE ONLY guildhall.persons FORCE ROW LEVEL SECURITY;


ALTER TABLE guildhall.persons OWNER TO guildhall_owner;

--
-- Name: point_conversions; Type: TABLE; Schema: guildhall; Owner: guildhall_owner
--

CREATE TABLE guildhall.point_conversions (
    discord_server_id bigint NOT NULL,
    person_id bigint NOT NULL,
    plain_us bigint NOT NULL,
    subscribed_us bigint NOT NULL
);

ALTER TABLE ONLY guildhall.point_conversions FORCE ROW LEVEL SECURITY;


ALTER TABLE guildhall.point_conversions OWNER TO guildhall_owner;

--
-- Name: presence; Type: TABLE; Schema: guildhall; Owner: guildhall_owner
--

CREATE TABLE guildhall.presence (
    discord_server_id bigint NOT NULL,
    person_id bigint NOT NULL,
    at bigint NOT NULL,
    subscriber bigint NOT NULL,
    CONSTRAINT presence_subscriber_check CHECK ((subscriber = ANY (ARRAY[(0)::bigint, (1)::bigint])))
);

ALTER TABLE ONLY guildhall.presence FORCE ROW LEVEL SECURITY;


ALTER TABLE guildhall.presence OWNER TO guildhall_owner;

--
-- Name: process_state; Type: TABLE; Schema: guildhall; Owner: guildhall_owner
--

CREATE TABLE guildhall.process_state (
    key text NOT NULL COLLATE pg_catalog."C",
    value text NOT NULL COLLATE pg_catalog."C"
);


ALTER TABLE guildhall.process_state OWNER TO guildhall_owner;

--
-- Name: servers; Type: TABLE; Schema: guildhall; Owner: guildhall_owner
--

CREATE TABLE guildhall.servers (
    discord_server_id bigint NOT NULL,
    name text NOT NULL COLLATE pg_catalog."C",
    state text NOT NULL COLLATE pg_catalog."C",
    joined_at bigint NOT NULL,
    left_at bigint,
    revision bigint NOT NULL,
    CONSTRAINT servers_discord_server_id_check CHECK ((discord_server_id <> 0)),
    CONSTRAINT servers_state_check CHECK ((state = ANY (ARRAY['active'::text, 'inactive'::text])))
);


ALTER TABLE guildhall.servers OWNER TO guildhall_owner;

--
-- Name: sessions; Type: TABLE; Schema: guildhall; Owner: guildhall_owner
--

CREATE TABLE guildhall.sessions (
    session_hash text NOT NULL COLLATE pg_catalog."C",
    principal text NOT NULL COLLATE pg_catalog."C",
    csrf_token text NOT NULL COLLATE pg_catalog."C",
    created_at bigint NOT NULL,
    seen_at bigint NOT NULL
);


ALTER TABLE guildhall.sessions OWNER TO guildhall_owner;

--
-- Name: setting_defaults; Type: TABLE; Schema: guildhall; Owner: guildhall_owner
--

CREATE TABLE guildhall.setting_defaults (
    key text NOT NULL COLLATE pg_catalog."C",
    value text NOT NULL COLLATE pg_catalog."C",
    updated_at bigint NOT NULL
);


ALTER TABLE guildhall.setting_defaults OWNER TO guildhall_owner;

--
-- Name: settings; Type: TABLE; Schema: guildhall; Owner: guildhall_owner
--

CREATE TABLE guildhall.settings (
    discord_server_id bigint NOT NULL,
    key text NOT NULL COLLATE pg_catalog."C",
    value text NOT NULL COLLATE pg_catalog."C",
    updated_at bigint NOT NULL
);

ALTER TABLE ONLY guildhall.settings FORCE ROW LEVEL SECURITY;


ALTER TABLE guildhall.settings OWNER TO guildhall_owner;

--
-- Name: watch_conditions; Type: TABLE; Schema: guildhall; Owner: guildhall_owner
--

CREATE TABLE guildhall.watch_conditions (
    discord_server_id bigint NOT NULL,
    kind text NOT NULL COLLATE pg_catalog."C",
    from_us bigint NOT NULL,
    until_us bigint,
    CONSTRAINT watch_conditions_check CHECK (((until_us IS NULL) OR (until_us >= from_us))),
    CONSTRAINT watch_conditions_kind_check CHECK ((kind = ANY (ARRAY['live'::text, 'chat'::text, 'tracking'::text, 'forced'::text])))
);

ALTER TABLE ONLY guildhall.watch_conditions FORCE ROW LEVEL SECURITY;


ALTER TABLE guildhall.watch_conditions OWNER TO guildhall_owner;

--
-- Name: watch_settlements; Type: TABLE; Schema: guildhall; Owner: guildhall_owner
--

CREATE TABLE guildhall.watch_settlements (
    discord_server_id bigint NOT NULL,
    settled_until bigint NOT NULL
);

ALTER TABLE ONLY guildhall.watch_settlements FORCE ROW LEVEL SECURITY;


ALTER TABLE guildhall.watch_settlements OWNER TO guildhall_owner;

--
-- Name: watch_spans; Type: TABLE; Schema: guildhall; Owner: guildhall_owner
--

CREATE TABLE guildhall.watch_spans (
    discord_server_id bigint NOT NULL,
    from_us bigint NOT NULL,
    until_us bigint NOT NULL,
    CONSTRAINT watch_spans_check CHECK ((until_us > from_us))
);

ALTER TABLE ONLY guildhall.watch_spans FORCE ROW LEVEL SECURITY;


ALTER TABLE guildhall.watch_spans OWNER TO guildhall_owner;

--
-- Name: watchtime; Type: TABLE; Schema: guildhall; Owner: guildhall_owner
--

CREATE TABLE guildhall.watchtime (
    discord_server_id bigint NOT NULL,
    person_id bigint NOT NULL,
    watched_us bigint NOT NULL,
    subscribed_us bigint NOT NULL,
    last_active_at bigint NOT NULL,
    updated_at bigint NOT NULL,
    CONSTRAINT watchtime_check CHECK (((subscribed_us >= 0) AND (subscribed_us <= watched_us))),
    CONSTRAINT watchtime_watched_us_check CHECK ((watched_us >= 0))
);

ALTER TABLE ONLY guildhall.watchtime FORCE ROW LEVEL SECURITY;


ALTER TABLE guildhall.watchtime OWNER TO guildhall_owner;

--
-- Data for Name: activity; Type: TABLE DATA; Schema: guildhall; Owner: guildhall_owner
--

COPY guildhall.activity (discord_server_id, activity_id, at, kind, name, amount, operation_id) FROM stdin;
763742587306794177	1	1795793943592203	linked	night_owl3	\N	link:1
763742587306794177	2	1795793945307303	linked	pixel_moth10	\N	link:2
763742587306794177	3	1795793946024063	linked	moss_badger17	\N	link:3
763742587306794177	4	1795793947420983	linked	copper_kettle24	\N	link:4
763742587306794177	5	1795793954000000	stream_live	Lantern_Live	\N	live:122478:1795793954000000
763742587306794177	6	1795794286604043	member_joined	night_waffle10 (40)	\N	join:759212902900812105:1795794286604043
763742587306794177	7	1795794318611163	member_joined	moss_comet66 (22)	\N	join:759212829139108310:1795794318611163
763742587306794177	8	1795794900000000	member_left	cosmic_harbor80 (11)	\N	leave:759212784063778563:1795794900000000
763742591404955342	1	1795793954000000	stream_live	Lantern_Live	\N	live:122478:1795793954000000
763742591404955342	2	1795794023012463	member_joined	dizzy_sloth3 (13)	\N	join:759212792259274302:1795794023012463
763742591404955342	3	1795794878612943	member_joined	noisy_teapot17	\N	join:759212800454660615:1795794878612943
763742591404955342	4	1795794930646803	member_joined	maple_kettle80 (37)	\N	join:759212890606829232:1795794930646803
763742591404955342	5	1795795031030463	member_joined	amber_owl59 (34)	\N	join:759212878313730139:1795795031030463
763742595502411757	1	1795794300000000	member_left	moss_badger17 (2)	\N	leave:759212747182411757:1795794300000000
763742595502411757	2	1795794720000000	member_left	pixel_moth10 (1)	\N	leave:759212743084955342:1795794720000000
763742595502411757	3	1795794975093003	member_joined	moss_badger17 (2)	\N	join:759212747182411757:1795794975093003
763742595502411757	4	1795795178000000	stream_live	PixelMoss	\N	live:122816:1795795178000000
\.


--
-- Data for Name: audit_log; Type: TABLE DATA; Schema: guildhall; Owner: guildhall_owner
--

COPY guildhall.audit_log (discord_server_id, entry_id, at, actor, door, action, subject, before, after) FROM stdin;
763742587306794177	1	1795793931830103	operator	command_line	settings.set	kick_channel	\N	lantern-live
763742587306794177	2	1795793943592203	operator	command_line	member.link	759212738986794177	\N	kick night_owl3
763742587306794177	3	1795793945307303	operator	command_line	member.link	759212743084955342	\N	kick pixel_moth10
763742587306794177	4	1795793946024063	operator	command_line	member.link	759212747182411757	\N	kick moss_badger17
763742587306794177	5	1795793947420983	operator	command_line	member.link	759212751280376522	\N	kick copper_kettle24
763742591404955342	1	1795793932620183	operator	command_line	settings.set	kick_channel	\N	lantern-live
763742595502411757	1	1795793933742003	operator	command_line	settings.set	kick_channel	\N	pixelmoss
\.


--
-- Data for Name: balances; Type: TABLE DATA; Schema: guildhall; Owner: guildhall_owner
--

COPY guildhall.balances (discord_server_id, unit, holder_id, balance, total_credited, total_debited, entries, updated_at) FROM stdin;
763742587306794177	points	7	4	4	0	2	1795795192772463
763742591404955342	points	2	4	4	0	2	1795795192772463
\.


--
-- Data for Name: channel_bindings; Type: TABLE DATA; Schema: guildhall; Owner: guildhall_owner
--

COPY guildhall.channel_bindings (platform, platform_user_id, bound_server_id) FROM stdin;
kick	122478	763742587306794177
kick	122478	763742591404955342
kick	122816	763742595502411757
\.


--
-- Data for Name: channels; Type: TABLE DATA; Schema: guildhall; Owner: guildhall_owner
--

COPY guildhall.channels (platform, platform_user_id, slug, name, live, live_since, access_token, refresh_token, token_expires_at, token_state, updated_at) FROM stdin;
kick	122478	lantern-live	Lantern_Live	live	1795793954000000	\\x016b310080aed16401c5bce6a3c377634cf4161e2ec6f9e3231799d31ad278ca8af7189d3786590262f4ffe63271b317fc57e2b82c892f1cfde7e1aa8aeda91fc0732bf973de76da005bda3373c31191b50ec1ee7ee67b4e68398535c319c3d9627cc10d56d8684ca53f6b1ddf263b60c545f1b94d460f5de1d3d097f08bd7ee6d5fc260ac9c2911f17021d8829afcd1b1c48941ed1896ff3e29d3a70eb46a5b56551db93b324feb869225ecc3540f97feb303ffb9157364d8158cde4a081f635f967d746d7c0e43703eb3e24f7a9e197208dcc266639f91f003409aa62f0c06b52bad16c58bbc312d1da02e5392ba5a453b17e91a534921b30c94509e4a1864896f4bacd1698f89808ea2ca29c2011b257344c879a3c7eed228d08c6d6ff45169bd6f7bb1282d3607a8fe9253e8c1947c02a297baafc17e3111a77fb5300214e88a9f9f283d166196a30a0add7c51707f341ddb7e99566ac42bf9f59b852889edade619955c86b0aa2d30654aa49d6f2d6a509f9671656b425a8b904569d2e27d9a46aef09157fa107a70a37965903c7f46e52fdea6c005bbaeba488075acaec2d6f6bb049ce5b402f3effe4dfba6e4aae405daacd1b08d936718bdc5f997b610610ba91043187bb1a7f0d0bea9078ab589d866edf62f3ca1e78d	\\x016b3100117d9d9bb31686463aa4ea285caccfc9cdbef0b20521d7483f1ce090580bdb06bbeb7af20510ccdee8bd9262fafe634bc4010868195aeb297a72afbb4726fbb5d3d28b5a719953379a8a629ef19f1d29966208b36daba5cb849fa24296415a583e0642504171a7159ddf3f0645561aa757e90ebe554a1c91e49854433f270a07483054e5a56a280642f2759fbaca0789afa55628e4e4e1397717c6a8fedf920adc658755f95e06e3ad0ba2ccdc90eb2190e7b19d8b1f00128f3d8526e990c09af2613b6e98341583f89db88dca54317e5befb82c3f37e0334860ead60d8058aa66bdb53c519f51b669a1a4edf180b869fc9a9a07ec589352c77aef3b62cee9521bb78c0e16bad735c06752d1b18c6f1235d5e9b93acd2ee6c4f4e09f30dc7135e18654d4f670198c892960c95e8d14c7d2a153e55233e33d42440d4ebf764a15c0a1a3b4d81ec8c863d3dd22a0eafcf51d9f7f90503d613e970c954f286b3eee3a680ca44cffd356bbd30507dfaa327aed448bf16ba86a535a82338b7abda9f6cfa097c2f37ba84dea242e4f5cd74d636e435c7ecfebdb78458eeaf3c86aa3ce178a2e432ccd3a8e38999d5fa1cbb65013e5b30edd25b7a16a8669f25b4d26c4b0f0148abb3daf10fbdb9136e39461ee5a59cddc07797c	1795801150545483	connected	1795793955705303
kick	122816	pixelmoss	PixelMoss	live	1795795178000000	\\x016b31001bc512152eb3be780ba2075c4bd710354a9b3373899bcb32a701622266b9bdab0be6cd70ea214db294ad1ac4cf85ffb27bc131adc68740df00d66f075476e3d86869f9479e6c3cc41789667dfc2caa97ced411833a5d938eb7e7ab4a1d1a6401f29339899d2ad96e19b55d88d17ac7ae1bd4903638c7d473d926b9b82c613e5d555db0480269a13f76edb112c1715f7c19f2c2c7bd88b201d882a8f39ecd87652ffcf58f4caacb5cac39708fdf52697e498cd08c1378396639a7b6d80403326ec279cdd840bd316115acfb9c5b26dd518bc1591e56b5ede1b6a8595c857d27476aaab13b6bf3361176d923c9d30ec3d7989e0cb54c0d059036ca434a1c675ec4b1d0acf05f3f7757b34eb048658e45683a11ba3bc96fa8fb2132a7c1e2f1706d823b89d3f62b9ce4bca70d8b20875cc130e3678e5c09cce4f71d8cbfec6baaadcbfa753504924f3a2cd13867fc94584161b264488a551da924b9873ac640ff620e02ac14ef4592eb1a3d3aec38b0d70cfa9d71af13eb39d9f0da38d93292be4a5f3deb368a9787abec36d557c02c03cad77716e6e6ea431716a5a32bf7b53c0e6be31f9582d0fedb1998acc80878e6c5800ed999b6a38b9479ff89294558b200ffe17b9f71b2c0d8e444d5cb41faba319e7a3c916a9690	\\x016b31008587900df396b24ee3fd20bf3dbf6e23de1d65b7fb3009cb46042c70f91758b1cac8ff15f56ad0dda7bebab3ad2f6e9cc2e3ce8c6d127404d4af8ae660c3c173d0dbdb2c9152b4175a50405200245a9c082f056388035a40e0907532e3ec98c38fca9b77d831dbcabf684e86b391ffd373d2506e22a11e76cb9ceed0fb9fc4ce1ed122fffa8262b1d6bf84a92e177c97e31db9317d61e14019278738ce238de48bf1f14f9f1e767be99b065788f97edbfd6c2be6bc5580255982d3e9d5caa8849e6a39fdd0b2e4d103b26a3749a0b01230c244bddec05dd37576b11ff84a13197d55197da77f5834a6bb67f2d11fee6f2e4c48ec040b9d373e8cf170bb966879cd7e60d0bece5047635919850725819343ec2ef53c42aab8c661594317ce2e3f46bcd2e98999546fd72c2bb99c37b67a41ed0bd4c1fe659205e08313fcc3438e69065a0e1275e1889ce11162ef4ee63d9b960edeb82f874db9b7ed832b25d38d3c046b3394875b916ed1babc09ef0121cea0657c9d043c1b6f93e968348b21e5b34dc9064bec3575825098acaf456c3d2ec229f35126ae9b9936f2a252a8aca45da630d073179953e5460476e6d5c5ba3bcc0e904087f329739dca4c8999e455763b20205c12fd6f624c3b925a63bedbea0ff55f78cc55	1795801154427783	connected	1795795178718423
\.


--
-- Data for Name: counters; Type: TABLE DATA; Schema: guildhall; Owner: guildhall_owner
--

COPY guildhall.counters (discord_server_id, kind, last) FROM stdin;
763742587306794177	activity	8
763742587306794177	audit	5
763742587306794177	link	4
763742587306794177	person	13
763742591404955342	activity	5
763742591404955342	audit	1
763742591404955342	person	4
763742595502411757	activity	4
763742595502411757	audit	1
763742595502411757	person	5
\.


--
-- Data for Name: cross_server_log; Type: TABLE DATA; Schema: guildhall; Owner: guildhall_owner
--

COPY guildhall.cross_server_log (day, purpose, runs, last_at) FROM stdin;
2026-11-27	outbox.sweep	22	1795795271549643
2026-11-27	tick.claim	225	1795795313492463
2026-11-27	tick.done	22	1795795258531503
2026-11-27	tick.minute	22	1795795258531503
\.


--
-- Data for Name: identities; Type: TABLE DATA; Schema: guildhall; Owner: guildhall_owner
--

COPY guildhall.identities (discord_server_id, platform, platform_user_id, person_id, home_person_id, name, folded_name, first_seen_at) FROM stdin;
763742587306794177	discord	759212738986794177	1	1	759212738986794177	759212738986794177	1795793943592203
763742587306794177	discord	759212743084955342	3	3	759212743084955342	759212743084955342	1795793945307303
763742587306794177	discord	759212747182411757	5	5	moss_badger17 (2)	moss_badger17 (2)	1795793946024063
763742587306794177	discord	759212751280376522	7	7	759212751280376522	759212751280376522	1795793947420983
763742587306794177	discord	759212779965001885	10	10	captain 5	captain 5	1795794200143683
763742587306794177	discord	759212804552225635	12	12	captain 11	captain 11	1795794554707023
763742587306794177	discord	759212902900812105	13	13	night_waffle10 (40)	night_waffle10 (40)	1795794838629963
763742587306794177	kick	122530	7	8	copper_kettle24	copper_kettle24	1795793947420983
763742587306794177	kick	122673	9	9	amber_rocket10	amber_rocket10	1795793974672323
763742587306794177	kick	122790	11	11	copper_waffle73	copper_waffle73	1795794310662783
763742587306794177	kick	name:moss_badger17	5	6	moss_badger17	moss_badger17	1795793946024063
763742587306794177	kick	name:night_owl3	1	2	night_owl3	night_owl3	1795793943592203
763742587306794177	kick	name:pixel_moth10	3	4	pixel_moth10	pixel_moth10	1795793945307303
763742591404955342	discord	759212845530416778	4	4	solar_lynx3 (26)	solar_lynx3 (26)	1795795090635063
763742591404955342	kick	122530	2	2	copper_kettle24	copper_kettle24	1795793980152183
763742591404955342	kick	122673	1	1	amber_rocket10	amber_rocket10	1795793974673523
763742591404955342	kick	122790	3	3	copper_waffle73	copper_waffle73	1795794310664703
763742595502411757	discord	759212738986794177	4	4	night_owl3	night_owl3	1795794982620063
763742595502411757	discord	759212751280376522	5	5	copper_kettle24	copper_kettle24	1795794987139623
763742595502411757	discord	759212902900812105	3	3	captain 11	captain 11	1795794756513483
763742595502411757	kick	122517	1	1	moss_badger17	moss_badger17	1795794010837983
763742595502411757	kick	122868	2	2	MANGO_RAVEN52	mango_raven52	1795794290669163
\.


--
-- Data for Name: jobs; Type: TABLE DATA; Schema: guildhall; Owner: guildhall_owner
--

COPY guildhall.jobs (discord_server_id, kind, due_at, lease_until, attempts, last_success_at, last_error) FROM stdin;
763742587306794177	minute	1795795318531503	0	0	1795795258531503	\N
763742591404955342	minute	1795795318531503	0	0	1795795258531503	\N
763742595502411757	minute	1795795318531503	0	0	1795795258531503	\N
\.


--
-- Data for Name: ledger; Type: TABLE DATA; Schema: guildhall; Owner: guildhall_owner
--

COPY guildhall.ledger (discord_server_id, unit, holder_id, entry_no, amount, balance_after, kind, operation_id, line, reason, actor, created_at) FROM stdin;
763742587306794177	points	7	1	2	2	watchtime	watchtime:7:1795794562533303	0		system	1795794562533303
763742587306794177	points	7	2	2	4	watchtime	watchtime:7:1795795192772463	0		system	1795795192772463
763742591404955342	points	2	1	2	2	watchtime	watchtime:2:1795794562533303	0		system	1795794562533303
763742591404955342	points	2	2	2	4	watchtime	watchtime:2:1795795192772463	0		system	1795795192772463
\.


--
-- Data for Name: ledger_postings; Type: TABLE DATA; Schema: guildhall; Owner: guildhall_owner
--

COPY guildhall.ledger_postings (discord_server_id, unit, holder_id, amount, kind, operation_id, reason) FROM stdin;
\.


--
-- Data for Name: links; Type: TABLE DATA; Schema: guildhall; Owner: guildhall_owner
--

COPY guildhall.links (discord_server_id, link_id, platform, from_person_id, to_person_id, moved_points, moved_watched_us, moved_subscribed_us, made_at, made_by, undone_at, undone_by) FROM stdin;
763742587306794177	1	kick	2	1	0	0	0	1795793943592203	operator	\N	\N
763742587306794177	2	kick	4	3	0	0	0	1795793945307303	operator	\N	\N
763742587306794177	3	kick	6	5	0	0	0	1795793946024063	operator	\N	\N
763742587306794177	4	kick	8	7	0	0	0	1795793947420983	operator	\N	\N
\.


--
-- Data for Name: login_codes; Type: TABLE DATA; Schema: guildhall; Owner: guildhall_owner
--

COPY guildhall.login_codes (code_hash, created_at, used_at) FROM stdin;
1a96b8880a8e550f1f8c02f14f085e06269dea580c5ea3b034a08ae5f9cc9c2c	1795793817224055	\N
\.


--
-- Data for Name: migration_journal; Type: TABLE DATA; Schema: guildhall; Owner: guildhall_owner
--

COPY guildhall.migration_journal (seq, name, direction, state, checksum, norm_checksum, down_checksum, down_source, statements_total, statements_done, started_at, applied_at, duration_ms, applied_by, tool_version, git_revision, backup_file, backup_sha256, fingerprint_before, fingerprint_after, lock_token, error) FROM stdin;
1	0001_core	up	applied	0f0ab19c34d629b5856bcdd34358491018646b9ce94504c4ce5ac306d1229c29	\N	\N	\N	\N	\N	1795793872749679	1795793872749679	33	uid 0 on vm, process 17031	0.1.0	\N	\N	\N	\N	\N	\N	\N
2	0002_watchtime	up	applied	c228e05bccbe11c15d1f3d3ece45de5ad6d7dcea6a58b97001fc0e51304bee8c	\N	\N	\N	\N	\N	1795793872749679	1795793872749679	3	uid 0 on vm, process 17031	0.1.0	\N	\N	\N	\N	\N	\N	\N
3	0003_points	up	applied	60dca44d6789be461198010595f54dae54188a99acd2367542000cb86d86ed2e	\N	\N	\N	\N	\N	1795793872749679	1795793872749679	0	uid 0 on vm, process 17031	0.1.0	\N	\N	\N	\N	\N	\N	\N
\.


--
-- Data for Name: oauth_states; Type: TABLE DATA; Schema: guildhall; Owner: guildhall_owner
--

COPY guildhall.oauth_states (state_hash, session_hash, verifier, server_id, created_at) FROM stdin;
\.


--
-- Data for Name: operator_log; Type: TABLE DATA; Schema: guildhall; Owner: guildhall_owner
--

COPY guildhall.operator_log (entry_id, at, actor, action, subject, before, after) FROM stdin;
1	1795793817107438	operator	login_code.made	dashboard	\N	\N
2	1795793817109562	operator	login_code.used	dashboard	\N	\N
3	1795793817224055	operator	login_code.made	dashboard	\N	\N
\.


--
-- Data for Name: outbox; Type: TABLE DATA; Schema: guildhall; Owner: guildhall_owner
--

COPY guildhall.outbox (discord_server_id, destination, sequence, body, nonce, created_at, expires_at, lease_until, attempts) FROM stdin;
\.


--
-- Data for Name: persons; Type: TABLE DATA; Schema: guildhall; Owner: guildhall_owner
--

COPY guildhall.persons (discord_server_id, person_id, display_name, created_at) FROM stdin;
763742587306794177	1	759212738986794177	1795793943592203
763742587306794177	2	night_owl3	1795793943592203
763742587306794177	3	759212743084955342	1795793945307303
763742587306794177	4	pixel_moth10	1795793945307303
763742587306794177	5	moss_badger17 (2)	1795793946024063
763742587306794177	6	moss_badger17	1795793946024063
763742587306794177	7	759212751280376522	1795793947420983
763742587306794177	8	copper_kettle24	1795793947420983
763742587306794177	9	amber_rocket10	1795793974672323
763742587306794177	10	captain 5	1795794200143683
763742587306794177	11	copper_waffle73	1795794310662783
763742587306794177	12	captain 11	1795794554707023
763742587306794177	13	night_waffle10 (40)	1795794838629963
763742591404955342	1	amber_rocket10	1795793974673523
763742591404955342	2	copper_kettle24	1795793980152183
763742591404955342	3	copper_waffle73	1795794310664703
763742591404955342	4	solar_lynx3 (26)	1795795090635063
763742595502411757	1	moss_badger17	1795794010837983
763742595502411757	2	MANGO_RAVEN52	1795794290669163
763742595502411757	3	captain 11	1795794756513483
763742595502411757	4	night_owl3	1795794982620063
763742595502411757	5	copper_kettle24	1795794987139623
\.


--
-- Data for Name: point_conversions; Type: TABLE DATA; Schema: guildhall; Owner: guildhall_owner
--

COPY guildhall.point_conversions (discord_server_id, person_id, plain_us, subscribed_us) FROM stdin;
763742587306794177	1	0	0
763742587306794177	2	0	0
763742587306794177	3	0	0
763742587306794177	4	0	0
763742587306794177	5	0	0
763742587306794177	6	0	0
763742587306794177	7	0	600000000
763742587306794177	8	0	0
763742587306794177	9	0	0
763742587306794177	11	0	0
763742591404955342	1	0	0
763742591404955342	2	0	600000000
763742591404955342	3	0	0
\.


--
-- Data for Name: presence; Type: TABLE DATA; Schema: guildhall; Owner: guildhall_owner
--

COPY guildhall.presence (discord_server_id, person_id, at, subscriber) FROM stdin;
763742587306794177	7	1795794907000000	1
763742591404955342	2	1795794907000000	1
\.


--
-- Data for Name: process_state; Type: TABLE DATA; Schema: guildhall; Owner: guildhall_owner
--

COPY guildhall.process_state (key, value) FROM stdin;
discord.gateway	{"session":{"id":"NDpS2eVvsal0wsR2kH3zOZBGqNHCKkGZ","resume_url":"ws://127.0.0.1:32899","sequence":51,"intents":33283,"guilds":["763742595502411757","763742591404955342","763742587306794177"]},"budget":{"total":1000,"left":999,"resets_at":1795880216135949}}
web.url	http://127.0.0.1:18099
\.


--
-- Data for Name: servers; Type: TABLE DATA; Schema: guildhall; Owner: guildhall_owner
--

COPY guildhall.servers (discord_server_id, name, state, joined_at, left_at, revision) FROM stdin;
763742587306794177	Lantern Harbor	active	1795793928332163	\N	6
763742591404955342	Moss and Pixels	active	1795793928334623	\N	2
763742595502411757	The Quiet Arcade	active	1795793928336063	\N	2
\.


--
-- Data for Name: sessions; Type: TABLE DATA; Schema: guildhall; Owner: guildhall_owner
--

COPY guildhall.sessions (session_hash, principal, csrf_token, created_at, seen_at) FROM stdin;
c330bd7a8e67a455a9b9c60c81fd20766bcf6779b3b0a893c78b8959cec2c33c	operator	iLZblDw0-XCpJb7X56f4rAhJ7-JzsclCNmkh7-FOots	1795793817109562	1795793817109562
\.


--
-- Data for Name: setting_defaults; Type: TABLE DATA; Schema: guildhall; Owner: guildhall_owner
--

COPY guildhall.setting_defaults (key, value, updated_at) FROM stdin;
\.


--
-- Data for Name: settings; Type: TABLE DATA; Schema: guildhall; Owner: guildhall_owner
--

COPY guildhall.settings (discord_server_id, key, value, updated_at) FROM stdin;
763742587306794177	kick_channel	lantern-live	1795793931830103
763742591404955342	kick_channel	lantern-live	1795793932620183
763742595502411757	kick_channel	pixelmoss	1795793933742003
\.


--
-- Data for Name: watch_conditions; Type: TABLE DATA; Schema: guildhall; Owner: guildhall_owner
--

COPY guildhall.watch_conditions (discord_server_id, kind, from_us, until_us) FROM stdin;
763742587306794177	live	1795793954000000	\N
763742587306794177	tracking	1795793930017143	\N
763742591404955342	live	1795793954000000	\N
763742591404955342	tracking	1795793930492103	\N
763742595502411757	live	1795795178000000	\N
763742595502411757	tracking	1795793930489703	\N
\.


--
-- Data for Name: watch_settlements; Type: TABLE DATA; Schema: guildhall; Owner: guildhall_owner
--

COPY guildhall.watch_settlements (discord_server_id, settled_until) FROM stdin;
763742587306794177	1795795138531503
763742591404955342	1795795138531503
763742595502411757	1795795138531503
\.


--
-- Data for Name: watch_spans; Type: TABLE DATA; Schema: guildhall; Owner: guildhall_owner
--

COPY guildhall.watch_spans (discord_server_id, from_us, until_us) FROM stdin;
763742587306794177	1795795072772463	253402300799000000
763742591404955342	1795795072772463	253402300799000000
763742595502411757	1795795178000000	253402300799000000
\.


--
-- Data for Name: watchtime; Type: TABLE DATA; Schema: guildhall; Owner: guildhall_owner
--

COPY guildhall.watchtime (discord_server_id, person_id, watched_us, subscribed_us, last_active_at, updated_at) FROM stdin;
763742587306794177	7	600000000	600000000	1795794907000000	1795795192772463
763742587306794177	9	120000000	0	1795793974000000	1795794245490483
763742587306794177	11	264000000	0	1795794462000000	1795794748773183
763742591404955342	1	120000000	0	1795793974000000	1795794245490483
763742591404955342	2	600000000	600000000	1795794907000000	1795795192772463
763742591404955342	3	264000000	0	1795794462000000	1795794748773183
\.


--
-- Name: migration_journal_seq_seq; Type: SEQUENCE SET; Schema: guildhall; Owner: guildhall_owner
--

SELECT pg_catalog.setval('guildhall.migration_journal_seq_seq', 3, true);


--
-- Name: operator_log_entry_id_seq; Type: SEQUENCE SET; Schema: guildhall; Owner: guildhall_owner
--

SELECT pg_catalog.setval('guildhall.operator_log_entry_id_seq', 3, true);


--
-- Name: activity activity_pkey; Type: CONSTRAINT; Schema: guildhall; Owner: guildhall_owner
--

ALTER TABLE ONLY guildhall.activity
    ADD CONSTRAINT activity_pkey PRIMARY KEY (discord_server_id, activity_id);


--
-- Name: audit_log audit_log_pkey; Type: CONSTRAINT; Schema: guildhall; Owner: guildhall_owner
--

ALTER TABLE ONLY guildhall.audit_log
    ADD CONSTRAINT audit_log_pkey PRIMARY KEY (discord_server_id, entry_id);


--
-- Name: balances balances_pkey; Type: CONSTRAINT; Schema: guildhall; Owner: guildhall_owner
--

ALTER TABLE ONLY guildhall.balances
    ADD CONSTRAINT balances_pkey PRIMARY KEY (discord_server_id, unit, holder_id);


--
-- Name: channel_bindings channel_bindings_pkey; Type: CONSTRAINT; Schema: guildhall; Owner: guildhall_owner
--

ALTER TABLE ONLY guildhall.channel_bindings
    ADD CONSTRAINT channel_bindings_pkey PRIMARY KEY (platform, platform_user_id, bound_server_id);


--
-- Name: channels channels_pkey; Type: CONSTRAINT; Schema: guildhall; Owner: guildhall_owner
--

ALTER TABLE ONLY guildhall.channels
    ADD CONSTRAINT channels_pkey PRIMARY KEY (platform, platform_user_id);


--
-- Name: counters counters_pkey; Type: CONSTRAINT; Schema: guildhall; Owner: guildhall_owner
--

ALTER TABLE ONLY guildhall.counters
    ADD CONSTRAINT counters_pkey PRIMARY KEY (discord_server_id, kind);


--
-- Name: cross_server_log cross_server_log_pkey; Type: CONSTRAINT; Schema: guildhall; Owner: guildhall_owner
--

ALTER TABLE ONLY guildhall.cross_server_log
    ADD CONSTRAINT cross_server_log_pkey PRIMARY KEY (day, purpose);


--
-- Name: identities identities_pkey; Type: CONSTRAINT; Schema: guildhall; Owner: guildhall_owner
--

ALTER TABLE ONLY guildhall.identities
    ADD CONSTRAINT identities_pkey PRIMARY KEY (discord_server_id, platform, platform_user_id);


--
-- Name: jobs jobs_pkey; Type: CONSTRAINT; Schema: guildhall; Owner: guildhall_owner
--

ALTER TABLE ONLY guildhall.jobs
    ADD CONSTRAINT jobs_pkey PRIMARY KEY (discord_server_id, kind);


--
-- Name: ledger ledger_pkey; Type: CONSTRAINT; Schema: guildhall; Owner: guildhall_owner
--

ALTER TABLE ONLY guildhall.ledger
    ADD CONSTRAINT ledger_pkey PRIMARY KEY (discord_server_id, unit, holder_id, entry_no);


--
-- Name: ledger_postings ledger_postings_pkey; Type: CONSTRAINT; Schema: guildhall; Owner: guildhall_owner
--

ALTER TABLE ONLY guildhall.ledger_postings
    ADD CONSTRAINT ledger_postings_pkey PRIMARY KEY (discord_server_id, unit, holder_id);


--
-- Name: links links_pkey; Type: CONSTRAINT; Schema: guildhall; Owner: guildhall_owner
--

ALTER TABLE ONLY guildhall.links
    ADD CONSTRAINT links_pkey PRIMARY KEY (discord_server_id, link_id);


--
-- Name: login_codes login_codes_pkey; Type: CONSTRAINT; Schema: guildhall; Owner: guildhall_owner
--

ALTER TABLE ONLY guildhall.login_codes
    ADD CONSTRAINT login_codes_pkey PRIMARY KEY (code_hash);


--
-- Name: migration_journal migration_journal_pkey; Type: CONSTRAINT; Schema: guildhall; Owner: guildhall_owner
--

ALTER TABLE ONLY guildhall.migration_journal
    ADD CONSTRAINT migration_journal_pkey PRIMARY KEY (seq);


--
-- Name: oauth_states oauth_states_pkey; Type: CONSTRAINT; Schema: guildhall; Owner: guildhall_owner
--

ALTER TABLE ONLY guildhall.oauth_states
    ADD CONSTRAINT oauth_states_pkey PRIMARY KEY (state_hash);


--
-- Name: operator_log operator_log_pkey; Type: CONSTRAINT; Schema: guildhall; Owner: guildhall_owner
--

ALTER TABLE ONLY guildhall.operator_log
    ADD CONSTRAINT operator_log_pkey PRIMARY KEY (entry_id);


--
-- Name: outbox outbox_pkey; Type: CONSTRAINT; Schema: guildhall; Owner: guildhall_owner
--

ALTER TABLE ONLY guildhall.outbox
    ADD CONSTRAINT outbox_pkey PRIMARY KEY (discord_server_id, destination, sequence);


--
-- Name: persons persons_pkey; Type: CONSTRAINT; Schema: guildhall; Owner: guildhall_owner
--

ALTER TABLE ONLY guildhall.persons
    ADD CONSTRAINT persons_pkey PRIMARY KEY (discord_server_id, person_id);


--
-- Name: point_conversions point_conversions_pkey; Type: CONSTRAINT; Schema: guildhall; Owner: guildhall_owner
--

ALTER TABLE ONLY guildhall.point_conversions
    ADD CONSTRAINT point_conversions_pkey PRIMARY KEY (discord_server_id, person_id);


--
-- Name: presence presence_pkey; Type: CONSTRAINT; Schema: guildhall; Owner: guildhall_owner
--

ALTER TABLE ONLY guildhall.presence
    ADD CONSTRAINT presence_pkey PRIMARY KEY (discord_server_id, person_id, at);


--
-- Name: process_state process_state_pkey; Type: CONSTRAINT; Schema: guildhall; Owner: guildhall_owner
--

ALTER TABLE ONLY guildhall.process_state
    ADD CONSTRAINT process_state_pkey PRIMARY KEY (key);


--
-- Name: servers servers_pkey; Type: CONSTRAINT; Schema: guildhall; Owner: guildhall_owner
--

ALTER TABLE ONLY guildhall.servers
    ADD CONSTRAINT servers_pkey PRIMARY KEY (discord_server_id);


--
-- Name: sessions sessions_pkey; Type: CONSTRAINT; Schema: guildhall; Owner: guildhall_owner
--

ALTER TABLE ONLY guildhall.sessions
    ADD CONSTRAINT sessions_pkey PRIMARY KEY (session_hash);


--
-- Name: setting_defaults setting_defaults_pkey; Type: CONSTRAINT; Schema: guildhall; Owner: guildhall_owner
--

ALTER TABLE ONLY guildhall.setting_defaults
    ADD CONSTRAINT setting_defaults_pkey PRIMARY KEY (key);


--
-- Name: settings settings_pkey; Type: CONSTRAINT; Schema: guildhall; Owner: guildhall_owner
--

ALTER TABLE ONLY guildhall.settings
    ADD CONSTRAINT settings_pkey PRIMARY KEY (discord_server_id, key);


--
-- Name: watch_conditions watch_conditions_pkey; Type: CONSTRAINT; Schema: guildhall; Owner: guildhall_owner
--

ALTER TABLE ONLY guildhall.watch_conditions
    ADD CONSTRAINT watch_conditions_pkey PRIMARY KEY (discord_server_id, kind, from_us);


--
-- Name: watch_settlements watch_settlements_pkey; Type: CONSTRAINT; Schema: guildhall; Owner: guildhall_owner
--

ALTER TABLE ONLY guildhall.watch_settlements
    ADD CONSTRAINT watch_settlements_pkey PRIMARY KEY (discord_server_id);


--
-- Name: watch_spans watch_spans_pkey; Type: CONSTRAINT; Schema: guildhall; Owner: guildhall_owner
--

ALTER TABLE ONLY guildhall.watch_spans
    ADD CONSTRAINT watch_spans_pkey PRIMARY KEY (discord_server_id, from_us);


--
-- Name: watchtime watchtime_pkey; Type: CONSTRAINT; Schema: guildhall; Owner: guildhall_owner
--

ALTER TABLE ONLY guildhall.watchtime
    ADD CONSTRAINT watchtime_pkey PRIMARY KEY (discord_server_id, person_id);


--
-- Name: activity_operation; Type: INDEX; Schema: guildhall; Owner: guildhall_owner
--

CREATE UNIQUE INDEX activity_operation ON guildhall.activity USING btree (discord_server_id, operation_id);


--
-- Name: balances_ranking; Type: INDEX; Schema: guildhall; Owner: guildhall_owner
--

CREATE INDEX balances_ranking ON guildhall.balances USING btree (discord_server_id, unit, balance DESC, holder_id);


--
-- Name: channel_bindings_server; Type: INDEX; Schema: guildhall; Owner: guildhall_owner
--

CREATE UNIQUE INDEX channel_bindings_server ON guildhall.channel_bindings USING btree (bound_server_id, platform);


--
-- Name: identities_name; Type: INDEX; Schema: guildhall; Owner: guildhall_owner
--

CREATE INDEX identities_name ON guildhall.identities USING btree (discord_server_id, platform, folded_name);


--
-- Name: identities_person; Type: INDEX; Schema: guildhall; Owner: guildhall_owner
--

CREATE INDEX identities_person ON guildhall.identities USING btree (discord_server_id, person_id);


--
-- Name: jobs_due; Type: INDEX; Schema: guildhall; Owner: guildhall_owner
--

CREATE INDEX jobs_due ON guildhall.jobs USING btree (discord_server_id, due_at);


--
-- Name: ledger_operation; Type: INDEX; Schema: guildhall; Owner: guildhall_owner
--

CREATE UNIQUE INDEX ledger_operation ON guildhall.ledger USING btree (discord_server_id, operation_id, line);


--
-- Name: ledger_time; Type: INDEX; Schema: guildhall; Owner: guildhall_owner
--

CREATE INDEX ledger_time ON guildhall.ledger USING btree (discord_server_id, unit, created_at);


--
-- Name: links_open; Type: INDEX; Schema: guildhall; Owner: guildhall_owner
--

CREATE UNIQUE INDEX links_open ON guildhall.links USING btree (discord_server_id, from_person_id) WHERE (undone_at IS NULL);


--
-- Name: presence_time; Type: INDEX; Schema: guildhall; Owner: guildhall_owner
--

CREATE INDEX presence_time ON guildhall.presence USING btree (discord_server_id, at);


--
-- Name: watchtime_ranking; Type: INDEX; Schema: guildhall; Owner: guildhall_owner
--

CREATE INDEX watchtime_ranking ON guildhall.watchtime USING btree (discord_server_id, watched_us DESC, person_id);


--
-- Name: watchtime_updated; Type: INDEX; Schema: guildhall; Owner: guildhall_owner
--

CREATE INDEX watchtime_updated ON guildhall.watchtime USING btree (discord_server_id, updated_at);


--
-- Name: activity activity_discord_server_id_fkey; Type: FK CONSTRAINT; Schema: guildhall; Owner: guildhall_owner
--

ALTER TABLE ONLY guildhall.activity
    ADD CONSTRAINT activity_discord_server_id_fkey FOREIGN KEY (discord_server_id) REFERENCES guildhall.servers(discord_server_id);


--
-- Name: audit_log audit_log_discord_server_id_fkey; Type: FK CONSTRAINT; Schema: guildhall; Owner: guildhall_owner
--

ALTER TABLE ONLY guildhall.audit_log
    ADD CONSTRAINT audit_log_discord_server_id_fkey FOREIGN KEY (discord_server_id) REFERENCES guildhall.servers(discord_server_id);


--
-- Name: balances balances_discord_server_id_fkey; Type: FK CONSTRAINT; Schema: guildhall; Owner: guildhall_owner
--

ALTER TABLE ONLY guildhall.balances
    ADD CONSTRAINT balances_discord_server_id_fkey FOREIGN KEY (discord_server_id) REFERENCES guildhall.servers(discord_server_id);


--
-- Name: channel_bindings channel_bindings_bound_server_id_fkey; Type: FK CONSTRAINT; Schema: guildhall; Owner: guildhall_owner
--

ALTER TABLE ONLY guildhall.channel_bindings
    ADD CONSTRAINT channel_bindings_bound_server_id_fkey FOREIGN KEY (bound_server_id) REFERENCES guildhall.servers(discord_server_id);


--
-- Name: channel_bindings channel_bindings_platform_platform_user_id_fkey; Type: FK CONSTRAINT; Schema: guildhall; Owner: guildhall_owner
--

ALTER TABLE ONLY guildhall.channel_bindings
    ADD CONSTRAINT channel_bindings_platform_platform_user_id_fkey FOREIGN KEY (platform, platform_user_id) REFERENCES guildhall.channels(platform, platform_user_id);


--
-- Name: counters counters_discord_server_id_fkey; Type: FK CONSTRAINT; Schema: guildhall; Owner: guildhall_owner
--

ALTER TABLE ONLY guildhall.counters
    ADD CONSTRAINT counters_discord_server_id_fkey FOREIGN KEY (discord_server_id) REFERENCES guildhall.servers(discord_server_id);


--
-- Name: identities identities_discord_server_id_home_person_id_fkey; Type: FK CONSTRAINT; Schema: guildhall; Owner: guildhall_owner
--

ALTER TABLE ONLY guildhall.identities
    ADD CONSTRAINT identities_discord_server_id_home_person_id_fkey FOREIGN KEY (discord_server_id, home_person_id) REFERENCES guildhall.persons(discord_server_id, person_id);


--
-- Name: identities identities_discord_server_id_person_id_fkey; Type: FK CONSTRAINT; Schema: guildhall; Owner: guildhall_owner
--

ALTER TABLE ONLY guildhall.identities
    ADD CONSTRAINT identities_discord_server_id_person_id_fkey FOREIGN KEY (discord_server_id, person_id) REFERENCES guildhall.persons(discord_server_id, person_id);


--
-- Name: jobs jobs_discord_server_id_fkey; Type: FK CONSTRAINT; Schema: guildhall; Owner: guildhall_owner
--

ALTER TABLE ONLY guildhall.jobs
    ADD CONSTRAINT jobs_discord_server_id_fkey FOREIGN KEY (discord_server_id) REFERENCES guildhall.servers(discord_server_id);


--
-- Name: ledger ledger_discord_server_id_unit_holder_id_fkey; Type: FK CONSTRAINT; Schema: guildhall; Owner: guildhall_owner
--

ALTER TABLE ONLY guildhall.ledger
    ADD CONSTRAINT ledger_discord_server_id_unit_holder_id_fkey FOREIGN KEY (discord_server_id, unit, holder_id) REFERENCES guildhall.balances(discord_server_id, unit, holder_id);


--
-- Name: ledger_postings ledger_postings_discord_server_id_fkey; Type: FK CONSTRAINT; Schema: guildhall; Owner: guildhall_owner
--

ALTER TABLE ONLY guildhall.ledger_postings
    ADD CONSTRAINT ledger_postings_discord_server_id_fkey FOREIGN KEY (discord_server_id) REFERENCES guildhall.servers(discord_server_id);


--
-- Name: links links_discord_server_id_from_person_id_fkey; Type: FK CONSTRAINT; Schema: guildhall; Owner: guildhall_owner
--

ALTER TABLE ONLY guildhall.links
    ADD CONSTRAINT links_discord_server_id_from_person_id_fkey FOREIGN KEY (discord_server_id, from_person_id) REFERENCES guildhall.persons(discord_server_id, person_id);


--
-- Name: links links_discord_server_id_to_person_id_fkey; Type: FK CONSTRAINT; Schema: guildhall; Owner: guildhall_owner
--

ALTER TABLE ONLY guildhall.links
    ADD CONSTRAINT links_discord_server_id_to_person_id_fkey FOREIGN KEY (discord_server_id, to_person_id) REFERENCES guildhall.persons(discord_server_id, person_id);


--
-- Name: outbox outbox_discord_server_id_fkey; Type: FK CONSTRAINT; Schema: guildhall; Owner: guildhall_owner
--

ALTER TABLE ONLY guildhall.outbox
    ADD CONSTRAINT outbox_discord_server_id_fkey FOREIGN KEY (discord_server_id) REFERENCES guildhall.servers(discord_server_id);


--
-- Name: persons persons_discord_server_id_fkey; Type: FK CONSTRAINT; Schema: guildhall; Owner: guildhall_owner
--

ALTER TABLE ONLY guildhall.persons
    ADD CONSTRAINT persons_discord_server_id_fkey FOREIGN KEY (discord_server_id) REFERENCES guildhall.servers(discord_server_id);


--
-- Name: point_conversions point_conversions_discord_server_id_person_id_fkey; Type: FK CONSTRAINT; Schema: guildhall; Owner: guildhall_owner
--

ALTER TABLE ONLY guildhall.point_conversions
    ADD CONSTRAINT point_conversions_discord_server_id_person_id_fkey FOREIGN KEY (discord_server_id, person_id) REFERENCES guildhall.persons(discord_server_id, person_id);


--
-- Name: presence presence_discord_server_id_person_id_fkey; Type: FK CONSTRAINT; Schema: guildhall; Owner: guildhall_owner
--

ALTER TABLE ONLY guildhall.presence
    ADD CONSTRAINT presence_discord_server_id_person_id_fkey FOREIGN KEY (discord_server_id, person_id) REFERENCES guildhall.persons(discord_server_id, person_id);


--
-- Name: settings settings_discord_server_id_fkey; Type: FK CONSTRAINT; Schema: guildhall; Owner: guildhall_owner
--

ALTER TABLE ONLY guildhall.settings
    ADD CONSTRAINT settings_discord_server_id_fkey FOREIGN KEY (discord_server_id) REFERENCES guildhall.servers(discord_server_id);


--
-- Name: watch_conditions watch_conditions_discord_server_id_fkey; Type: FK CONSTRAINT; Schema: guildhall; Owner: guildhall_owner
--

ALTER TABLE ONLY guildhall.watch_conditions
    ADD CONSTRAINT watch_conditions_discord_server_id_fkey FOREIGN KEY (discord_server_id) REFERENCES guildhall.servers(discord_server_id);


--
-- Name: watch_settlements watch_settlements_discord_server_id_fkey; Type: FK CONSTRAINT; Schema: guildhall; Owner: guildhall_owner
--

ALTER TABLE ONLY guildhall.watch_settlements
    ADD CONSTRAINT watch_settlements_discord_server_id_fkey FOREIGN KEY (discord_server_id) REFERENCES guildhall.servers(discord_server_id);


--
-- Name: watch_spans watch_spans_discord_server_id_fkey; Type: FK CONSTRAINT; Schema: guildhall; Owner: guildhall_owner
--

ALTER TABLE ONLY guildhall.watch_spans
    ADD CONSTRAINT watch_spans_discord_server_id_fkey FOREIGN KEY (discord_server_id) REFERENCES guildhall.servers(discord_server_id);


--
-- Name: watchtime watchtime_discord_server_id_person_id_fkey; Type: FK CONSTRAINT; Schema: guildhall; Owner: guildhall_owner
--

ALTER TABLE ONLY guildhall.watchtime
    ADD CONSTRAINT watchtime_discord_server_id_person_id_fkey FOREIGN KEY (discord_server_id, person_id) REFERENCES guildhall.persons(discord_server_id, person_id);


--
-- Name: activity; Type: ROW SECURITY; Schema: guildhall; Owner: guildhall_owner
--

ALTER TABLE guildhall.activity ENABLE ROW LEVEL SECURITY;

--
-- Name: audit_log; Type: ROW SECURITY; Schema: guildhall; Owner: guildhall_owner
--

ALTER TABLE guildhall.audit_log ENABLE ROW LEVEL SECURITY;

--
-- Name: activity backup; Type: POLICY; Schema: guildhall; Owner: guildhall_owner
--

CREATE POLICY backup ON guildhall.activity FOR SELECT TO guildhall_ro USING (true);


--
-- Name: audit_log backup; Type: POLICY; Schema: guildhall; Owner: guildhall_owner
--

CREATE POLICY backup ON guildhall.audit_log FOR SELECT TO guildhall_ro USING (true);


--
-- Name: balances backup; Type: POLICY; Schema: guildhall; Owner: guildhall_owner
--

CREATE POLICY backup ON guildhall.balances FOR SELECT TO guildhall_ro USING (true);


--
-- Name: counters backup; Type: POLICY; Schema: guildhall; Owner: guildhall_owner
--

CREATE POLICY backup ON guildhall.counters FOR SELECT TO guildhall_ro USING (true);


--
-- Name: identities backup; Type: POLICY; Schema: guildhall; Owner: guildhall_owner
--

CREATE POLICY backup ON guildhall.identities FOR SELECT TO guildhall_ro USING (true);


--
-- Name: ledger backup; Type: POLICY; Schema: guildhall; Owner: guildhall_owner
--

CREATE POLICY backup ON guildhall.ledger FOR SELECT TO guildhall_ro USING (true);


--
-- Name: ledger_postings backup; Type: POLICY; Schema: guildhall; Owner: guildhall_owner
--

CREATE POLICY backup ON guildhall.ledger_postings FOR SELECT TO guildhall_ro USING (true);


--
-- Name: links backup; Type: POLICY; Schema: guildhall; Owner: guildhall_owner
--

CREATE POLICY backup ON guildhall.links FOR SELECT TO guildhall_ro USING (true);


--
-- Name: outbox backup; Type: POLICY; Schema: guildhall; Owner: guildhall_owner
--

CREATE POLICY backup ON guildhall.outbox FOR SELECT TO guildhall_ro USING (true);


--
-- Name: persons backup; Type: POLICY; Schema: guildhall; Owner: guildhall_owner
--

CREATE POLICY backup ON guildhall.persons FOR SELECT TO guildhall_ro USING (true);


--
-- Name: point_conversions backup; Type: POLICY; Schema: guildhall; Owner: guildhall_owner
--

CREATE POLICY backup ON guildhall.point_conversions FOR SELECT TO guildhall_ro USING (true);


--
-- Name: presence backup; Type: POLICY; Schema: guildhall; Owner: guildhall_owner
--

CREATE POLICY backup ON guildhall.presence FOR SELECT TO guildhall_ro USING (true);


--
-- Name: settings backup; Type: POLICY; Schema: guildhall; Owner: guildhall_owner
--

CREATE POLICY backup ON guildhall.settings FOR SELECT TO guildhall_ro USING (true);


--
-- Name: watch_conditions backup; Type: POLICY; Schema: guildhall; Owner: guildhall_owner
--

CREATE POLICY backup ON guildhall.watch_conditions FOR SELECT TO guildhall_ro USING (true);


--
-- Name: watch_settlements backup; Type: POLICY; Schema: guildhall; Owner: guildhall_owner
--

CREATE POLICY backup ON guildhall.watch_settlements FOR SELECT TO guildhall_ro USING (true);


--
-- Name: watch_spans backup; Type: POLICY; Schema: guildhall; Owner: guildhall_owner
--

CREATE POLICY backup ON guildhall.watch_spans FOR SELECT TO guildhall_ro USING (true);


--
-- Name: watchtime backup; Type: POLICY; Schema: guildhall; Owner: guildhall_owner
--

CREATE POLICY backup ON guildhall.watchtime FOR SELECT TO guildhall_ro USING (true);


--
-- Name: balances; Type: ROW SECURITY; Schema: guildhall; Owner: guildhall_owner
--

ALTER TABLE guildhall.balances ENABLE ROW LEVEL SECURITY;

--
-- Name: counters; Type: ROW SECURITY; Schema: guildhall; Owner: guildhall_owner
--

ALTER TABLE guildhall.counters ENABLE ROW LEVEL SECURITY;

--
-- Name: identities; Type: ROW SECURITY; Schema: guildhall; Owner: guildhall_owner
--

ALTER TABLE guildhall.identities ENABLE ROW LEVEL SECURITY;

--
-- Name: ledger; Type: ROW SECURITY; Schema: guildhall; Owner: guildhall_owner
--

ALTER TABLE guildhall.ledger ENABLE ROW LEVEL SECURITY;

--
-- Name: ledger_postings; Type: ROW SECURITY; Schema: guildhall; Owner: guildhall_owner
--

ALTER TABLE guildhall.ledger_postings ENABLE ROW LEVEL SECURITY;

--
-- Name: links; Type: ROW SECURITY; Schema: guildhall; Owner: guildhall_owner
--

ALTER TABLE guildhall.links ENABLE ROW LEVEL SECURITY;

--
-- Name: activity migration; Type: POLICY; Schema: guildhall; Owner: guildhall_owner
--

CREATE POLICY migration ON guildhall.activity TO guildhall_owner, guildhall_migrate USING (true) WITH CHECK (true);


--
-- Name: audit_log migration; Type: POLICY; Schema: guildhall; Owner: guildhall_owner
--

CREATE POLICY migration ON guildhall.audit_log TO guildhall_owner, guildhall_migrate USING (true) WITH CHECK (true);


--
-- Name: balances migration; Type: POLICY; Schema: guildhall; Owner: guildhall_owner
--

CREATE POLICY migration ON guildhall.balances TO guildhall_owner, guildhall_migrate USING (true) WITH CHECK (true);


--
-- Name: counters migration; Type: POLICY; Schema: guildhall; Owner: guildhall_owner
--

CREATE POLICY migration ON guildhall.counters TO guildhall_owner, guildhall_migrate USING (true) WITH CHECK (true);


--
-- Name: identities migration; Type: POLICY; Schema: guildhall; Owner: guildhall_owner
--

CREATE POLICY migration ON guildhall.identities TO guildhall_owner, guildhall_migrate USING (true) WITH CHECK (true);


--
-- Name: ledger migration; Type: POLICY; Schema: guildhall; Owner: guildhall_owner
--

CREATE POLICY migration ON guildhall.ledger TO guildhall_owner, guildhall_migrate USING (true) WITH CHECK (true);


--
-- Name: ledger_postings migration; Type: POLICY; Schema: guildhall; Owner: guildhall_owner
--

CREATE POLICY migration ON guildhall.ledger_postings TO guildhall_owner, guildhall_migrate USING (true) WITH CHECK (true);


--
-- Name: links migration; Type: POLICY; Schema: guildhall; Owner: guildhall_owner
--

CREATE POLICY migration ON guildhall.links TO guildhall_owner, guildhall_migrate USING (true) WITH CHECK (true);


--
-- Name: outbox migration; Type: POLICY; Schema: guildhall; Owner: guildhall_owner
--

CREATE POLICY migration ON guildhall.outbox TO guildhall_owner, guildhall_migrate USING (true) WITH CHECK (true);


--
-- Name: persons migration; Type: POLICY; Schema: guildhall; Owner: guildhall_owner
--

CREATE POLICY migration ON guildhall.persons TO guildhall_owner, guildhall_migrate USING (true) WITH CHECK (true);


--
-- Name: point_conversions migration; Type: POLICY; Schema: guildhall; Owner: guildhall_owner
--

CREATE POLICY migration ON guildhall.point_conversions TO guildhall_owner, guildhall_migrate USING (true) WITH CHECK (true);


--
-- Name: presence migration; Type: POLICY; Schema: guildhall; Owner: guildhall_owner
--

CREATE POLICY migration ON guildhall.presence TO guildhall_owner, guildhall_migrate USING (true) WITH CHECK (true);


--
-- Name: settings migration; Type: POLICY; Schema: guildhall; Owner: guildhall_owner
--

CREATE POLICY migration ON guildhall.settings TO guildhall_owner, guildhall_migrate USING (true) WITH CHECK (true);


--
-- Name: watch_conditions migration; Type: POLICY; Schema: guildhall; Owner: guildhall_owner
--

CREATE POLICY migration ON guildhall.watch_conditions TO guildhall_owner, guildhall_migrate USING (true) WITH CHECK (true);


--
-- Name: watch_settlements migration; Type: POLICY; Schema: guildhall; Owner: guildhall_owner
--

CREATE POLICY migration ON guildhall.watch_settlements TO guildhall_owner, guildhall_migrate USING (true) WITH CHECK (true);


--
-- Name: watch_spans migration; Type: POLICY; Schema: guildhall; Owner: guildhall_owner
--

CREATE POLICY migration ON guildhall.watch_spans TO guildhall_owner, guildhall_migrate USING (true) WITH CHECK (true);


--
-- Name: watchtime migration; Type: POLICY; Schema: guildhall; Owner: guildhall_owner
--

CREATE POLICY migration ON guildhall.watchtime TO guildhall_owner, guildhall_migrate USING (true) WITH CHECK (true);


--
-- Name: outbox; Type: ROW SECURITY; Schema: guildhall; Owner: guildhall_owner
--

ALTER TABLE guildhall.outbox ENABLE ROW LEVEL SECURITY;

--
-- Name: persons; Type: ROW SECURITY; Schema: guildhall; Owner: guildhall_owner
--

ALTER TABLE guildhall.persons ENABLE ROW LEVEL SECURITY;

--
-- Name: point_conversions; Type: ROW SECURITY; Schema: guildhall; Owner: guildhall_owner
--

ALTER TABLE guildhall.point_conversions ENABLE ROW LEVEL SECURITY;

--
-- Name: presence; Type: ROW SECURITY; Schema: guildhall; Owner: guildhall_owner
--

ALTER TABLE guildhall.presence ENABLE ROW LEVEL SECURITY;

--
-- Name: activity server; Type: POLICY; Schema: guildhall; Owner: guildhall_owner
--

CREATE POLICY server ON guildhall.activity TO guildhall_app USING ((discord_server_id = (current_setting('guildhall.server_id'::text))::bigint)) WITH CHECK ((discord_server_id = (current_setting('guildhall.server_id'::text))::bigint));


--
-- Name: audit_log server; Type: POLICY; Schema: guildhall; Owner: guildhall_owner
--

CREATE POLICY server ON guildhall.audit_log TO guildhall_app USING ((discord_server_id = (current_setting('guildhall.server_id'::text))::bigint)) WITH CHECK ((discord_server_id = (current_setting('guildhall.server_id'::text))::bigint));


--
-- Name: balances server; Type: POLICY; Schema: guildhall; Owner: guildhall_owner
--

CREATE POLICY server ON guildhall.balances TO guildhall_app USING ((discord_server_id = (current_setting('guildhall.server_id'::text))::bigint)) WITH CHECK ((discord_server_id = (current_setting('guildhall.server_id'::text))::bigint));


--
-- Name: counters server; Type: POLICY; Schema: guildhall; Owner: guildhall_owner
--

CREATE POLICY server ON guildhall.counters TO guildhall_app USING ((discord_server_id = (current_setting('guildhall.server_id'::text))::bigint)) WITH CHECK ((discord_server_id = (current_setting('guildhall.server_id'::text))::bigint));


--
-- Name: identities server; Type: POLICY; Schema: guildhall; Owner: guildhall_owner
--

CREATE POLICY server ON guildhall.identities TO guildhall_app USING ((discord_server_id = (current_setting('guildhall.server_id'::text))::bigint)) WITH CHECK ((discord_server_id = (current_setting('guildhall.server_id'::text))::bigint));


--
-- Name: ledger server; Type: POLICY; Schema: guildhall; Owner: guildhall_owner
--

CREATE POLICY server ON guildhall.ledger TO guildhall_app USING ((discord_server_id = (current_setting('guildhall.server_id'::text))::bigint)) WITH CHECK ((discord_server_id = (current_setting('guildhall.server_id'::text))::bigint));


--
-- Name: ledger_postings server; Type: POLICY; Schema: guildhall; Owner: guildhall_owner
--

CREATE POLICY server ON guildhall.ledger_postings TO guildhall_app USING ((discord_server_id = (current_setting('guildhall.server_id'::text))::bigint)) WITH CHECK ((discord_server_id = (current_setting('guildhall.server_id'::text))::bigint));


--
-- Name: links server; Type: POLICY; Schema: guildhall; Owner: guildhall_owner
--

CREATE POLICY server ON guildhall.links TO guildhall_app USING ((discord_server_id = (current_setting('guildhall.server_id'::text))::bigint)) WITH CHECK ((discord_server_id = (current_setting('guildhall.server_id'::text))::bigint));


--
-- Name: outbox server; Type: POLICY; Schema: guildhall; Owner: guildhall_owner
--

CREATE POLICY server ON guildhall.outbox TO guildhall_app USING ((discord_server_id = (current_setting('guildhall.server_id'::text))::bigint)) WITH CHECK ((discord_server_id = (current_setting('guildhall.server_id'::text))::bigint));


--
-- Name: persons server; Type: POLICY; Schema: guildhall; Owner: guildhall_owner
--

CREATE POLICY server ON guildhall.persons TO guildhall_app USING ((discord_server_id = (current_setting('guildhall.server_id'::text))::bigint)) WITH CHECK ((discord_server_id = (current_setting('guildhall.server_id'::text))::bigint));


--
-- Name: point_conversions server; Type: POLICY; Schema: guildhall; Owner: guildhall_owner
--

CREATE POLICY server ON guildhall.point_conversions TO guildhall_app USING ((discord_server_id = (current_setting('guildhall.server_id'::text))::bigint)) WITH CHECK ((discord_server_id = (current_setting('guildhall.server_id'::text))::bigint));


--
-- Name: presence server; Type: POLICY; Schema: guildhall; Owner: guildhall_owner
--

CREATE POLICY server ON guildhall.presence TO guildhall_app USING ((discord_server_id = (current_setting('guildhall.server_id'::text))::bigint)) WITH CHECK ((discord_server_id = (current_setting('guildhall.server_id'::text))::bigint));


--
-- Name: settings server; Type: POLICY; Schema: guildhall; Owner: guildhall_owner
--

CREATE POLICY server ON guildhall.settings TO guildhall_app USING ((discord_server_id = (current_setting('guildhall.server_id'::text))::bigint)) WITH CHECK ((discord_server_id = (current_setting('guildhall.server_id'::text))::bigint));


--
-- Name: watch_conditions server; Type: POLICY; Schema: guildhall; Owner: guildhall_owner
--

CREATE POLICY server ON guildhall.watch_conditions TO guildhall_app USING ((discord_server_id = (current_setting('guildhall.server_id'::text))::bigint)) WITH CHECK ((discord_server_id = (current_setting('guildhall.server_id'::text))::bigint));


--
-- Name: watch_settlements server; Type: POLICY; Schema: guildhall; Owner: guildhall_owner
--

CREATE POLICY server ON guildhall.watch_settlements TO guildhall_app USING ((discord_server_id = (current_setting('guildhall.server_id'::text))::bigint)) WITH CHECK ((discord_server_id = (current_setting('guildhall.server_id'::text))::bigint));


--
-- Name: watch_spans server; Type: POLICY; Schema: guildhall; Owner: guildhall_owner
--

CREATE POLICY server ON guildhall.watch_spans TO guildhall_app USING ((discord_server_id = (current_setting('guildhall.server_id'::text))::bigint)) WITH CHECK ((discord_server_id = (current_setting('guildhall.server_id'::text))::bigint));


--
-- Name: watchtime server; Type: POLICY; Schema: guildhall; Owner: guildhall_owner
--

CREATE POLICY server ON guildhall.watchtime TO guildhall_app USING ((discord_server_id = (current_setting('guildhall.server_id'::text))::bigint)) WITH CHECK ((discord_server_id = (current_setting('guildhall.server_id'::text))::bigint));


--
-- Name: settings; Type: ROW SECURITY; Schema: guildhall; Owner: guildhall_owner
--

ALTER TABLE guildhall.settings ENABLE ROW LEVEL SECURITY;

--
-- Name: balances tick; Type: POLICY; Schema: guildhall; Owner: guildhall_owner
--

CREATE POLICY tick ON guildhall.balances TO guildhall_tick USING (true) WITH CHECK (true);


--
-- Name: counters tick; Type: POLICY; Schema: guildhall; Owner: guildhall_owner
--

CREATE POLICY tick ON guildhall.counters TO guildhall_tick USING (true) WITH CHECK (true);


--
-- Name: ledger tick; Type: POLICY; Schema: guildhall; Owner: guildhall_owner
--

CREATE POLICY tick ON guildhall.ledger TO guildhall_tick USING (true) WITH CHECK (true);


--
-- Name: ledger_postings tick; Type: POLICY; Schema: guildhall; Owner: guildhall_owner
--

CREATE POLICY tick ON guildhall.ledger_postings TO guildhall_tick USING (true) WITH CHECK (true);


--
-- Name: outbox tick; Type: POLICY; Schema: guildhall; Owner: guildhall_owner
--

CREATE POLICY tick ON guildhall.outbox TO guildhall_tick USING (true) WITH CHECK (true);


--
-- Name: point_conversions tick; Type: POLICY; Schema: guildhall; Owner: guildhall_owner
--

CREATE POLICY tick ON guildhall.point_conversions TO guildhall_tick USING (true) WITH CHECK (true);


--
-- Name: presence tick; Type: POLICY; Schema: guildhall; Owner: guildhall_owner
--

CREATE POLICY tick ON guildhall.presence TO guildhall_tick USING (true) WITH CHECK (true);


--
-- Name: settings tick; Type: POLICY; Schema: guildhall; Owner: guildhall_owner
--

CREATE POLICY tick ON guildhall.settings TO guildhall_tick USING (true) WITH CHECK (true);


--
-- Name: watch_conditions tick; Type: POLICY; Schema: guildhall; Owner: guildhall_owner
--

CREATE POLICY tick ON guildhall.watch_conditions TO guildhall_tick USING (true) WITH CHECK (true);


--
-- Name: watch_settlements tick; Type: POLICY; Schema: guildhall; Owner: guildhall_owner
--

CREATE POLICY tick ON guildhall.watch_settlements TO guildhall_tick USING (true) WITH CHECK (true);


--
-- Name: watch_spans tick; Type: POLICY; Schema: guildhall; Owner: guildhall_owner
--

CREATE POLICY tick ON guildhall.watch_spans TO guildhall_tick USING (true) WITH CHECK (true);


--
-- Name: watchtime tick; Type: POLICY; Schema: guildhall; Owner: guildhall_owner
--

CREATE POLICY tick ON guildhall.watchtime TO guildhall_tick USING (true) WITH CHECK (true);


--
-- Name: watch_conditions; Type: ROW SECURITY; Schema: guildhall; Owner: guildhall_owner
--

ALTER TABLE guildhall.watch_conditions ENABLE ROW LEVEL SECURITY;

--
-- Name: watch_settlements; Type: ROW SECURITY; Schema: guildhall; Owner: guildhall_owner
--

ALTER TABLE guildhall.watch_settlements ENABLE ROW LEVEL SECURITY;

--
-- Name: watch_spans; Type: ROW SECURITY; Schema: guildhall; Owner: guildhall_owner
--

ALTER TABLE guildhall.watch_spans ENABLE ROW LEVEL SECURITY;

--
-- Name: watchtime; Type: ROW SECURITY; Schema: guildhall; Owner: guildhall_owner
--

ALTER TABLE guildhall.watchtime ENABLE ROW LEVEL SECURITY;

--
-- Name: SCHEMA guildhall; Type: ACL; Schema: -; Owner: guildhall_owner
--

GRANT USAGE ON SCHEMA guildhall TO guildhall_app;
GRANT USAGE ON SCHEMA guildhall TO guildhall_tick;
GRANT USAGE ON SCHEMA guildhall TO guildhall_migrate;
GRANT USAGE ON SCHEMA guildhall TO guildhall_ro;


--
-- Name: TABLE activity; Type: ACL; Schema: guildhall; Owner: guildhall_owner
--

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE guildhall.activity TO guildhall_app;
GRANT SELECT ON TABLE guildhall.activity TO guildhall_ro;


--
-- Name: TABLE audit_log; Type: ACL; Schema: guildhall; Owner: guildhall_owner
--

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE guildhall.audit_log TO guildhall_app;
GRANT SELECT ON TABLE guildhall.audit_log TO guildhall_ro;


--
-- Name: TABLE balances; Type: ACL; Schema: guildhall; Owner: guildhall_owner
--

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE guildhall.balances TO guildhall_app;
GRANT SELECT ON TABLE guildhall.balances TO guildhall_ro;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE guildhall.balances TO guildhall_tick;


--
-- Name: TABLE channel_bindings; Type: ACL; Schema: guildhall; Owner: guildhall_owner
--

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE guildhall.channel_bindings TO guildhall_app;
GRANT SELECT ON TABLE guildhall.channel_bindings TO guildhall_ro;


--
-- Name: TABLE channels; Type: ACL; Schema: guildhall; Owner: guildhall_owner
--

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE guildhall.channels TO guildhall_app;
GRANT SELECT ON TABLE guildhall.channels TO guildhall_ro;


--
-- Name: TABLE counters; Type: ACL; Schema: guildhall; Owner: guildhall_owner
--

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE guildhall.counters TO guildhall_app;
GRANT SELECT ON TABLE guildhall.counters TO guildhall_ro;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE guildhall.counters TO guildhall_tick;


--
-- Name: TABLE cross_server_log; Type: ACL; Schema: guildhall; Owner: guildhall_owner
--

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE guildhall.cross_server_log TO guildhall_app;
GRANT SELECT ON TABLE guildhall.cross_server_log TO guildhall_ro;


--
-- Name: TABLE identities; Type: ACL; Schema: guildhall; Owner: guildhall_owner
--

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE guildhall.identities TO guildhall_app;
GRANT SELECT ON TABLE guildhall.identities TO guildhall_ro;


--
-- Name: TABLE jobs; Type: ACL; Schema: guildhall; Owner: guildhall_owner
--

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE guildhall.jobs TO guildhall_app;
GRANT SELECT ON TABLE guildhall.jobs TO guildhall_ro;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE guildhall.jobs TO guildhall_tick;


--
-- Name: TABLE ledger; Type: ACL; Schema: guildhall; Owner: guildhall_owner
--

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE guildhall.ledger TO guildhall_app;
GRANT SELECT ON TABLE guildhall.ledger TO guildhall_ro;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE guildhall.ledger TO guildhall_tick;


--
-- Name: TABLE ledger_postings; Type: ACL; Schema: guildhall; Owner: guildhall_owner
--

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE guildhall.ledger_postings TO guildhall_app;
GRANT SELECT ON TABLE guildhall.ledger_postings TO guildhall_ro;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE guildhall.ledger_postings TO guildhall_tick;


--
-- Name: TABLE links; Type: ACL; Schema: guildhall; Owner: guildhall_owner
--

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE guildhall.links TO guildhall_app;
GRANT SELECT ON TABLE guildhall.links TO guildhall_ro;


--
-- Name: TABLE login_codes; Type: ACL; Schema: guildhall; Owner: guildhall_owner
--

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE guildhall.login_codes TO guildhall_app;
GRANT SELECT ON TABLE guildhall.login_codes TO guildhall_ro;


--
-- Name: TABLE migration_journal; Type: ACL; Schema: guildhall; Owner: guildhall_owner
--

GRANT SELECT ON TABLE guildhall.migration_journal TO guildhall_app;
GRANT SELECT ON TABLE guildhall.migration_journal TO guildhall_ro;


--
-- Name: SEQUENCE migration_journal_seq_seq; Type: ACL; Schema: guildhall; Owner: guildhall_owner
--

GRANT SELECT ON SEQUENCE guildhall.migration_journal_seq_seq TO guildhall_ro;


--
-- Name: TABLE oauth_states; Type: ACL; Schema: guildhall; Owner: guildhall_owner
--

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE guildhall.oauth_states TO guildhall_app;
GRANT SELECT ON TABLE guildhall.oauth_states TO guildhall_ro;


--
-- Name: TABLE operator_log; Type: ACL; Schema: guildhall; Owner: guildhall_owner
--

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE guildhall.operator_log TO guildhall_app;
GRANT SELECT ON TABLE guildhall.operator_log TO guildhall_ro;


--
-- Name: SEQUENCE operator_log_entry_id_seq; Type: ACL; Schema: guildhall; Owner: guildhall_owner
--

GRANT SELECT ON SEQUENCE guildhall.operator_log_entry_id_seq TO guildhall_ro;


--
-- Name: TABLE outbox; Type: ACL; Schema: guildhall; Owner: guildhall_owner
--

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE guildhall.outbox TO guildhall_app;
GRANT SELECT ON TABLE guildhall.outbox TO guildhall_ro;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE guildhall.outbox TO guildhall_tick;


--
-- Name: TABLE persons; Type: ACL; Schema: guildhall; Owner: guildhall_owner
--

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE guildhall.persons TO guildhall_app;
GRANT SELECT ON TABLE guildhall.persons TO guildhall_ro;


--
-- Name: TABLE point_conversions; Type: ACL; Schema: guildhall; Owner: guildhall_owner
--

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE guildhall.point_conversions TO guildhall_app;
GRANT SELECT ON TABLE guildhall.point_conversions TO guildhall_ro;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE guildhall.point_conversions TO guildhall_tick;


--
-- Name: TABLE presence; Type: ACL; Schema: guildhall; Owner: guildhall_owner
--

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE guildhall.presence TO guildhall_app;
GRANT SELECT ON TABLE guildhall.presence TO guildhall_ro;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE guildhall.presence TO guildhall_tick;


--
-- Name: TABLE process_state; Type: ACL; Schema: guildhall; Owner: guildhall_owner
--

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE guildhall.process_state TO guildhall_app;
GRANT SELECT ON TABLE guildhall.process_state TO guildhall_ro;


--
-- Name: TABLE servers; Type: ACL; Schema: guildhall; Owner: guildhall_owner
--

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE guildhall.servers TO guildhall_app;
GRANT SELECT ON TABLE guildhall.servers TO guildhall_ro;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE guildhall.servers TO guildhall_tick;


--
-- Name: TABLE sessions; Type: ACL; Schema: guildhall; Owner: guildhall_owner
--

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE guildhall.sessions TO guildhall_app;
GRANT SELECT ON TABLE guildhall.sessions TO guildhall_ro;


--
-- Name: TABLE setting_defaults; Type: ACL; Schema: guildhall; Owner: guildhall_owner
--

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE guildhall.setting_defaults TO guildhall_app;
GRANT SELECT ON TABLE guildhall.setting_defaults TO guildhall_ro;
GRANT SELECT ON TABLE guildhall.setting_defaults TO guildhall_tick;


--
-- Name: TABLE settings; Type: ACL; Schema: guildhall; Owner: guildhall_owner
--

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE guildhall.settings TO guildhall_app;
GRANT SELECT ON TABLE guildhall.settings TO guildhall_ro;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE guildhall.settings TO guildhall_tick;


--
-- Name: TABLE watch_conditions; Type: ACL; Schema: guildhall; Owner: guildhall_owner
--

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE guildhall.watch_conditions TO guildhall_app;
GRANT SELECT ON TABLE guildhall.watch_conditions TO guildhall_ro;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE guildhall.watch_conditions TO guildhall_tick;


--
-- Name: TABLE watch_settlements; Type: ACL; Schema: guildhall; Owner: guildhall_owner
--

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE guildhall.watch_settlements TO guildhall_app;
GRANT SELECT ON TABLE guildhall.watch_settlements TO guildhall_ro;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE guildhall.watch_settlements TO guildhall_tick;


--
-- Name: TABLE watch_spans; Type: ACL; Schema: guildhall; Owner: guildhall_owner
--

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE guildhall.watch_spans TO guildhall_app;
GRANT SELECT ON TABLE guildhall.watch_spans TO guildhall_ro;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE guildhall.watch_spans TO guildhall_tick;


--
-- Name: TABLE watchtime; Type: ACL; Schema: guildhall; Owner: guildhall_owner
--

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE guildhall.watchtime TO guildhall_app;
GRANT SELECT ON TABLE guildhall.watchtime TO guildhall_ro;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE guildhall.watchtime TO guildhall_tick;


--
-- PostgreSQL database dump complete
--


