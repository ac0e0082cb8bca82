-- Takes away presence and what is counted of it, on both databases.
DROP TABLE watch_settlements;
DROP TABLE watch_spans;
DROP TABLE watch_conditions;
DROP TABLE presence;
