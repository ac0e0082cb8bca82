# Measured programs: one binary, `bench`, beside the product's own. Built when it is asked for.
file(GLOB bench_sources CONFIGURE_DEPENDS bench/*.cpp)
add_executable(bench EXCLUDE_FROM_ALL ${bench_sources})
target_include_directories(bench PRIVATE ${CMAKE_SOURCE_DIR}/src ${CMAKE_SOURCE_DIR})
target_compile_definitions(bench PRIVATE GUILDHALL_SOURCE_DIR="${CMAKE_SOURCE_DIR}")
target_link_libraries(bench PRIVATE test_support guildhall_convert guildhall_web guildhall_sim sqlite3 pg_query)
light_pch(bench)
set_target_properties(bench PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR} UNITY_BUILD OFF)
# The Discord client alone, to stand beside those that others wrote.
add_executable(gateway_client EXCLUDE_FROM_ALL bench/gateway_client/main.cpp)
target_include_directories(gateway_client PRIVATE ${CMAKE_SOURCE_DIR}/src)
target_link_libraries(gateway_client PRIVATE guildhall_discord)
light_pch(gateway_client)
set_target_properties(gateway_client PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR})
# What is measured as a program stands beside it.
add_dependencies(bench guildhall gateway_client)
