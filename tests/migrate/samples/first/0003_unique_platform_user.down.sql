DROP INDEX IF EXISTS "platform_connections_platform_platform_user_id_unique";
