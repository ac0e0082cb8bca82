# With CMAKE_UNITY_BUILD, which the first build of a fresh clone has on, eight files of a room are compiled as one: a
# build from scratch takes little more than half the time. Whoever goes on to change them turns it off: a changed file is
# then compiled by itself, and compile_commands.json names each.
#   cmake --preset release -DCMAKE_UNITY_BUILD=OFF
# These are compiled alone all the same, because names of their own are also a neighbour's. "Redefinition of ..." or
# "reference to ... is ambiguous" in a file unity_N_cxx.cxx: the file goes in here, or its name becomes its own.
set(compiled_alone
  # What tests/isolation/ compiles once more, with mutations: its objects take the place of these.
  src/bot/dispatcher.cpp src/store/statement.cpp src/store/sqlite/connection.cpp src/store/sqlite/server_files.cpp
  src/store/sqlite/units.cpp src/store/postgres/connection.cpp src/tenancy/scopes.cpp src/tenancy/seal.cpp
  src/bot/short_signature.cpp src/bot/oauth_states.cpp src/web/link_pages.cpp src/web/discord_sign_in.cpp
  src/web/api.cpp src/web/sessions.cpp src/net/http.cpp src/platforms/kick/webhook.cpp src/bot/kick_bridge.cpp
  src/tenancy/channel_grants.cpp
  tests/isolation/switches.cpp

  sim/components.cpp sim/discord_message_check.cpp sim/interactions.cpp sim/kick.cpp sim/message_filling.cpp
  sim/rate_limits.cpp src/bot/discord_checkup.cpp src/bot/discord_interactions.cpp src/bot/discord_shards.cpp
  src/bot/kick_hearing.cpp src/bot/kick_routes.cpp src/bot/leases.cpp src/bot/ledger.cpp src/bot/links.cpp src/bot/outbox.cpp src/bot/persons.cpp
  src/bot/process_state.cpp src/bot/role_changes.cpp src/bot/schema_reader.cpp src/bot/settings.cpp src/cli/convert_commands.cpp
  src/cli/migrate_answers.cpp src/cli/migrate_backups.cpp src/cli/migrate_commands.cpp src/cli/migrate_doctor.cpp
  src/cli/migrate_fleet.cpp src/cli/migrate_plan.cpp src/cli/migrate_run_options.cpp src/cli/migrate_status.cpp
  src/cli/run_command.cpp src/cli/settings_commands.cpp src/cli/sim_check.cpp src/cli/sim_command.cpp
  src/cli/sim_load_command.cpp src/convert/attribution.cpp src/convert/description.cpp
  src/convert/old_schema_postgres.cpp src/convert/postgres_forward.cpp src/convert/postgres_preflight.cpp
  src/convert/report_html.cpp src/convert/routine_text.cpp src/convert/row_facts.cpp src/convert/sqlite_archive.cpp
  src/convert/sqlite_plan.cpp src/convert/sqlite_schema.cpp src/convert/sqlite_switch.cpp
  src/convert/sqlite_table_text.cpp src/convert/sums_sqlite.cpp src/convert/twins.cpp src/convert/verify.cpp
  src/convert/view_text.cpp src/import/revert.cpp src/import/revert_report.cpp src/migrate/data_loss.cpp
  src/migrate/derived_down_postgres.cpp src/migrate/derived_down_sqlite.cpp src/migrate/lint.cpp
  src/migrate/migration_docs.cpp src/migrate/migration_options.cpp src/migrate/name_collisions.cpp
  src/migrate/outcome.cpp src/migrate/passed_over.cpp src/migrate/phases.cpp src/migrate/plan.cpp
  src/migrate/postgres_programs.cpp src/migrate/precheck_queries.cpp src/migrate/restore.cpp src/migrate/rights.cpp
  src/migrate/run_outside.cpp src/migrate/schema_match.cpp src/migrate/schema_snapshot_postgres.cpp
  src/migrate/schema_snapshot_sqlite.cpp src/migrate/schema_watch_postgres.cpp src/migrate/script_rules.cpp
  src/migrate/statement_reading.cpp src/migrate/table_facts.cpp src/migrate/touched_tables.cpp
  src/migrate/variants.cpp src/migrate/verify.cpp src/net/http_server.cpp src/net/websocket_client.cpp
  src/net/websocket_server.cpp src/platforms/discord/commands_json.cpp src/platforms/discord/message.cpp
  src/platforms/discord/refusals.cpp src/platforms/discord/upload.cpp src/tenancy/counters.cpp

  src/convert/naive_ways_test.cpp src/convert/old_bot_goes_on_test.cpp src/convert/old_kick_test.cpp
  src/convert/postgres_back_test.cpp src/convert/right_ways_test.cpp src/convert/sqlite_archive_test.cpp
  src/convert/sqlite_file_way_test.cpp src/convert/sqlite_keys_test.cpp src/convert/sqlite_odd_schemas_test.cpp
  src/convert/sqlite_online_test.cpp src/convert/sqlite_preset_test.cpp src/convert/sqlite_rebuild_test.cpp
  src/convert/sqlite_rollback_test.cpp src/convert/sqlite_traps_test.cpp src/migrate/backup_test.cpp
  src/migrate/derived_down_test.cpp src/migrate/lock_test.cpp src/migrate/restore_test.cpp
  src/migrate/schema_snapshot_test.cpp src/migrate/schema_watch_test.cpp src/migrate/sql_statements_test.cpp
  src/platforms/discord/permissions_test.cpp src/platforms/discord/state_test.cpp
  src/store/sqlite/per_server_database_test.cpp tests/fuzz/gateway_fuzz.cpp tests/fuzz/webhook_fuzz.cpp
  tests/support/test_database.cpp)
set_source_files_properties(${compiled_alone} PROPERTIES SKIP_UNITY_BUILD_INCLUSION ON)

