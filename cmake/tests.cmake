# Unit tests stand beside the code; each room's go into one program.
find_package(GTest REQUIRED)
enable_testing()

# What tests themselves do takes no time worth speaking of: without optimisation they compile in half of it.
# Under a sanitizer they keep what its preset says.
set(TEST_OPTIONS "")
if(CMAKE_CXX_FLAGS MATCHES "-O2")
  set(TEST_OPTIONS -O0)
endif()

# What every test includes, compiled once for all programs of tests.
add_library(test_headers OBJECT cmake/test_pch.cpp)
target_link_libraries(test_headers PRIVATE GTest::gmock)
target_compile_options(test_headers PRIVATE ${TEST_OPTIONS})
target_precompile_headers(test_headers PRIVATE ${CMAKE_SOURCE_DIR}/cmake/test_pch.h)

# The databases of old bots, as SQL; and the program that prints them.
add_library(old_databases STATIC tests/support/old_kick.cpp tests/support/old_kick_schema.cpp
  tests/support/old_kick_rows.cpp tests/support/old_kick_statements.cpp
  tests/support/old_reading.cpp tests/support/old_reading_schema.cpp tests/support/old_reading_rows.cpp
  tests/support/tagged_text.cpp)
target_include_directories(old_databases PUBLIC ${CMAKE_SOURCE_DIR})
target_link_libraries(old_databases PUBLIC fmt)
add_executable(old_database tests/support/old_database_main.cpp)
target_link_libraries(old_database PRIVATE old_databases)
set_target_properties(old_database PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
add_library(end_at_write MODULE tests/support/end_at_write.cpp)
set_target_properties(end_at_write PROPERTIES PREFIX "" LIBRARY_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)

add_library(test_support STATIC tests/support/test_world.cpp tests/support/test_database.cpp
  tests/support/any_database.cpp tests/support/foreign_database.cpp tests/support/old_bot.cpp
  tests/support/temporary_folder.cpp)
target_link_libraries(test_support PUBLIC old_databases guildhall_web guildhall_migrate GTest::gtest)
light_pch(test_support)

function(room_tests name)
  cmake_parse_arguments(TESTS "" "" "FOLDERS;LIBS" ${ARGN})
  set(sources "")
  foreach(folder IN LISTS TESTS_FOLDERS)
    file(GLOB_RECURSE found CONFIGURE_DEPENDS ${folder}/*_test.cpp)
    list(APPEND sources ${found})
  endforeach()
  if(NOT sources)
    return()
  endif()
  add_executable(${name} ${sources})
  target_include_directories(${name} PRIVATE ${CMAKE_SOURCE_DIR}/src ${CMAKE_SOURCE_DIR})
  target_compile_definitions(${name} PRIVATE GUILDHALL_SOURCE_DIR="${CMAKE_SOURCE_DIR}")
  target_link_libraries(${name} PRIVATE ${TESTS_LIBS} GTest::gmock GTest::gtest_main)
  target_compile_options(${name} PRIVATE ${TEST_OPTIONS})
  target_precompile_headers(${name} REUSE_FROM test_headers)
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
endfunction()

# The fuzz targets on their corpus; libFuzzer itself drives them in the preset `fuzz` (cmake/fuzz.cmake).
file(GLOB fuzz_sources CONFIGURE_DEPENDS tests/fuzz/*_fuzz.cpp)
add_library(fuzz_targets STATIC ${fuzz_sources} tests/fuzz/fuzz.cpp)
target_link_libraries(fuzz_targets PUBLIC test_support)
light_pch(fuzz_targets)

room_tests(unit_tests
  FOLDERS src/base src/net src/store src/tenancy src/migrate src/move src/convert src/bot src/features src/import src/web src/doctor src/cli tests/lint tests/docs tests/fuzz
  LIBS guildhall_cli test_support fuzz_targets pg_query)
add_library(openapi_check STATIC tests/contract/openapi_check.cpp)
target_link_libraries(openapi_check PUBLIC guildhall_net)
light_pch(openapi_check)
room_tests(platform_tests FOLDERS src/platforms tests/contract LIBS guildhall_discord guildhall_kick openapi_check)
room_tests(sim_tests FOLDERS sim LIBS guildhall_sim openapi_check)

add_library(noninterference STATIC tests/isolation/noninterference.cpp)
target_link_libraries(noninterference PUBLIC test_support)
light_pch(noninterference)

# The files that hold a mutation, compiled once more with it; their objects come before the rooms' own.
add_library(mutants STATIC src/store/statement.cpp src/store/sqlite/connection.cpp src/store/sqlite/units.cpp
                           src/store/sqlite/server_files.cpp src/store/postgres/connection.cpp
                           src/tenancy/seal.cpp src/tenancy/scopes.cpp src/bot/dispatcher.cpp
                           src/bot/short_signature.cpp src/bot/oauth_states.cpp src/web/link_pages.cpp
                           src/web/discord_sign_in.cpp src/web/sessions.cpp src/web/api.cpp src/net/http.cpp
                           src/platforms/kick/webhook.cpp src/bot/kick_bridge.cpp src/bot/settings.cpp
                           src/tenancy/channel_grants.cpp
                           tests/isolation/switches.cpp)
target_compile_definitions(mutants PRIVATE GUILDHALL_MUTATIONS)
target_include_directories(mutants PRIVATE src . ${PostgreSQL_INCLUDE_DIRS})
light_pch(mutants)

function(isolation_tests name)
  add_executable(${name} ${ARGN})
  target_include_directories(${name} PRIVATE ${CMAKE_SOURCE_DIR}/src ${CMAKE_SOURCE_DIR})
  target_compile_definitions(${name} PRIVATE GUILDHALL_SOURCE_DIR="${CMAKE_SOURCE_DIR}")
  target_compile_options(${name} PRIVATE ${TEST_OPTIONS})
  target_link_libraries(${name} PRIVATE noninterference guildhall_doctor GTest::gmock GTest::gtest_main)
  target_precompile_headers(${name} REUSE_FROM test_headers)
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
endfunction()
isolation_tests(isolation_tests tests/isolation/noninterference_test.cpp)
isolation_tests(mutation_tests tests/isolation/peeling.cpp tests/isolation/tables.cpp tests/isolation/matrix.cpp
                tests/isolation/predicates_test.cpp tests/isolation/walls_test.cpp tests/isolation/tables_test.cpp
                tests/isolation/unit_tests_test.cpp $<TARGET_OBJECTS:mutants>)
# The unit tests once more, on the mutants.
add_executable(mutant_unit_tests $<TARGET_OBJECTS:unit_tests> $<TARGET_OBJECTS:mutants>)
target_link_libraries(mutant_unit_tests PRIVATE guildhall_cli test_support fuzz_targets pg_query GTest::gmock GTest::gtest_main)
set_target_properties(mutant_unit_tests PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
add_dependencies(mutation_tests mutant_unit_tests)
