-- How much of a person's watch time has been turned into points (src/features/points). Class T.
CREATE TABLE point_conversions (
  discord_server_id BIGINT NOT NULL,
  person_id         BIGINT NOT NULL,
  plain_us          BIGINT NOT NULL,
  subscribed_us     BIGINT NOT NULL,
  PRIMARY KEY (discord_server_id, person_id),
  FOREIGN KEY (discord_server_id, person_id) REFERENCES persons (discord_server_id, person_id)
);
