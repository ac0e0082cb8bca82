# Sourced by ./test: the suites, and how their results are counted and summed up.

# In the order in which they begin: what takes longest first. Two run at once, but `alone` ones, which use both
# cores themselves or watch the clock.
suites=(postgres unit files faults journeys isolation dashboard sim contract platforms lint migrate convert browser)
alone=(migrate convert browser bench-check)

# Each suite writes what it did to stdout and ends with one line "PASSED n FAILED n SKIPPED n", or is a
# GoogleTest program, whose own last lines are read.
gtest() { timeout 900 "build/release/tests/$1" --gtest_brief=1 "${@:2}"; }

node_tests() {
  local folder=$1
  shift
  if [ -f "$folder/package-lock.json" ]; then cmake -DDASHBOARD="$PWD/$folder" -DNPM="$(command -v npm)" -P cmake/npm_packages.cmake || return 1; fi
  (cd "$folder" && timeout 900 node "$@")
}

# A private PostgreSQL for one call; its address is in GUILDHALL_TEST_POSTGRES.
with_postgres() {
  local folder result=0
  folder=$(mktemp -d)
  GUILDHALL_TEST_POSTGRES=$(tools/private_postgres.sh start "$folder") || { rm -rf "$folder"; return 1; }
  export GUILDHALL_TEST_POSTGRES
  "$@" || result=$?
  tools/private_postgres.sh stop "$folder"
  rm -rf "$folder"
  unset GUILDHALL_TEST_POSTGRES
  return $result
}

# What is about PostgreSQL alone, and what brings data from it to the layouts, which needs all of them.
of_postgres='Postgres.*:PostgresCatalog.*:*InPostgres*:Move*:*/Move*:*/Postgres:PostgresBackup.*:PostgresRestoreTest.*:*OfPostgres.*:*/ImportInto*'
# What is about no layout, or about one of SQLite's: run once.
of_no_other='*ReferencePage*:Arrows.*:Seal.*:SqliteDatabase.*:PerServer.*:ManyServers.*:HandleLimits.*:OutboxInFiles.*:SchemaReadersInFiles.*:*InSqlite*:Fuzz*:*/Fuzz*:SqlLexer*:SqlStatements*:MigrationFiles*:Checksums*:Durations*:*/Sqlite:*OfSqlite.*:SqliteBackup.*:SqliteRestoreTest.*:Program*'
# On anybody's database, which is a SQLite file or on PostgreSQL.
of_anybody='AnyDatabase*:*/Postgres'

suite_unit() { gtest unit_tests "--gtest_filter=-$of_postgres"; }
# The same tests and the same isolation, on the other two layouts.
suite_files() {
  export GUILDHALL_TEST_STORAGE=sqlite-per-server
  local result=0
  { gtest unit_tests "--gtest_filter=-$of_postgres:$of_no_other:$of_anybody" && gtest isolation_tests && gtest mutation_tests; } || result=1
  unset GUILDHALL_TEST_STORAGE
  return $result
}
suite_postgres() { with_postgres on_postgres; }
on_postgres() {
  export GUILDHALL_TEST_STORAGE=postgres
  local result=0 left_out=$of_no_other
  # Each shape once more under the bot's statements; EveryShapeOfPostgres has them at three moments.
  [ "$GUILDHALL_FULL" = 1 ] || left_out+=':*EveryOldBotGoesOn*'
  { gtest unit_tests "--gtest_filter=-$left_out" &&
    gtest isolation_tests && gtest mutation_tests; } || result=1
  unset GUILDHALL_TEST_STORAGE
  return $result
}
suite_platforms() { gtest platform_tests; }
suite_sim() { gtest sim_tests; }
suite_isolation() { gtest isolation_tests && gtest mutation_tests; }
# `guildhall migrate` as its users meet it. Two files at once: they wait for databases and clocks most of the time.
suite_migrate() {
  # shellcheck disable=SC2046
  node_tests tests/migrate --test --test-concurrency=2 $(cd tests/migrate && find . -name '*.mjs' -not -path '*/node_modules/*' -not -name support.mjs -not -name answers.mjs | sort)
}
# `guildhall convert` and `guildhall import` that are killed, and servers that are none for it: on PostgreSQL servers of its
# own and on SQLite files.
suite_convert() { node_tests tests/convert --test --test-concurrency=2 steps.mjs kills.mjs servers.mjs sqlite.mjs imports.mjs; }
suite_faults() { node_tests tests/faults run.mjs; }
suite_contract() { node_tests tests/contract/discordjs run.mjs; }
suite_journeys() {
  node_tests tests/journeys run.mjs || return 1
  [ "$GUILDHALL_FULL" = 1 ] || return 0
  GUILDHALL_TEST_STORAGE=sqlite-per-server node_tests tests/journeys each_layout.mjs &&
    GUILDHALL_TEST_STORAGE=postgres node_tests tests/journeys each_layout.mjs
}
suite_browser() { node_tests tests/browser run.mjs; }
# Without colours, which would hide the counts.
suite_dashboard() { (cd dashboard && export NO_COLOR=1 && npm run --silent check && npm test --silent); }
suite_bench_check() { build release bench && build/release/bench --check; }

suite_lint() {
  local files
  files=$(find src sim tests bench -name '*.h' -o -name '*.cpp' | sort)
  # shellcheck disable=SC2086
  clang-format-19 --dry-run --Werror $files || return 1
  if [ -n "${GUILDHALL_TIDY:-}" ]; then
    # shellcheck disable=SC2086
    clang-tidy-19 -p build/release --quiet $(printf '%s\n' $files | grep '\.cpp$' | grep -v _test.cpp) || return 1
  fi
  echo "PASSED $(printf '%s\n' $files | wc -l) FAILED 0 SKIPPED 0"
}

# Reads the numbers out of what a suite printed: passed failed skipped.
count_results() {
  awk '
    /^PASSED [0-9]+ FAILED [0-9]+ SKIPPED [0-9]+/ { passed += $2; failed += $4; skipped += $6; next }
    /^\[  PASSED  \] [0-9]+ test/ { passed += $4 }
    /^ *[0-9]+ FAILED TEST/ { failed += $1 }
    /^\[  SKIPPED \] [0-9]+ test/ { skipped += $4 }
    # node:test sums up once: "# pass 7" in TAP, "ℹ pass 7" from its spec reporter.
    /^(#|ℹ) (pass|fail|cancelled|skipped) [0-9]+$/ {
      if ($2 == "pass") passed += $3; else if ($2 == "skipped") skipped += $3; else failed += $3
    }
    / Tests +.*passed/ { for (i = 1; i <= NF; i++) { if ($i == "passed") passed += $(i - 1); if ($i == "failed") failed += $(i - 1); if ($i == "skipped") skipped += $(i - 1) } }
    END { printf "%d %d %d\n", passed, failed, skipped }' "$1"
}

# Runs one and writes into the folder what came of it.
run_suite() {
  local name=$1 folder=$2 started=$SECONDS broke=0 p f s
  printf '.. %s\n' "$name"
  "suite_${name//-/_}" >"$folder/$name.log" 2>&1 || broke=1
  read -r p f s < <(count_results "$folder/$name.log")
  [ $broke = 0 ] || [ "$f" -gt 0 ] || f=1
  {
    printf '== %s\n' "$name"
    [ $broke = 0 ] || tail -n 60 "$folder/$name.log"
    grep -E '^(SKIPPED:|# [0-9])' "$folder/$name.log" || true
    printf '   %d passed, %d failed, %d skipped in %d s\n' "$p" "$f" "$s" $((SECONDS - started))
  } >"$folder/$name.shown"
  echo "$p $f $s $broke" >"$folder/$name.counts"
  cat "$folder/$name.shown"
}

is_alone() { [[ " ${alone[*]} " == *" $1 "* ]]; }

run_suites() {
  local folder name begin=$SECONDS p f s broke passed=0 failed=0 skipped=0 broken=()
  folder=$(mktemp -d)
  # What runs in the background does not hear Ctrl-C by itself.
  trap 'trap - INT TERM; kill -TERM 0' INT TERM
  for name in "$@"; do
    ! is_alone "$name" || continue
    [ "$(jobs -rp | wc -l)" -lt 2 ] || wait -n || true
    run_suite "$name" "$folder" &
  done
  wait
  for name in "$@"; do
    ! is_alone "$name" || run_suite "$name" "$folder"
    read -r p f s broke <"$folder/$name.counts"
    passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
    [ "$broke" = 0 ] || broken+=("$name")
  done
  rm -rf "$folder"
  [ ${#broken[@]} = 0 ] || printf 'Failed: %s\n' "${broken[*]}"
  printf 'Tests: %d passed, %d failed, %d skipped in %d:%02d\n' $passed $failed $skipped $(((SECONDS - begin) / 60)) $(((SECONDS - begin) % 60))
  [ ${#broken[@]} = 0 ]
}
