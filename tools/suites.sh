# Sourced by ./test: the suites, and how their results are counted and summed up.

# What takes long first; whatever fits beside what runs begins. Two more than there are cores run at once, because each waits
# half of its time. `twice` ones, which have two halves, a world that is faster than the clock or a browser, count for two;
# `alone` ones measure.
suites=(postgres faults browser unit journeys files migrate convert postgres-isolation isolation dashboard sim contract platforms lint)
twice=(postgres faults browser)
alone=(sanitized bench-check)
at_once=$(($(nproc) + 2))

# In seconds: a suite that goes on for longer hangs.
longest() { if [ "$GUILDHALL_FULL" = 1 ]; then echo 5400; else echo 1200; fi; }

# Each suite writes what it did to stdout and ends with one line "PASSED n FAILED n SKIPPED n", or is a
# GoogleTest program, whose own last lines are read.
gtest() { timeout "$(longest)" "build/release/tests/$1" --gtest_brief=1 "${@:2}"; }

node_tests() {
  local folder=$1
  shift
  if [ -f "$folder/package-lock.json" ]; then cmake -DDASHBOARD="$PWD/$folder" -DNPM="$(command -v npm)" -P cmake/npm_packages.cmake || return 1; fi
  (cd "$folder" && timeout "$(longest)" node "$@")
}

# Makes the folder for the files of this run, its databases above all, and prints its name: in memory where there is
# plenty. For each database PostgreSQL makes and drops hundreds of files, and what a disk takes for that is no promise
# of any test.
folder_of_tests() {
  local folder needed=$((4 << 20)) # KiB
  if [ "$(stat -f -c %T /dev/shm 2>/dev/null)" = tmpfs ] && [ "$(df -k --output=avail /dev/shm | tail -n 1)" -gt $needed ] &&
    [ "$(awk '/^MemAvailable:/ { print $2 }' /proc/meminfo)" -gt $((2 * needed)) ]; then
    folder=$(mktemp -d /dev/shm/guildhall-tests.XXXXXX)
  else
    folder=$(mktemp -d)
  fi
  chmod 711 "$folder" # the database's user goes through it
  printf '%s\n' "$folder"
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
of_no_other='*ReferencePage*:Arrows.*:Seal.*:SqliteDatabase.*:PerServer.*:ManyServers.*:HandleLimits.*:OutboxInFiles.*:SchemaReadersInFiles.*:*InSqlite*:Fuzz*:*/Fuzz*:SqlLexer*:SqlStatements*:MigrationFiles*:Checksums*:Durations*:*/Sqlite:*OfSqlite.*:SqliteBackup.*:SqliteRestoreTest.*:Program*:Isolation.SaysWhat*:Isolation.SeesAnAnswer*:CheckedDiscord.*:InKickInFiles.*:InKickInWholeFiles.*:KickPostsToFiles.*:Live.*:FromTheSocket.*:ToldByTheOperator.*:ToldOfAnotherChatroom.*:FoundBefore.*:WithTheWrongKey.*:OnOneMessage.*:InDiscordWithMembers.*:BridgeInDiscord.*:Forms.*:DeclaredForms.*:SignedIds.*:DiscordNeeds.*'
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
# Each on a server of its own, as tests look at the roles and databases of a whole server. In two halves at once: in one
# piece it would go on when all others are done.
suite_postgres() {
  local left_out=$of_no_other folder half halves=() result=0
  # Each shape once more under the bot's statements; EveryShapeOfPostgres has them at three moments.
  [ "$GUILDHALL_FULL" = 1 ] || left_out+=':*EveryOldBotGoesOn*'
  folder=$(mktemp -d)
  for half in 0 1; do
    GTEST_TOTAL_SHARDS=2 GTEST_SHARD_INDEX=$half GUILDHALL_TEST_STORAGE=postgres \
      with_postgres gtest unit_tests "--gtest_filter=-$left_out" >"$folder/$half" 2>&1 &
    halves+=($!)
  done
  for half in 0 1; do
    wait "${halves[half]}" || result=1
    cat "$folder/$half"
  done
  rm -rf "$folder"
  return $result
}
suite_postgres_isolation() { GUILDHALL_TEST_STORAGE=postgres with_postgres suite_isolation; }
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
suite_contract() { node_tests tests/contract/clients --test --test-concurrency=2 discordjs.mjs eris.mjs oceanic.mjs; }
suite_journeys() {
  node_tests tests/journeys run.mjs || return 1
  [ "$GUILDHALL_FULL" = 1 ] || return 0
  GUILDHALL_TEST_STORAGE=sqlite-per-server node_tests tests/journeys each_layout.mjs &&
    GUILDHALL_TEST_STORAGE=postgres node_tests tests/journeys each_layout.mjs
}
suite_browser() { node_tests tests/browser run.mjs; }
# Without colours, which would hide the counts.
suite_dashboard() { (cd dashboard && export NO_COLOR=1 && npm run --silent check && npm test --silent); }
# On the disk, which its numbers are about; then what is promised of load, in full.
suite_bench_check() {
  build release bench && env -u TMPDIR build/release/bench --check &&
    env -u TMPDIR build/release/bench --check --full webhooks linking roles
}

# With sanitizers: the tests of Discord's client, and the whole bot under load. They compile for minutes.
suite_sanitized() {
  local result=0 sanitizer
  build asan guildhall tests/platform_tests && build tsan guildhall || return 1
  timeout "$(longest)" build/asan/tests/platform_tests --gtest_brief=1 || result=1
  for sanitizer in asan tsan; do
    # The bot takes what begins so for its configuration.
    if (unset "${!GUILDHALL_@}" && build/release/guildhall sim load --servers 50 --rate 300 --seconds 20 --bot "build/$sanitizer/guildhall run"); then
      echo "PASSED 1 FAILED 0 SKIPPED 0"
    else
      echo "PASSED 0 FAILED 1 SKIPPED 0"
      result=1
    fi
  done
  return $result
}

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
    # What failed may stand far from the end.
    [ $broke = 0 ] || { grep -aE -A 15 '^ *(not ok|✖)|: Failure$' "$folder/$name.log" | head -n 120 || true; tail -n 60 "$folder/$name.log"; }
    grep -E '^(SKIPPED:|# [0-9])' "$folder/$name.log" || true
    printf '   %d passed, %d failed, %d skipped in %d s\n' "$p" "$f" "$s" $((SECONDS - started))
  } >"$folder/$name.shown"
  echo "$p $f $s $broke" >"$folder/$name.counts"
  cat "$folder/$name.shown"
}

is_alone() { [[ " ${alone[*]} " == *" $1 "* ]]; }
counts_for() { if [[ " ${twice[*]} " == *" $1 "* ]]; then echo 2; else echo 1; fi; }

# Those that are not alone, into the folder.
run_beside_each_other() {
  local folder=$1 name ended running=0 waiting=() left
  local -A counted=()
  for name in "${@:2}"; do is_alone "$name" || waiting+=("$name"); done
  while [ ${#waiting[@]} -gt 0 ]; do
    left=()
    for name in "${waiting[@]}"; do
      if [ $((running + $(counts_for "$name"))) -gt "$at_once" ]; then
        left+=("$name")
        continue
      fi
      run_suite "$name" "$folder" &
      counted[$!]=$(counts_for "$name")
      running=$((running + counted[$!]))
    done
    waiting=("${left[@]}")
    [ ${#waiting[@]} -gt 0 ] || break
    wait -n -p ended || true
    running=$((running - counted[$ended]))
  done
  wait
}

run_suites() {
  local folder name begin=$SECONDS p f s broke passed=0 failed=0 skipped=0 broken=()
  folder=$(mktemp -d)
  # What runs in the background does not hear Ctrl-C by itself.
  trap 'trap - INT TERM; kill -TERM 0' INT TERM
  run_beside_each_other "$folder" "$@"
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
